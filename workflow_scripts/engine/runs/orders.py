"""An order for a cell: what is to be trained and where it goes, and what tells whether that has been done."""

import functools
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from workflow_scripts.engine import locks
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.runs import made


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

    @functools.cached_property
    def identity(self):
        """What cell.json says about how the cell was made, as far as it determines what is in the files."""
        return made.identity(self.cell, self.measured, self.test)

    def key(self, sha256):
        """What names the training run among checkpoints; `sha256` is that of the data.

        Whether the cell is tested in the end is no part of it, since no step of training depends on that.
        """
        measured = json.dumps(self.measured)
        return f"{self.identity['record_digest']} {measured} {self.identity['code_digest']} {sha256}"

    def check_folder(self):
        """Raise UserError if the folder holds the cell of another record, which the order's cell would replace."""
        found = made.record(self.out)
        wanted = self.cell.model_dump()
        others = [key for key in wanted if found and found.get(key, wanted[key]) != wanted[key]]
        if others:
            key = others[0]
            raise UserError(
                f"--out {self.out}: expected a new folder, or one of the same cell, found a cell with {key} "
                f"{found[key]!r} instead of {wanted[key]!r}; choose another folder or delete that one"
            )

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
