"""Weights translated between the course's names and ours; the oracle is the network of course_network.py."""

import os
import zipfile

import pytest
import torch

from models.registry import build_model
from tests.conftest import inside
from tests.course_network import Builder, CourseNetwork, save_checkpoint
from workflow_scripts.engine.course import weights

VARIANTS = [(0, False, False), (0, True, False), (5, False, False), (5, True, False), (5, False, True), (5, True, True)]
BLOCK = {(False, False): "plain", (True, False): "bn", (False, True): "rc", (True, True): "bn_rc"}


def trained(network):
    """The network with running statistics that differ from those of a new one."""
    torch.manual_seed(1)
    network.train()
    for _ in range(2):
        network(torch.randn(8, 3, 16, 16))
    return network.eval()


@pytest.mark.parametrize(("blocks", "bn", "rc"), VARIANTS)
@pytest.mark.parametrize("to", ["ours", "course"])
def test_both_networks_give_equal_outputs(tmp_path, blocks, bn, rc, to):
    torch.manual_seed(0)
    course = CourseNetwork(classes=7, filters=8, blocks=blocks, bn=bn, rc=rc)
    ours = build_model("vgg38" if blocks else "vgg08", BLOCK[bn, rc], 7, (3, 16, 16), width=0.25)
    checkpoint, safetensors = tmp_path / "train_model_3", tmp_path / "model.safetensors"
    if to == "ours":
        save_checkpoint(trained(course), checkpoint)
        weights.save_ours(weights.to_ours(weights.load_course(checkpoint)), safetensors)
        ours.load_state_dict(weights.load_ours(safetensors))
    else:
        ours.to(memory_format=torch.channels_last)  # the memory format in which networks are trained here
        weights.save_ours(trained(ours).state_dict(), safetensors)
        weights.save_course(weights.to_course(weights.load_ours(safetensors)), checkpoint)
        state = torch.load(checkpoint, weights_only=True)
        Builder(course).load_state_dict(state["network"])  # as the framework's load_model does
        assert {"best_val_model_idx", "best_val_model_acc", "model_epoch"} < set(state)
    images = torch.randn(4, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(images), course.eval()(images), rtol=1e-5, atol=1e-6)


def test_there_and_back_again_is_the_same(tmp_path, capsys):
    source = tmp_path / "model.safetensors"
    weights.save_ours(build_model("vgg08", "plain", 10, (1, 8, 8), width=0.25).state_dict(), source)
    inside("convert_weights", "--to", "course", source, tmp_path / "train_model_0")
    assert "vgg08 (plain or rc), 8 filters, 10 classes" in capsys.readouterr().out
    inside("convert_weights", "--to", "ours", tmp_path / "train_model_0", tmp_path / "back.safetensors")
    assert (tmp_path / "back.safetensors").read_bytes() == source.read_bytes()


def test_weights_are_in_our_order_whatever_the_checkpoints_is():
    names = list(build_model("vgg08", "bn", 7, (3, 8, 8), width=0.125).state_dict())
    state = CourseNetwork(classes=7, filters=4, blocks=0, bn=True).state_dict()
    assert list(weights.to_ours(dict(reversed(state.items())))) == names


