"""The training loop: compared with plain PyTorch, what it records, and how a run ends."""

import dataclasses
import json
import math
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from models.registry import build_model
from tests.conftest import ROOT, inside
from tests.tiny_runs import CPU, flags, tiny
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.runs import results
from workflow_scripts.engine.training.gradients import GradientRecorder, weight_layers
from workflow_scripts.engine.training.optimizers import OPTIMIZERS
from workflow_scripts.engine.training.trainer import Training


def trained(cell, data):
    training = Training(cell, data, CPU)
    while not training.finished:
        training.run_epoch()
    return training


OPTIONS = {
    "as in the course": {},
    "all that may be added": {
        "loss": "label_smoothing", "l1": 1e-4, "l2": 1e-3, "supervision": 0.3, "clip": 0.5, "weight_decay": 0.1,
    },
}  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_equals_a_plain_pytorch_loop(digits, options):
    cell = tiny(block="bn", lr=0.01, epochs=2, **options)
    training = trained(cell, digits)

    train, val = datasets.split_indices(digits.train_labels, "course", 0.05)
    torch.manual_seed(0)
    loss_of = partial(F.cross_entropy, label_smoothing=0.1 if options else 0.0)
    network = {"num_classes": 10, "image_shape": digits.image_shape, "width": 0.25, "supervision": cell.supervision}
    model = build_model("vgg08", "bn", **network).to(memory_format=torch.channels_last)
    weights = [weight for _, weight in weight_layers(model.named_parameters())]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=cell.weight_decay)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2, eta_min=2e-5)
    history, gradients = [], []
    for epoch in range(2):
        model.train()
        losses, accuracies, means = [], [], []
        for images, labels in training.train_batches.epoch(0, epoch, 100):
            optimizer.zero_grad()
            outputs = model(images)
            logits, *companions = outputs if options else (outputs,)
            loss = loss_of(logits, labels)
            penalty = sum(cell.l1 * weight.abs().sum() + cell.l2 / 2 * (weight**2).sum() for weight in weights)
            of_companions = sum(loss_of(companion, labels) for companion in companions)
            (loss + penalty + (0.3, 0.15)[epoch] * of_companions).backward()
            means.append([weight.grad.abs().double().mean().item() for weight in weights])
            if cell.clip:
                torch.nn.utils.clip_grad_norm_(model.parameters(), cell.clip)
            optimizer.step()
            losses.append(loss.item())
            accuracies.append((logits.argmax(1) == labels).double().mean().item())
        rate = scheduler.get_last_lr()
        scheduler.step()
        model.eval()
        images, labels = next(training.val_batches.in_order(len(val)))
        with torch.no_grad():
            logits = model(images)
        val_acc = (logits.argmax(1) == labels).double().mean()
        history.append([*rate, np.mean(losses), np.mean(accuracies), loss_of(logits, labels).item(), val_acc])
        gradients += np.mean(means, axis=0).tolist()
        first, last = means[0], means[-1]
    assert len(train) // 100 == training.steps
    np.testing.assert_allclose([row[1:6] for row in training.history], history, rtol=1e-5)
    np.testing.assert_allclose([row[3] for row in training.gradient_rows], gradients, rtol=1e-4)
    np.testing.assert_allclose([row[5] for row in training.gradient_rows[-len(last) :]], last, rtol=1e-4)
    np.testing.assert_allclose([row[6] for row in training.gradient_rows[-len(last) :]], first, rtol=1e-4)


