"""Runs killed at any moment give the same bits as undisturbed ones; checkpoints that are damaged or of another run."""

import argparse
import csv
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
import torch

from tests.conftest import ROOT, command, inside
from tests.tiny_runs import CPU, RECORD, flags, tiny
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.runs import checkpoints, making, orders, run
from workflow_scripts.engine.training import trainer
from workflow_scripts.engine.training.trainer import Training


def contents(folder):
    """Every file of a cell, without its times."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    rows = list(csv.reader(files["history.csv"].decode().splitlines()))
    files["history.csv"] = [row[:-1] for row in rows]
    facts = json.loads(files["cell.json"])
    for key in ("cell", "start", "end", "seconds", "peak_memory_bytes", "git_commit"):
        del facts[key]
    return {**files, "cell.json": facts}


@pytest.fixture(scope="module")
def undisturbed(digits_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "cell"
    command("train_cell", "--data", digits_file, "--out", out, *flags(**RECORD))
    assert not list(out.parent.glob("*checkpoint*"))
    return contents(out)


def test_the_same_cell_gives_the_same_bits(undisturbed, digits_file, tmp_path):
    """Also within this process, in which the runs below are resumed."""
    inside("train_cell", "--data", digits_file, "--out", tmp_path / "cell", *flags(**RECORD))
    assert contents(tmp_path / "cell") == undisturbed


KILLED = """
import os, runpy, signal, sys
left, replace = int(sys.argv.pop(1)), os.replace

def counted(source, target):
    global left
    if target.name == "checkpoint":
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
    replace(source, target)

