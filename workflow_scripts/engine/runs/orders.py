"""An order for a cell: what is to be trained and where it goes, and whether that has been done; all without PyTorch."""

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path

from workflow_scripts.engine import locks
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import cells, config
from workflow_scripts.engine.configuration.record import Cell

MADE = "made before, nothing to train"  # in the log of a cell that existed already


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

    def to_json(self):
        """The order as a line, which leaves out the folder in which `out` lies."""
        record, checkpoint = cells.shown(self.cell), str(self.checkpoint)
        found = {"cell": self.out.name, "record": record, "checkpoint": checkpoint, "measured": self.measured}
        return json.dumps({**found, "test": self.test})

    @classmethod
    def from_json(cls, line, folder):
        """The order that `to_json` made a line of, for a cell in `folder`; raises UserError for any other line."""
        try:
            found = json.loads(line)
            name, record, checkpoint = (found.pop(key) for key in ("cell", "record", "checkpoint"))
            return cls(config.parse(Cell, record, name), Path(folder, name), Path(checkpoint), **found)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UserError(f"standard input: expected a cell as JSON, found {line.strip()[:80]!r}") from None

    @functools.cached_property
    def identity(self):
        """What determines the cell's files besides its data, as in cell.json: record, code, `measured`, `test`."""
        return {
            "record_digest": cells.record_digest(self.cell),
            "code_digest": cells.code_digest(self.cell, self.measured),
            "measured": self.measured,
            "tested": self.test,
        }

    def key(self, sha256):
        """What names the training run among checkpoints; `sha256` is that of the data.

        Whether the cell is tested in the end is no part of it, since no step of training depends on that.
        """
        measured = json.dumps(self.measured)
        return f"{self.identity['record_digest']} {measured} {self.identity['code_digest']} {sha256}"

    def check_folder(self):
        """Raise UserError if the folder holds the cell of another record, which the order's cell would replace."""
        found, wanted = self.record(), self.cell.model_dump()
        others = [key for key in wanted if found.get(key, wanted[key]) != wanted[key]]
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

    def is_made(self, sha256=None):
        """Whether the folder has all files of this cell; with `sha256`, from the data with that digest."""
        return self._has(self.identity, sha256)

    def is_trained(self, sha256=None):
        """As `is_made`, but whether the cell was tested does not count: no step of training depends on that."""
        return self._has({key: value for key, value in self.identity.items() if key != "tested"}, sha256)

    def _has(self, identity, sha256):
        try:
            facts = json.loads((self.out / "cell.json").read_text())
            alike = identity.items() <= facts.items() and sha256 in (None, facts["dataset"]["sha256"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False
        return alike and all((self.out / name).exists() for name in cells.FILES)

    def record(self):
        """The record in the folder's cell.json, {key: value}; {} where there is none that can be read."""
        try:
            return dict(json.loads((self.out / "cell.json").read_text())["record"])
        except (OSError, ValueError, KeyError, TypeError):
            return {}
