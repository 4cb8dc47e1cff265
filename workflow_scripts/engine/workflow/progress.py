"""The progress of a run of the workflow: outcomes of finished cells, progress of running ones, and the time left.

A run records what it trains in results/logs/run.json. A cell's progress is in its log, results/logs/<study>/<cell>.log,
and its outcome in its folder. So anything that can read results/ can tell, on a cluster as on one machine.
"""

import json
import math
import re
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.runs import cell_files, orders
from workflow_scripts.engine.text.wording import counted, duration

RUN = "logs/run.json"
EPOCH = re.compile(r"epoch +(\d+)/\d+  loss (\S+) .* val acc +(\S+)%  (\S+) s$", re.MULTILINE)  # reporting.LINE
FAILED = re.compile(r"^(?:error: |Traceback )", re.MULTILINE)
RESUMED = re.compile(r"^going on from epoch (\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Finished:
    """A cell that is done; `words` describe its outcome."""

    epochs: int
    seconds: float
    words: str

    def said(self):
        """How long it took, and its outcome."""
        return f"{counted(self.epochs, 'epoch')} in {self.seconds:.0f} s, {self.words}"


@dataclass(frozen=True)
class Running:
    """A cell in training, according to its log: how many epochs are done, and the last one's results, if there is one.

    `seconds` is how long that epoch took; `silent` is how many seconds ago the log was last written to; `failed` says
    whether it ends in an error: its job may be tried again.
    """

    epoch: int
    loss: float | None
    val_acc: float | None
    seconds: float | None
    silent: float
    failed: bool


def finished(folder):
    """The `Finished` for the folder of a cell or of a Beras run; None as long as it has no record."""
    for name, read in RECORDS.items():
        if (folder / name).exists():
            (facts,) = cell_files.read(folder, name)
            with cell_files.understood(folder):
                return read(folder, facts)
    return None


def _cell(folder, facts):
    said, (test, history) = [], cell_files.read(folder, "test.json", "history.csv")
    if facts["status"] == "diverged":
        said.append(f"diverged in step {facts['diverged_step']}")
    if best := cell_files.best_epoch(test, history):
        said.append(f"val acc {float(best['val_acc']):.1%}")
    if test["test_acc"] is not None:
        said.append(f"test acc {test['test_acc']:.1%}")
    return Finished(facts["epochs_run"], facts["seconds"], ", ".join(said))


def _beras_run(folder, facts):
    said = f"train acc {facts['train_acc']:.1%}, test acc {facts['test_acc']:.1%}"
    return Finished(facts["epochs"], facts["seconds"], said)


RECORDS = {"cell.json": _cell, "run.json": _beras_run}  # the file that is written last, and what reads it


def running(text, silent):
    """The `Running` for the text of a cell's log that has not changed for `silent` seconds."""
    found, failed = EPOCH.findall(text), bool(FAILED.search(text))
    if not found:
        return Running(resumed_at(text), None, None, None, silent, failed)
    epoch, loss, accuracy, seconds = found[-1]
    return Running(int(epoch), float(loss), float(accuracy) / 100, float(seconds), silent, failed)


def resumed_at(text):
    """How many epochs of a cell were done before the job whose log this is."""
    found = RESUMED.search(text)
    return int(found[1]) - 1 if found else 0


@dataclass
class Run:
    """The cells that one run trains, {"<study>/<cell>": (kind, epochs)}; epochs of one kind take about equally long.

    `look` fills in which cells are `finished` and `running`, and how many epochs of each were done `before` this run.
    `begin` fills in which of them are `followed`: lists of cells, each of which a job trains one after the other.
    """

    results: Path
    cells: dict
    started: float = field(default_factory=time.time)
    finished: dict = field(default_factory=dict)
    running: dict = field(default_factory=dict)
    before: dict = field(default_factory=dict)
    followed: list = field(default_factory=list)

    @classmethod
    def read(cls, results):
        """The run that is writing to the folder `results`, or the last one that did."""
        path = Path(results, RUN)
        try:
            return cls(Path(results), **json.loads(path.read_text()))
        except FileNotFoundError:
            raise UserError(
                f"{path}: expected the cells of a run, found none; did a run of the workflow start?"
            ) from None
        except (ValueError, TypeError) as error:
            raise UserError(f"{path} is damaged ({error}); the next run of the workflow makes it again") from None

    def read_again(self):
        """This run, with cells it has added since, as a search does; or a newer run in the same folder."""
        newest = Run.read(self.results)
        return replace(self, cells=newest.cells) if newest.started == self.started else newest

    def write(self):
        """Record what is to be trained, for `read`."""
        whole_files.write(self.results / RUN, json.dumps({"started": self.started, "cells": self.cells}))

    def look(self, names=None, now=None):
        """Update the progress of the cells `names`; by default, of all that were not finished at the last look."""
        now = time.time() if now is None else now
        for name in self.cells.keys() - self.finished.keys() if names is None else names:
            self.running.pop(name, None)
            log = self.results / "logs" / f"{name}.log"
            if self._written(log) < 0:
                continue
            text = log.read_text(errors="replace")
            self.before[name] = resumed_at(text)
            there = orders.MADE in text
            written = max(self._written(self.results / name / record) for record in RECORDS)
            if done := finished(self.results / name) if there or written >= 0 else None:
                if there:  # by a process that may have outlived the run that started it, and gone on during this one
                    done = replace(done, words=f"{done.words}, made before")
                    self.before[name] = done.epochs * min(max(1 - written / done.seconds, 0), 1)
                self.finished[name] = done
            else:
                self.running[name] = running(text, max(0.0, now - log.stat().st_mtime))

    def begin(self, parts):
        """Note that a job begins, for `follow`: of each of its parts, the cells in the order in which it trains them.

        A job of one cell need not be followed: its end is the cell's.
        """
        if max([len(parts), *map(len, parts)]) > 1:
            self.followed += parts

    def follow(self, now=None):
        """Update the progress of the cells that jobs finish one by one.

        Of each part of a job, no further than to the first cell that has not begun: of ten thousand cells, looking at
        all for every finished one would take too long.
        """
        unfinished = ([name for name in part if name not in self.finished] for part in self.followed)
        self.followed = list(filter(None, unfinished))
        for part in self.followed:
            for name in part:
                self.look([name], now)
                if name not in self.finished and name not in self.running:
                    break

    def _written(self, path):
        """How many seconds after the start of this run a file was last written to; less than 0: before it, or never."""
        try:
            return path.stat().st_mtime - self.started
        except FileNotFoundError:
            return -math.inf

    def left(self, now=None):
        """Seconds until all cells are trained, at this run's pace so far; None before any epoch is done.

        The work of a cell is its number of epochs times what an epoch of its kind takes; what was done before the run
        does not count. So the pace includes how many cells run at once, and the time they wait.
        """
        now = time.time() if now is None else now
        known = self._seconds_per_epoch()
        if not known:
            return None
        mean, done, todo = sum(known.values()) / len(known), 0.0, 0.0
        for name, (kind, epochs) in self.cells.items():
            price = known.get(kind, mean)
            if name in self.finished:
                done += price * (self.finished[name].epochs - self.before[name])
            elif name in self.running:
                done += price * (self.running[name].epoch - self.before[name])
                todo += price * (epochs - self.running[name].epoch)
            else:
                todo += price * epochs
        return (now - self.started) * todo / done if done else None

    def _seconds_per_epoch(self):
        found = {}
        for name, cell in self.finished.items():
            found.setdefault(self.cells[name][0], []).append(cell.seconds / cell.epochs)
        for name, cell in self.running.items():
            if cell.seconds is not None:
                found.setdefault(self.cells[name][0], []).append(cell.seconds)
        return {kind: sum(values) / len(values) for kind, values in found.items()}

    def tally(self, left):
        """How many of the cells are done, and about how long the others take; `left` is what `left()` returned."""
        time_left = f", {duration(left)} left" if left and len(self.finished) < len(self.cells) else ""
        return f"{len(self.finished):,} of {len(self.cells):,} cells done{time_left}"