def test_bare_and_parallel_checkpoints_are_read_too(tmp_path):
    state = CourseNetwork(classes=7, filters=4, blocks=0).state_dict()
    expected = weights.to_ours(state)
    for prefix in ("", "model.", "model.module."):
        torch.save({f"{prefix}{name}": value for name, value in state.items()}, tmp_path / "weights")
        found = weights.to_ours(weights.load_course(tmp_path / "weights"))
        assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_the_numbers_of_an_older_numpy_are_read_too(tmp_path):
    save_checkpoint(CourseNetwork(classes=7, filters=4, blocks=0), tmp_path / "new")
    with zipfile.ZipFile(tmp_path / "new") as new, zipfile.ZipFile(tmp_path / "old", "w") as old:
        for entry in new.infolist():
            old.writestr(entry, new.read(entry).replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert b"numpy.core.multiarray" in (tmp_path / "old").read_bytes()
    assert list(weights.load_course(tmp_path / "old")) == list(weights.load_course(tmp_path / "new"))


class Bomb:
    """If unpickled, it would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_a_pickled_object_is_refused_and_its_code_not_run(tmp_path, refused):
    network, trap = CourseNetwork(classes=7, filters=4, blocks=0), tmp_path / "trap"
    save_checkpoint(network, tmp_path / "bomb", best_val_model_acc=Bomb(trap))
    said = refused("convert_weights", "--to", "ours", tmp_path / "bomb", tmp_path / "out")
    assert "found the pickled object posix.system; it is not loaded, because that could run code" in said
    assert not trap.exists() and not (tmp_path / "out").exists()
    torch.load(tmp_path / "bomb", weights_only=False)  # the trap is a real one
    assert trap.exists()


def without(state, part):
    return {name: value for name, value in state.items() if part not in name}


EXTRA = "layer_dict.input_conv.layer_dict.conv_0.bias"


@pytest.mark.parametrize(
    ("change", "message"),
    {
        "depth": (lambda: CourseNetwork(filters=4, blocks=3).state_dict(), "found 3 stages, the first with 3 blocks"),
        "stages": (
            lambda: CourseNetwork(filters=4, blocks=0, stages=2).state_dict(),
            "found 2 stages, the first with 0",
        ),
        "layer": (
            lambda: without(CourseNetwork(filters=4).state_dict(), "block_2_4.layer_dict.conv_1"),
            "expected the weights of vgg38 (plain), found no stages.2.blocks.4.conv1.weight",
        ),
        "size": (
            lambda: CourseNetwork(filters=4).state_dict() | {"logit_linear_layer.weight": torch.zeros(100, 5)},
            "expected the weights of vgg38 (plain), found classifier.weight of shape (100, 5), not (100, 4)",
        ),
        "one too many": (
            lambda: CourseNetwork(filters=4).state_dict() | {EXTRA: torch.zeros(4)},
            "expected the weights of vgg38 (plain), found entry.conv.bias, which it does not have",
        ),
        "no tensors": (lambda: {"logit_linear_layer.weight": [0.0]}, "expected tensors by name under 'network'"),
        "numbers as names": (lambda: {0: torch.zeros(1)}, "expected tensors by name under 'network'"),
        "another network": (
            lambda: {"fc.weight": torch.zeros(2, 2)},
            "fc.weight is the name of no layer of the course's",
        ),
        "none": (dict, "expected the weights of a network of the course, found none called entry.conv.weight"),
    }.values(),
)
def test_weights_of_another_network(tmp_path, refused, change, message):
    torch.save({"network": change()}, tmp_path / "weights")
    said = refused("convert_weights", "--to", "ours", tmp_path / "weights", tmp_path / "out")
    assert message in said and str(tmp_path / "weights") in said


def test_a_checkpoint_of_a_tensor_alone_holds_no_network(tmp_path, refused):
    torch.save(torch.zeros(3), tmp_path / "weights")
    said = refused("convert_weights", "--to", "ours", tmp_path / "weights", tmp_path / "out")
    assert "expected tensors by name under 'network', found something else" in said


def test_a_folder_holds_no_weights(tmp_path, refused):
    message = refused("convert_weights", "--to", "course", tmp_path, tmp_path / "out")
    assert message == f"error: {tmp_path}: expected a file, found a folder"


@pytest.mark.parametrize("to", ["ours", "course"])
def test_files_that_hold_no_weights(tmp_path, refused, to):
    (tmp_path / "text").write_text("no weights")
    assert f"{tmp_path / 'text'}: expected a" in refused(
        "convert_weights", "--to", to, tmp_path / "text", tmp_path / "out"
    )
