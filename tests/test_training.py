"""The training loop: against PyTorch's own, bit for bit with itself, and killed at any moment."""

import argparse
import contextlib
import copy
import csv
import io
import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from models.registry import build_model
from tests.conftest import ROOT, command
from workflow_scripts.engine import checkpoints, config, datasets, making, results, runs, schedules, trainer
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.gradients import GradientRecorder, weight_layers
from workflow_scripts.engine.optimizers import OPTIMIZERS
from workflow_scripts.engine.record import Cell
from workflow_scripts.engine.reporting import Reporter
from workflow_scripts.engine.trainer import METRICS, Training

TINY = {"model": "vgg08", "width": 0.25, "dataset": "digits", "augmentation": "none", "epochs": 3}
CPU = torch.device("cpu")


def tiny(**changes):
    return Cell(**{**TINY, **changes})


def trained(cell, data):
    training = Training(cell, data, CPU)
    while not training.finished:
        training.run_epoch()
    return training


def flags(**record):
    return [word for key, value in {**TINY, **record}.items() for word in (f"--{key.replace('_', '-')}", str(value))]


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
    training._end_epoch(torch.tensor([9.0, 0.0], dtype=torch.float64), lambda: 0.0)  # a last epoch that is worse
    accuracies = [row[5] for row in training.history]
    assert training.finished and training.progress.best_epoch == int(np.argmax(accuracies)) == 1
    results.write(training, tmp_path, {}, with_test=False)
    assert torch.equal(load_file(tmp_path / "model.safetensors")["classifier.weight"], weights)
    test_loss, test_acc = training.test()
    assert test_acc == pytest.approx((logits.argmax(1) == labels).double().mean().item())
    assert test_loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)


def test_a_record_does_not_stand_beside_files_of_another_run(digits, tmp_path):
    (tmp_path / "cell.json").write_text("{}")
    (tmp_path / "steps.npz").mkdir()  # where the third file should be
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
    """The losses of all its steps are finite; the one that diverged is the step that would come next."""
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


@pytest.mark.parametrize(("schedule", "period"), [("cosine", 100), ("cosine_course_2023", 475 * 100)])
def test_schedules_equal_pytorchs(schedule, period):
    cell = Cell(schedule=schedule, lr=0.01)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100, eta_min=2e-5)
    for tick in range(min(period, 1000)):
        epoch, step = (tick, 0) if schedule == "cosine" else divmod(tick, 475)
        expected = scheduler.get_last_lr()[0]
        assert schedules.learning_rate(cell, epoch, step, 475) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        optimizer.step()
        scheduler.step()


LINE = {"schedule": "linear", "final_lr": 0.02}
FALLING, RISING = np.linspace(0.1, 0.02, 21)[:-1], np.arange(1, 21)  # over four epochs of five steps
RATES = {
    "constant": ({"schedule": "constant"}, [0.1] * 20),
    "linear": (LINE, FALLING),
    "warm-up": ({"schedule": "constant", "warmup_epochs": 1.5}, 0.1 * np.minimum(1, RISING / 7.5)),
    "both": ({**LINE, "warmup_epochs": 1}, FALLING * np.minimum(1, RISING / 5)),
}


