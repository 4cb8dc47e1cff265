"""What a run reports while it trains: its progress bar, and its curves for TensorBoard."""

import copy
import csv
import io
import sys

import pytest

from tests.conftest import inside
from tests.tiny_runs import CPU, flags, tiny
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.runs import orders, run
from workflow_scripts.engine.runs.reporting import Reporter
from workflow_scripts.engine.training.trainer import METRICS, Training


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
    assert f"loss {training.step_losses[steps]:.3f}, acc " in said  # the bar looks at it after the first step


def test_a_run_moves_its_bar_and_says_how_its_epochs_went(digits, tmp_path, monkeypatch):
    cell = tiny(train_items=500)  # of five steps an epoch
    monkeypatch.setattr(sys, "stderr", Terminal())
    run.train(orders.Order(cell, tmp_path / "cell", tmp_path / "checkpoint"), digits, CPU, config.Running())
    said = sys.stderr.getvalue()
    assert [f"epoch   {epoch}/3  loss " in said for epoch in (1, 2, 3)] == [True] * 3 and " 15/15 " in said


def test_the_log_of_a_run_that_diverges_ends_with_where(digits, capsys):
    training = Training(tiny(lr=1000, optimizer="sgd", epochs=5), digits, CPU)
    reporter = Reporter(training, "cell")
    while not training.finished:
        training.run_epoch()
        reporter.epoch()
    reporter.close()
    *lines, last = capsys.readouterr().err.splitlines()
    assert last.startswith(f"diverged in step {training.progress.diverged_step}: ")
    assert len(lines) == len(training.history) < 5 and not any("diverged" in line for line in lines)


def test_tensorboard_shows_every_epoch_once_also_of_a_run_that_was_killed(digits, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    first = Training(tiny(), digits, CPU)
    reporter = Reporter(first, "cell", tmp_path)
    for _ in range(2):
        checkpoint = copy.deepcopy(first.state_dict())
        first.run_epoch()
        reporter.epoch()
    reporter.close()  # after the second epoch, for which there is no checkpoint
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

    inside("train_cell", "--data", digits_file, "--out", tmp_path / "c", "--tensorboard", *flags())
    events = EventAccumulator(str(tmp_path / "c")).Reload()
    with open(tmp_path / "c/history.csv") as file:
        expected = [float(row["val_loss"]) for row in csv.DictReader(file)]
    assert [event.value for event in events.Scalars("val_loss")] == pytest.approx(expected)