os.replace = counted
runpy.run_module("workflow_scripts.train_cell", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("writes", [1, 2, 9, 15, 35])
def test_a_killed_run_ends_with_the_same_bits(undisturbed, digits_file, tmp_path, capsys, writes):
    """SIGKILL after this many checkpoints, while the next is written: one is before the first step, one after each.

    An epoch has 14 steps. The process kills itself: another might look away while several are written, or all.
    """
    out, checkpoint = tmp_path / "cell", tmp_path / "checkpoint"
    arguments = ["--data", digits_file, "--out", out, "--checkpoint", checkpoint, "--checkpoint-seconds", 1e-9]
    arguments = [*map(str, arguments), *flags(**RECORD)]
    process = subprocess.run([sys.executable, "-c", KILLED, str(writes), *arguments], cwd=ROOT)
    assert process.returncode == -signal.SIGKILL
    assert not out.exists()
    inside("train_cell", *arguments)
    assert "going on from epoch" in capsys.readouterr().err
    assert contents(out) == undisturbed
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("harm", ["half", "flip", "empty", "pickle"])
def test_a_damaged_checkpoint_is_noticed_and_never_executed(undisturbed, digits_file, digits, tmp_path, capsys, harm):
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
    inside("train_cell", "--data", digits_file, "--out", tmp_path / "c", "--checkpoint", path, *flags(**RECORD))
    assert "is damaged: starting from the first epoch" in capsys.readouterr().err
    assert contents(tmp_path / "c") == undisturbed
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_of_other_code_or_data_is_not_gone_on_from(tmp_path):
    checkpoints.save(tmp_path / "c", "one", {"x": 1})
    assert checkpoints.load(tmp_path / "c", "one") == ({"x": 1}, "")
    state, note = checkpoints.load(tmp_path / "c", "two")
    assert state is None and "another version of the code or data" in note


class Bomb:
    """If unpickled, it would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_a_checkpoint_is_not_executed_whatever_its_digest_says(tmp_path):
    checkpoints.save(tmp_path / "c", "key", {"x": Bomb(tmp_path / "executed")})
    state, note = checkpoints.load(tmp_path / "c", "key")
    assert state is None and "is damaged" in note and not (tmp_path / "executed").exists()


def train(cell, data, checkpoint, seconds=60):
    order = orders.Order(cell, checkpoint.with_name("cell"), checkpoint)
    run.train(order, data, CPU, config.Running(checkpoint_seconds=seconds))


@pytest.fixture
def saved(monkeypatch):
    """(epoch, step) of the checkpoints written by a run in which a step takes a second, and a checkpoint no time."""
    found, save = [], checkpoints.save

    def noted(path, key, state):
        found.append((state["progress"]["epoch"], state["progress"]["step"]))
        save(path, key, state)

    monkeypatch.setattr(checkpoints, "save", noted)
    monkeypatch.setattr(trainer, "time", argparse.Namespace(monotonic=itertools.count().__next__))
    monkeypatch.setattr(run, "time", argparse.Namespace(monotonic=itertools.repeat(0).__next__))
    return found


@pytest.mark.parametrize(("seconds", "within"), [(2, [2, 4]), (9, [])])
def test_a_checkpoint_is_written_at_once_when_it_is_due_and_after_every_epoch(digits, tmp_path, saved, seconds, within):
    """At once, because an unwritable folder should not cost an epoch."""
    train(tiny(epochs=2, train_items=500), digits, tmp_path / "c", seconds)
    epochs = [[(epoch, 0), *((epoch, step) for step in within)] for epoch in (0, 1)]
    assert saved == [*epochs[0], *epochs[1], (2, 0)]


def test_checkpoints_that_take_long_are_not_written_after_every_short_epoch(digits, tmp_path, monkeypatch, saved):
    """Epochs may be that short on a GPU. Here a checkpoint takes one second, and an epoch of five steps six."""
    monkeypatch.setattr(run, "time", argparse.Namespace(monotonic=itertools.count(1000).__next__))
    train(tiny(epochs=8, train_items=500), digits, tmp_path / "c")
    assert saved == [(0, 0), (1, 0), (5, 0), (8, 0)]


STATES = {
    "another progress": lambda state: {"progress": {"more": 1}},
    "no model": lambda state: {"progress": {}},
    "no weights": lambda state: {"progress": {}, "model": {}},
    "another count": lambda state: {"progress": {"epoch": [0]}},
    "another network's weights": lambda state: state | {"model": {"weight": torch.ones(1)}},
    "another optimiser's groups": lambda state: state | {"optimizer": {"state": {}, "param_groups": []}},
    "a list": lambda state: state | {"best": []},
}


@pytest.mark.parametrize("change", STATES.values(), ids=STATES)
def test_a_checkpoint_that_holds_another_state_is_one_clear_message(digits, tmp_path, change):
    path = tmp_path / "c"
    train(tiny(epochs=1, train_items=100), digits, path)
    saved = torch.load(io.BytesIO(path.read_bytes()[32:]), weights_only=True)
    checkpoints.save(path, saved["key"], change(saved["state"]))
    with pytest.raises(UserError, match="c: expected the state of vgg08-plain-.*, found another; delete it"):
        train(tiny(epochs=1, train_items=100), digits, path)


def test_where_memory_runs_out_the_checkpoint_is_not_blamed(digits, tmp_path, monkeypatch):
    """The message would have it deleted."""
    train(tiny(epochs=1, train_items=100), digits, tmp_path / "c")

    def load(training, state):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Training, "load_state_dict", load)
    with pytest.raises(torch.OutOfMemoryError):
        train(tiny(epochs=1, train_items=100), digits, tmp_path / "c")


def test_a_checkpoint_outlives_files_that_cannot_be_written(digits, tmp_path, capsys):
    order = orders.Order(tiny(epochs=1), tmp_path / "cell", tmp_path / "checkpoint")
    settings = config.Running(cuda_graphs=False)
    (order.out / "steps.npz").mkdir(parents=True)  # a folder where a file should be
    with pytest.raises(OSError):
        making.make(order, digits, CPU, settings)
    (order.out / "steps.npz").rmdir()
    making.make(order, digits, CPU, settings)
    assert "going on from epoch 2, step 0" in capsys.readouterr().err
    assert order.is_made(digits.sha256) and not order.checkpoint.exists()
    assert json.loads((order.out / "cell.json").read_text())["resumed_from"] == []  # no other machine


def test_from_a_checkpoint_that_is_kept_a_cell_is_made_again_at_once(digits_file, tmp_path, capsys):
    words = ["train_cell", "--data", digits_file, "--out", tmp_path / "cell", *flags(epochs=1)]
    inside(*words, "--keep-checkpoint")
    made = contents(tmp_path / "cell")
    shutil.rmtree(tmp_path / "cell")
    inside(*words)
    assert "going on from epoch 2, step 0" in capsys.readouterr().err
    assert contents(tmp_path / "cell") == made and [path.name for path in tmp_path.iterdir()] == ["cell"]