@pytest.mark.parametrize(("record", "expected"), RATES.values(), ids=RATES)
def test_schedules_by_hand(record, expected):
    cell = Cell(lr=0.1, epochs=4, **record)
    rates = [schedules.learning_rate(cell, *divmod(tick, 5), 5) for tick in range(20)]
    assert rates == pytest.approx(list(expected), rel=1e-12)


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
from workflow_scripts.engine import datasets, results
from workflow_scripts.engine.devices import choose_device
from workflow_scripts.engine.optimizers import OPTIMIZERS
from workflow_scripts.engine.record import Cell
from workflow_scripts.engine.trainer import Training

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
    """It would take a second of every process to import."""
    command = [sys.executable, "-c", TRAIN, digits_file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_bf16_learns_as_well(digits):
    losses = [trained(tiny(precision=precision, block="bn"), digits).history[-1][2] for precision in ("fp32", "bf16")]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert losses[1] != losses[0]


def test_divergence_is_a_result(digits, digits_file, tmp_path):
    command("train_cell", "--data", digits_file, "--out", tmp_path / "c", *flags(optimizer="sgd", lr=1000))
    facts = json.loads((tmp_path / "c/cell.json").read_text())
    assert facts["status"] == "diverged"
    losses = np.load(tmp_path / "c/steps.npz")["train_loss"]
    assert not np.isfinite(losses[facts["diverged_step"]]) and np.isfinite(losses[: facts["diverged_step"]]).all()
    assert [facts[f"{part}_images"] for part in ("train", "val", "test")] == [1425, 75, 297]
    assert facts["epochs_run"] < 3 or facts["diverged_step"] >= len(losses) * 2 // 3
    assert json.loads((tmp_path / "c/test.json").read_text()).keys() == {"epoch", "test_loss", "test_acc"}


def test_what_is_no_json_is_said_to_be_none(digits_file, tmp_path, refused):
    said = refused("train_cell", "--data", digits_file, "--out", tmp_path / "c", "--measure", '{"lags": 3')
    assert """argument --measure: expected JSON, found '{"lags": 3' (""" in said


def test_a_record_without_a_data_set_names_the_one_that_was_trained_on(digits_file, tmp_path):
    words = ("--model", "vgg08", "--width", "0.25", "--augmentation", "none", "--epochs", "1")
    command("train_cell", "--data", digits_file, "--out", tmp_path / "c", *words)
    assert json.loads((tmp_path / "c/cell.json").read_text())["record"]["dataset"] == "digits"


def contents(folder):
    """Every file of a cell without its times."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    rows = list(csv.reader(files["history.csv"].decode().splitlines()))
    files["history.csv"] = [row[:-1] for row in rows]
    facts = json.loads(files["cell.json"])
    for key in ("cell", "start", "end", "seconds", "peak_memory_bytes", "git_commit"):
        del facts[key]
    return {**files, "cell.json": facts}


MEASURED = {"lags": [1, 2], "walk": {"step_sizes": [0.5, 4], "every": 9}, "covariate_shift": {"every": 9}}
RECORD = {"block": "bn_rc", "epochs": 4, "augmentation": "crop+flip+erase", "measure": json.dumps(MEASURED)}


@pytest.fixture(scope="module")
def undisturbed(digits_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "cell"
    command("train_cell", "--data", digits_file, "--out", out, *flags(**RECORD))
    assert not list(out.parent.glob("*checkpoint*"))
    return contents(out)


def test_the_same_cell_gives_the_same_bits(undisturbed, digits_file, tmp_path):
    command("train_cell", "--data", digits_file, "--out", tmp_path / "cell", *flags(**RECORD))
    assert contents(tmp_path / "cell") == undisturbed


@pytest.mark.parametrize("writes", [1, 2, 5, 9, 14])
def test_a_killed_run_ends_with_the_same_bits(undisturbed, digits_file, tmp_path, writes):
    """SIGKILL after so many checkpoints, which are written every few steps: mostly in the middle of an epoch."""
    out, checkpoint = tmp_path / "cell", tmp_path / "checkpoint"
    arguments = ["--data", digits_file, "--out", out, "--checkpoint", checkpoint, "--checkpoint-seconds", 0.02]
    arguments = [*map(str, arguments), *flags(**RECORD)]
    process = subprocess.Popen([sys.executable, "-m", "workflow_scripts.train_cell", *arguments], cwd=ROOT)
    seen = set()
    while len(seen) < writes and process.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            seen.add(checkpoint.stat().st_mtime_ns)
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()
    done = command("train_cell", *arguments)
    assert "going on from epoch" in done.stderr
    assert contents(out) == undisturbed
    assert not checkpoint.exists()


@pytest.mark.parametrize("harm", ["half", "flip", "empty", "pickle"])
def test_a_damaged_checkpoint_is_noticed_and_never_executed(undisturbed, digits_file, digits, tmp_path, harm):
    path = tmp_path / "checkpoint"
    checkpoints.save(path, "key", Training(tiny(), digits, CPU).state_dict())
    content = path.read_bytes()
    harmed = {
        "half": content[: len(content) // 2],
        "flip": content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
        "empty": b"",
        "pickle": b"cos\nsystem\n(S'touch " + os.fsencode(tmp_path / "executed") + b"'\ntR.",
    }[harm]
    path.write_bytes(harmed)
    done = command("train_cell", "--data", digits_file, "--out", tmp_path / "c", "--checkpoint", path, *flags(**RECORD))
    assert "is damaged: starting from the first epoch" in done.stderr
    assert contents(tmp_path / "c") == undisturbed
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_of_other_code_or_data_is_not_gone_on_from(tmp_path):
    checkpoints.save(tmp_path / "c", "one", {"x": 1})
    assert checkpoints.load(tmp_path / "c", "one") == ({"x": 1}, "")
    state, note = checkpoints.load(tmp_path / "c", "two")
    assert state is None and "another version of the code or data" in note


class Bomb:
    """Unpickled, it would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_a_checkpoint_is_not_executed_whatever_its_digest_says(tmp_path):
    checkpoints.save(tmp_path / "c", "key", {"x": Bomb(tmp_path / "executed")})
    state, note = checkpoints.load(tmp_path / "c", "key")
    assert state is None and "is damaged" in note and not (tmp_path / "executed").exists()


@pytest.mark.parametrize(("seconds", "within"), [(2, [2, 4]), (9, [])])
def test_a_checkpoint_is_written_at_once_when_it_is_due_and_after_every_epoch(
    digits, tmp_path, monkeypatch, seconds, within
):
    """At once, because a folder that cannot be written to should not cost an epoch. Here a step takes a second."""
    saved, save = [], checkpoints.save

    def noted(path, key, state):
        saved.append((state["progress"]["epoch"], state["progress"]["step"]))
        save(path, key, state)

    monkeypatch.setattr(checkpoints, "save", noted)
    monkeypatch.setattr(trainer, "time", argparse.Namespace(monotonic=itertools.count().__next__))
    runs.train(tiny(epochs=2, train_items=500), digits, CPU, tmp_path / "c", seconds)
    epochs = [[(epoch, 0), *((epoch, step) for step in within)] for epoch in (0, 1)]
    assert saved == [*epochs[0], *epochs[1], (2, 0)]


@pytest.mark.parametrize("state", [{"progress": {}}, {"progress": {}, "model": {}}, {"progress": {"epoch": [0]}}])
def test_a_checkpoint_that_holds_another_state_is_one_clear_message(digits, tmp_path, state):
    path = tmp_path / "c"
    runs.train(tiny(epochs=1, train_items=100), digits, CPU, path, 60)
    key = torch.load(io.BytesIO(path.read_bytes()[32:]), weights_only=True)["key"]
    checkpoints.save(path, key, state)
    with pytest.raises(UserError, match="c: expected the state of vgg08-plain-.*, found another; delete it"):
        runs.train(tiny(epochs=1, train_items=100), digits, CPU, path, 60)


def test_a_checkpoint_outlives_files_that_cannot_be_written(digits, tmp_path, capsys):
    order = making.Order(tiny(epochs=1), tmp_path / "cell", tmp_path / "checkpoint")
    settings = config.Running(cuda_graphs=False)
    (order.out / "steps.npz").mkdir(parents=True)  # where a file should be
    with pytest.raises(OSError):
        making.make(order, digits, CPU, settings)
    (order.out / "steps.npz").rmdir()
    making.make(order, digits, CPU, settings)
    assert "going on from epoch 2, step 0" in capsys.readouterr().err
    assert order.is_made(digits.meta) and not order.checkpoint.exists()
    assert json.loads((order.out / "cell.json").read_text())["resumed_from"] == []  # of another machine


BAD = {
    "batch larger than the data": ({"batch_size": 5000}, "batch_size is 5000, but there are only 1425 training images"),
    "more items than there are": ({"train_items": 10**6}, "train_items is 1,000,000"),
    "unknown block": ({"block": "bm"}, "block: 'bm': unknown block; known: plain, bn, rc, bn_rc"),
    "not a number": ({"lr": "fast"}, "lr: 'fast': Input should be a valid number"),
}


@pytest.mark.parametrize(("record", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_message(refused, digits_file, tmp_path, record, message):
    assert message in refused("train_cell", "--data", digits_file, "--out", tmp_path / "c", *flags(**record))
    assert not list(tmp_path.iterdir())


def test_results_that_can_have_no_folder_are_refused_before_training(refused, digits_file, tmp_path):
    (tmp_path / "c").write_text("mine")
    said = refused("train_cell", "--data", digits_file, "--out", tmp_path / "c", *flags(**RECORD))
    assert said == f"error: {tmp_path / 'c'}: expected a folder for the results, found a file"
    assert [path.name for path in tmp_path.iterdir()] == ["c"] and (tmp_path / "c").read_text() == "mine"


@pytest.mark.parametrize("seconds", ["-3", "0", "nan", "soon"])
def test_a_time_between_checkpoints_is_above_zero(refused, digits_file, tmp_path, seconds):
    said = refused("train_cell", "--data", digits_file, "--out", tmp_path / "c", "--checkpoint-seconds", seconds)
    assert said.startswith(
        f"error: the command line is not valid:\n  checkpoint_seconds: '{seconds}': Input should be "
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [None, b"", b"not a data set", b"PK\x03\x04 cut off"])
def test_a_missing_or_damaged_data_file(refused, tmp_path, content):
    path = tmp_path / "data.npz"
    if content is not None:
        path.write_bytes(content)
    assert str(path) in refused("train_cell", "--data", path, "--out", tmp_path / "c")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_begins_where_the_run_does_and_shows_the_means_so_far(digits, monkeypatch):
    training = Training(tiny(), digits, CPU)
    training.run_epoch()
    monkeypatch.setattr(sys, "stderr", Terminal())
    reporter = Reporter(training, "cell")
    training.run_epoch(reporter.step)
    reporter.close()
    said, steps = sys.stderr.getvalue(), training.steps
    assert f" {steps}/{3 * steps} " in said and f" {2 * steps}/{3 * steps} " in said
    assert f"loss {training.step_losses[steps]:.3f}, acc " in said  # which it looks at after the first step


def test_tensorboard_shows_every_epoch_once_also_of_a_run_that_was_killed(digits, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    first = Training(tiny(), digits, CPU)
    reporter = Reporter(first, "cell", tmp_path)
    for _ in range(2):
        checkpoint = copy.deepcopy(first.state_dict())
        first.run_epoch()
        reporter.epoch()
    reporter.close()  # after the second epoch, of which there is no checkpoint
    second = Training(tiny(), digits, CPU)
    second.load_state_dict(checkpoint)
    reporter = Reporter(second, "cell", tmp_path)
    while not second.finished:
        second.run_epoch()
        reporter.epoch()
    reporter.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    for name, column in zip(("lr", *METRICS), range(1, 6), strict=True):
        found = [(event.step, event.value) for event in events.Scalars(name)]
        assert found == [(row[0], pytest.approx(row[column])) for row in second.history], name


def test_tensorboard_reads_the_curves(digits_file, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    command("train_cell", "--data", digits_file, "--out", tmp_path / "c", "--tensorboard", *flags())
    events = EventAccumulator(str(tmp_path / "c")).Reload()
    with open(tmp_path / "c/history.csv") as file:
        expected = [float(row["val_loss"]) for row in csv.DictReader(file)]
    assert [event.value for event in events.Scalars("val_loss")] == pytest.approx(expected)