def test_best_epoch_is_chosen_on_validation_kept_and_tested_once(digits, tmp_path):
    training = Training(tiny(lr=0.02, block="bn"), digits, CPU)
    training.run_epoch()
    training.run_epoch()
    images, labels = next(training.test_batches.in_order(10_000))
    with torch.no_grad():
        logits = training.model(images)
    weights = training.model.classifier.weight.detach().clone()
    torch.nn.init.zeros_(training.model.classifier.weight)
    training._end_epoch(torch.tensor([9.0, 0.0], dtype=torch.float64), lambda: 0.0)  # the last epoch is worse
    accuracies = [row[5] for row in training.history]
    assert training.finished and training.progress.best_epoch == int(np.argmax(accuracies)) == 1
    results.write(training, tmp_path, {}, with_test=False)
    assert torch.equal(load_file(tmp_path / "model.safetensors")["classifier.weight"], weights)
    test_loss, test_acc = training.test()
    assert test_acc == pytest.approx((logits.argmax(1) == labels).double().mean().item())
    assert test_loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_image_may_be_classified_together_with_its_mirror_image(digits, precision):
    """Which changes how the weights are evaluated, in validation as in the test, and not how they are trained."""
    plain, mirrored = (trained(tiny(epochs=2, precision=precision, tta=tta), digits) for tta in (None, "flip"))
    for one, other in zip(plain.model.parameters(), mirrored.model.parameters(), strict=True):
        assert torch.equal(one, other)
    for batches, row in ((mirrored.val_batches, mirrored.history[-1][4:6]), (mirrored.test_batches, None)):
        images, labels = next(batches.in_order(10_000))
        with torch.no_grad():
            logits = [plain.predict(torch.from_numpy(np.flip(images.numpy(), axes).copy())) for axes in ((), (3,))]
        mean = (logits[0] + logits[1]) / 2
        expected = [F.cross_entropy(mean, labels).item(), (mean.argmax(1) == labels).double().mean().item()]
        assert (row or mirrored.evaluate(batches).tolist()) == pytest.approx(expected, rel=1e-5)
        assert not torch.equal(*logits)


def test_the_test_images_are_read_only_for_a_cell_that_is_tested(digits, tmp_path):
    without = dataclasses.replace(digits, test_images=None)  # whoever reads them fails
    training = trained(tiny(), without)
    facts = results.measurements(training, without)
    assert facts["status"] == "finished" and facts["test_images"] == len(digits.test_images)
    results.write(training, tmp_path, facts, with_test=False)
    assert json.loads((tmp_path / "test.json").read_text())["test_acc"] is None
    with pytest.raises(AttributeError):
        training.test()


def test_a_record_does_not_stand_beside_files_of_another_run(digits, tmp_path):
    (tmp_path / "cell.json").write_text("{}")
    (tmp_path / "steps.npz").mkdir()  # a folder where the third file should be
    with pytest.raises(OSError):
        results.write(Training(tiny(), digits, CPU), tmp_path, {})
    assert (tmp_path / "history.csv").exists() and not (tmp_path / "cell.json").exists()


def test_of_equal_accuracies_the_first_is_the_best(digits):
    training = Training(tiny(epochs=4), digits, CPU)
    for validation in ((1.0, 0.4), (1.0, 0.5), (0.9, 0.5), (0.8, 0.4)):
        training._end_epoch(torch.tensor(validation, dtype=torch.float64), lambda: 0.0)
    assert training.finished and training.progress.best_epoch == 1


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_run_at_its_step(digits, loss):
    training = Training(tiny(), digits, CPU)
    training.run_epoch()
    training.step_losses[training.steps : training.steps + 2] = torch.tensor([2.3, loss])
    training.sums[0] = loss
    training._end_epoch(torch.tensor([2.3, 0.1], dtype=torch.float64), lambda: 0.0)
    assert training.finished and training.progress.diverged_step == training.steps + 1
    assert training.progress.best_epoch == 0


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_run_may_diverge_by_the_last_update_before_validation(digits, epochs):
    """The losses of all its steps are finite; the step that counts as diverged is the one that would come next."""
    training = Training(tiny(epochs=epochs, batch_size=1425), digits, CPU)
    training.run_epoch(after_step=lambda: torch.nn.init.constant_(training.model.classifier.weight, math.inf))
    facts = results.measurements(training, digits)
    assert (facts["status"], facts["diverged_step"], facts["epochs_run"]) == ("diverged", 1, 1)
    assert math.isfinite(training.step_losses[0]) and not math.isfinite(training.history[-1][4])
    assert training.finished and training.progress.best_epoch is None


def test_a_run_may_diverge_in_its_first_step(digits):
    training = Training(tiny(), digits, CPU)
    training.sums[0] = training.step_losses[0] = math.nan
    training._end_epoch(torch.tensor([math.nan, 0.1], dtype=torch.float64), lambda: 0.0)
    facts = results.measurements(training, digits)
    assert (facts["status"], facts["diverged_step"], facts["epochs_run"]) == ("diverged", 0, 1)


