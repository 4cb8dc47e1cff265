"""Files that a command wrote, read back; the error for a missing file or column says which command to run."""

import contextlib
import json
from pathlib import Path

import pandas as pd

from workflow_scripts.engine.commands import UserError

MISSING = ("", "nan")  # to pandas, a block, run or class called "None" or "NA" would be missing too


def table(source, command, columns=(), **options):
    """The data frame in a CSV file that `python -m workflow_scripts.<command>` writes.

    `source` is its path or an open file, `options` are those of `pandas.read_csv`. Raises UserError where there is no
    such file, it is damaged, or it lacks one of `columns`.
    """
    with _undamaged(source, command):
        existing = _existing(source, command) if isinstance(source, Path) else source
        found = pd.read_csv(existing, keep_default_na=False, na_values=MISSING, **options)
    missing = [column for column in columns if column not in found]
    if missing:
        raise UserError(f"{source}: expected the columns {', '.join(missing)}, found none; run {command} again")
    return found


def facts(path, command):
    """The content of a JSON file that `python -m workflow_scripts.<command>` writes.

    Raises UserError where it is missing or damaged.
    """
    with _undamaged(path, command):
        return json.loads(_existing(path, command).read_text(encoding="utf-8"))


@contextlib.contextmanager
def _undamaged(source, command):
    try:
        yield
    except ValueError as error:  # of pandas, of json, and of decoding
        raise UserError(f"{source} is damaged ({error}); run {command} again") from None


def _existing(path, command):
    if not path.is_file():
        raise UserError(f"{path}: expected a file that `python -m workflow_scripts.{command}` writes, found none")
    return path
