"""Initialisations: the variances from their papers, the same bits from the same seed, and no other weights touched."""

import math

import pytest
import torch

from models.registry import build_model
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.training.initializations import INITS
from workflow_scripts.engine.training.trainer import Training

REDRAWN = ("kaiming", "xavier", "orthogonal", "lsuv")


def initialized(init, block="plain", model="vgg38", seed=0, **options):
    torch.manual_seed(seed)
    network = build_model(model, block, 10, (3, 16, 16), **options)
    torch.manual_seed(seed + 1)
    images = torch.randn(40, 3, 16, 16, generator=torch.Generator().manual_seed(5))
    INITS[init](network, images)
    return network, images


def layers(network):
    return {
        name: layer for name, layer in network.named_modules() if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear))
    }


def test_own_changes_nothing():
    network, _ = initialized("own")
    torch.manual_seed(0)
    untouched = build_model("vgg38", "plain", 10, (3, 16, 16)).state_dict()
    assert all(torch.equal(value, untouched[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("init", REDRAWN)
def test_every_weight_is_redrawn_from_the_seed_and_biases_are_zero(init):
    network, other = initialized(init, "bn")[0], initialized(init, "bn", seed=0)[0]
    before = build_model("vgg38", "bn", 10, (3, 16, 16))
    for (name, layer), old, same in zip(
        layers(network).items(), layers(before).values(), layers(other).values(), strict=True
    ):
        assert torch.equal(layer.weight, same.weight), name
        assert not torch.equal(layer.weight, old.weight)
        assert layer.bias is None or not layer.bias.any()
        assert layer.weight.requires_grad and layer.weight.grad_fn is None
    assert (network.entry.norm.weight == 1).all() and not network.entry.norm.bias.any()


def test_variances_are_those_of_the_papers():
    # of the entry, which has 9 * 3 inputs and 9 * 32 outputs, and of a convolution in a block
    for init, variances in {
        "kaiming": (2 / 1.0001 / (9 * 32), 2 / 1.0001 / (9 * 32)),
        "xavier": (2 / (9 * 3 + 9 * 32), 2 / (9 * 32 + 9 * 32)),
    }.items():
        network = initialized(init)[0]
        for layer, variance in zip((network.entry.conv, network.stages[0].blocks[0].conv0), variances, strict=True):
            weights = layer.weight.detach().flatten()
            assert weights.var().item() == pytest.approx(variance, rel=5 * math.sqrt(2 / len(weights)))
            assert (weights.abs().max() > 2.2 * weights.std()) == (init == "kaiming")  # uniform ones end at 1.7
    assert initialized("xavier")[0].classifier.weight.abs().max() <= math.sqrt(6 / (32 + 10))


def test_orthogonal_rows_times_the_gain():
    weight = initialized("orthogonal")[0].stages[0].blocks[0].conv0.weight.flatten(1)
    torch.testing.assert_close(weight @ weight.T, 2 / 1.0001 * torch.eye(32), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("block", "options"),
    [("plain", {}), ("bn_rc", {}), ("dense", {}), ("rc_proj", {"supervision": 0.3}), ("bn", {"dropout": 0.5})],
)
def test_lsuv_gives_every_layer_unit_variance(block, options):
    network, images = initialized("lsuv", block, **options)
    variances = {}
    for name, layer in layers(network).items():
        layer.register_forward_hook(
            lambda layer, inputs, output, name=name: variances.update({name: output.var(correction=0).item()})
        )
    torch.manual_seed(0)
    network.train()
    with torch.no_grad():
        network(images)
    if options.get("dropout"):
        variances.pop("classifier")  # other features are dropped in this pass
    assert variances == pytest.approx(dict.fromkeys(variances, 1), abs=1e-3)
    assert len(variances) >= 37


def test_lsuv_leaves_statistics_random_state_and_hooks_as_they_were():
    torch.manual_seed(0)
    network = build_model("vgg38", "bn", 10, (3, 16, 16), dropout=0.5, width=0.25)
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    states = []
    for images in (torch.randn(10, 3, 16, 16), torch.randn(20, 3, 16, 16)):
        torch.manual_seed(3)
        INITS["lsuv"](network, images)
        states.append(torch.get_rng_state())
    assert torch.equal(*states)
    for name, buffer in network.named_buffers():
        assert torch.equal(buffer, buffers[name]), name
    assert not any(module._forward_hooks for module in network.modules())


def test_lsuv_leaves_layers_whose_outputs_are_all_equal_orthonormal():
    network = build_model("vgg08", "plain", 10, (3, 16, 16), width=0.25)
    INITS["lsuv"](network, torch.zeros(4, 3, 16, 16))
    for layer in layers(network).values():
        weight = layer.weight.flatten(1)
        short = weight if len(weight) <= weight.shape[1] else weight.T
        torch.testing.assert_close(short @ short.T, torch.eye(len(short)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("block", ["rc_pool", "bn_rc_pool", "gn_rc", "bn_rc_proj"])
def test_zero_residual_opens_with_the_shortcuts_alone(block):
    network, images = initialized("zero_residual", block, width=0.25)
    x = network.entry(images)
    for stage in network.stages:
        for part in stage.blocks:
            torch.testing.assert_close(part(x), torch.nn.functional.leaky_relu(x))
            assert part.conv1.weight.any() == (block != "rc_pool")  # closed by the normalization, if there is one
        if hasattr(stage.reduction, "shortcut"):
            torch.testing.assert_close(stage.reduction(x), torch.nn.functional.leaky_relu(stage.reduction.shortcut(x)))
        x = stage.reduction(x)


def test_zero_residual_is_exactly_the_identity_before_activation():
    network, images = initialized("zero_residual", "bn_preact_rc", width=0.25)
    x = network.entry(images)
    assert torch.equal(network.stages[0].blocks[3](x), x)


@pytest.mark.parametrize("block", ["plain", "bn", "dense", "skipinit_rc"])
def test_zero_residual_needs_a_residual_branch(block):
    with pytest.raises(ValueError, match="init zero_residual: this network has no residual branch"):
        initialized("zero_residual", block)


def test_a_network_without_residual_branches_is_one_line(refused, digits_file, tmp_path):
    message = refused("train_cell", "--data", digits_file, "--out", tmp_path / "c", "--init", "zero_residual")
    assert "vgg38-plain-init_zero_residual-digits-lr0.001-seed0: init zero_residual: this network has no" in message


def test_lsuv_reads_the_first_batch_of_the_cell(digits):
    cell = Cell(model="vgg08", block="bn", width=0.25, init="lsuv", batch_size=50)
    training = Training(cell, digits, torch.device("cpu"))
    images, _ = next(training.train_batches.epoch(cell.seed, 0, cell.batch_size))
    with torch.no_grad():
        assert training.model.train()(images).var(correction=0).item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("init", INITS)
def test_a_cell_trains_from_every_initialisation(digits, init):
    cell = Cell(model="vgg38", block="bn_rc", width=0.125, init=init, epochs=1, train_items=100, batch_size=50)
    trainings = [Training(cell, digits, torch.device("cpu")) for _ in range(2)]
    for training in trainings:
        training.run_epoch()
    assert trainings[0].history[0][2:6] == trainings[1].history[0][2:6]
    assert all(math.isfinite(value) for value in trainings[0].history[0][2:6])
