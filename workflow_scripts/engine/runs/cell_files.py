"""Reading back the text files of a finished cell, without PyTorch."""

import contextlib
import csv
import json

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.runs.manifests import how_to_make_again

READERS = {
    ".json": json.loads,
    ".csv": lambda text: list(csv.DictReader(text.splitlines())),
}


def read(folder, *names):
    """The contents of a cell's files, in the order of `names`: JSON, or the rows of CSV, {column: text}.

    Raises UserError for a file that is missing or damaged.
    """
    return [_read(folder, folder / name) for name in names]


def _read(folder, path):
    try:
        return READERS[path.suffix](path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{path}: expected a file of a finished cell, found none; is the cell still training?"
        ) from None
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); {how_to_make_again(folder)}") from None


@contextlib.contextmanager
def understood(folder):
    """The context for using what `read` returned: if it is not what a cell has, a UserError instead of a traceback."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{folder} is damaged ({error!r}); {how_to_make_again(folder)}") from None


def best_epoch(test, history):
    """The row of `history` for the epoch whose weights were kept, which test.json names; {} if there is none."""
    return {} if test["epoch"] is None else history[test["epoch"]]
