"""Whether a cell is there already: told from its record alone, without PyTorch."""

import json

from workflow_scripts.engine.configuration import cells

NOTE = "made before, nothing to train"  # in the log of a cell that was there


def identity(cell, measured, test):
    """What decides the files of a cell beside its data, as cell.json has it: record, code, what was measured."""
    return {
        "record_digest": cells.record_digest(cell),
        "code_digest": cells.code_digest(cell, measured),
        "measured": measured,
        "tested": test,
    }


def is_made(folder, identity, sha256=None):
    """Whether all files of a cell of this `identity` are in `folder`; with `sha256`, from the data with this digest."""
    try:
        facts = json.loads((folder / "cell.json").read_text())
        alike = identity.items() <= facts.items() and sha256 in (None, facts["dataset"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return alike and all((folder / name).exists() for name in cells.FILES)
