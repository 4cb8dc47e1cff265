"""Whether a cell has been made already, as its cell.json tells, without PyTorch."""

import json

from workflow_scripts.engine.configuration import cells

NOTE = "made before, nothing to train"  # in the log of a cell that existed already


def identity(cell, measured, test):
    """What determines a cell's files besides its data, as in cell.json: record, code, measurements, whether tested."""
    return {
        "record_digest": cells.record_digest(cell),
        "code_digest": cells.code_digest(cell, measured),
        "measured": measured,
        "tested": test,
    }


def record(folder):
    """The record in a folder's cell.json, {key: value}; {} where there is none that can be read."""
    try:
        return dict(json.loads((folder / "cell.json").read_text())["record"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def is_made(folder, identity, sha256=None):
    """Whether `folder` has all files of a cell of this `identity`; with `sha256`, from the data with that digest."""
    try:
        facts = json.loads((folder / "cell.json").read_text())
        alike = identity.items() <= facts.items() and sha256 in (None, facts["dataset"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return alike and all((folder / name).exists() for name in cells.FILES)