def test_images_are_normalised_as_the_training_images_ask_for(digits):
    training = Training(tiny(normalize="dataset"), digits, CPU)
    train, val = datasets.split_indices(digits.train_labels, "course", 0.05)
    pixels = digits.train_images[train] / 255
    mean, std = pixels.mean((0, 1, 2)), pixels.std((0, 1, 2))
    for batches, images in (
        (training.val_batches, digits.train_images[val]),
        (training.test_batches, digits.test_images),
    ):
        found, _ = next(batches.in_order(1000))
        np.testing.assert_allclose(found.permute(0, 2, 3, 1), (images / 255 - mean) / std, atol=1e-5)


def test_a_vanished_gradient_is_recorded_not_flushed_to_zero():
    weight = torch.nn.Parameter(torch.zeros(4, 5))
    model = torch.nn.Module()
    model.register_parameter("weight", weight)
    recorder = GradientRecorder(model)
    for factor in (1, 3):
        weight.grad = torch.full((4, 5), factor * 1e-30)
        recorder.record()
        if factor == 1:
            recorder.keep_first()
    mean_abs, l2, last, first = recorder.end_epoch(2)[:, 0].tolist()
    assert (mean_abs, last, first) == tuple(pytest.approx(value, rel=1e-6) for value in (2e-30, 3e-30, 1e-30))
    assert l2 == pytest.approx(2e-30 * math.sqrt(20), rel=1e-6)


def test_recorded_layers_are_the_weights_in_order():
    names = [name for name, _ in weight_layers(build_model("vgg38", "bn_rc").named_parameters())]
    assert len(names) == 38 and (names[0], names[-1]) == ("entry.conv", "classifier")
    assert names[1:3] == ["stages.0.blocks.0.conv0", "stages.0.blocks.0.conv1"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_reduces_a_quadratic(name):
    parameter = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = OPTIMIZERS[name]([parameter], lr=0.05, weight_decay=0.0)
    for _ in range(100):
        optimizer.zero_grad()
        (parameter**2).sum().backward()
        optimizer.step()
    assert parameter.abs().max() < 0.1


TRAIN = """
import sys
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.runs import results
from workflow_scripts.engine.machine.devices import choose_device
from workflow_scripts.engine.training.optimizers import OPTIMIZERS
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.training.trainer import Training

data = datasets.load(sys.argv[1])
for name in OPTIMIZERS:
    record = {"model": "vgg08", "block": "bn", "width": 0.25, "optimizer": name, "weight_decay": 0.1, "clip": 1}
    cell = Cell(**record, train_items=100, epochs=1)
    training = Training(cell, data, choose_device("cpu", 1))
    training.load_state_dict(training.state_dict())
    training.run_epoch()
    results.measurements(training, data)
print("torch._dynamo" in sys.modules)
"""


def test_training_does_without_pytorchs_compiler(digits_file):
    """Importing it would cost every process a second."""
    command = [sys.executable, "-c", TRAIN, digits_file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_bf16_learns_as_well(digits):
    losses = [trained(tiny(precision=precision, block="bn"), digits).history[-1][2] for precision in ("fp32", "bf16")]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert losses[1] != losses[0]


def test_divergence_is_a_result(digits, digits_file, tmp_path):
    inside("train_cell", "--data", digits_file, "--out", tmp_path / "c", *flags(optimizer="sgd", lr=1000))
    facts = json.loads((tmp_path / "c/cell.json").read_text())
    assert facts["status"] == "diverged"
    losses = np.load(tmp_path / "c/steps.npz")["train_loss"]
    assert not np.isfinite(losses[facts["diverged_step"]]) and np.isfinite(losses[: facts["diverged_step"]]).all()
    assert [facts[f"{part}_images"] for part in ("train", "val", "test")] == [1425, 75, 297]
    assert 0.1 < facts["largest_class"] < 0.11
    assert facts["epochs_run"] < 3 or facts["diverged_step"] >= len(losses) * 2 // 3
    assert json.loads((tmp_path / "c/test.json").read_text()).keys() == {"epoch", "test_loss", "test_acc"}


def test_a_record_without_a_data_set_names_the_one_that_was_trained_on(digits_file, tmp_path):
    words = ("--model", "vgg08", "--width", "0.25", "--augmentation", "none", "--epochs", "1")
    inside("train_cell", "--data", digits_file, "--out", tmp_path / "c", *words)
    assert json.loads((tmp_path / "c/cell.json").read_text())["record"]["dataset"] == "digits"
