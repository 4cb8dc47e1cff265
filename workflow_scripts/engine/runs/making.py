"""Making a cell's folder: training it and writing its files, and not doing so twice."""

import datetime
import sys
from dataclasses import dataclass, field
from pathlib import Path

from workflow_scripts.engine import locks
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.machine import provenance
from workflow_scripts.engine.runs import made, results, run


@dataclass(frozen=True)
class Order:
    """A cell to be made: its record, the folder for its files, the file for its checkpoint.

    `measured` is {observer: settings} as `grids.measured` returns it; `test` says whether the test images are read.
    """

    cell: Cell
    out: Path
    checkpoint: Path
    measured: dict = field(default_factory=dict)
    test: bool = True

    @property
    def identity(self):
        """What cell.json says about how the cell was made, as far as it determines what is in the files."""
        return made.identity(self.cell, self.measured, self.test)

    def alone(self):
        """A context in which no other process makes this cell.

        A training process may outlive the Snakemake that started it, and the next Snakemake starts another one.
        """
        return locks.alone(self.checkpoint.with_name(self.checkpoint.name + ".lock"))

    def is_made(self, meta):
        """Whether the cell has been made already from the data set with this `meta`; if so, say so."""
        found = made.is_made(self.out, self.identity, meta["sha256"])
        if found:
            print(f"{made.NOTE}: {self.out}", file=sys.stderr)
        return found


def add_flags(parser):
    """Add the flags that `make` reads, which change no result, to a command's parser."""
    flags.add(parser, config.Running, "checkpoint_seconds", "tensorboard", "cuda_graphs")
    parser.add_argument(
        "--keep-checkpoint",
        action="store_true",
        help="also when the cell is done, from which it could be made again at once: the workflow deletes it",
    )


def make(order, data, device, running, keep_checkpoint=False):
    """Make the cell of an `Order` on `device` from a `datasets.Data`, as a `config.Running` says, unless it is made.

    Its last checkpoint is deleted, unless it is to be kept. If another process is making it, wait: every caller already
    holds its GPU, so that no two processes wait for each other. Raises UserError if a file is in its folder's place.
    """
    if order.out.exists() and not order.out.is_dir():
        raise UserError(f"{order.out}: expected a folder for the results, found a file")
    with order.alone():
        if not order.is_made(data.meta):
            _make(order, data, device, running)
            if not keep_checkpoint:
                order.checkpoint.unlink(missing_ok=True)


def _make(order, data, device, running):
    """Train the cell and write its files; see `run.train`."""
    started = datetime.datetime.now(datetime.UTC)
    provenance.measure_memory_anew(device)
    events = order.out if running.tensorboard else None
    training = run.train(
        order.cell,
        data,
        device,
        order.checkpoint,
        running.checkpoint_seconds,
        events,
        order.measured,
        running.cuda_graphs,
    )
    facts = {
        "cell": order.out.name,
        "record": order.cell.model_dump(),
        **order.identity,
        **results.measurements(training, data),
        "start": started.isoformat(timespec="seconds"),
        "end": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "peak_memory_bytes": provenance.peak_memory(device),
        **training.machines[-1],
        "resumed_from": training.machines[:-1],
        "git_commit": provenance.git_commit(),
    }
    results.write(training, order.out, facts, order.test)
