"""Files that are written whole or not at all: a reader sees the old one or the new one, never half of one."""

import contextlib
import csv
import fcntl
import glob
import json
import os
import tempfile
from pathlib import Path

from workflow_scripts.engine.commands import UserError


@contextlib.contextmanager
def written(path):
    """A temporary path beside `path`, renamed to it when the block ends without an error and removed otherwise.

    Missing folders are created. What a killed process left behind for the same path is removed. Raises UserError where
    a file is in a folder's place.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UserError(f"{path}: expected a folder to write this file to, found a file in its place") from None
    _remove_abandoned(path)
    try:
        handle, temporary = _locked_file(path)
    except OSError as error:
        error.filename = str(path)  # the name that means something to a person
        raise
    try:
        yield Path(temporary)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp's files are private; an output should be like any other file
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # the first error is the one to report
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename in (None, temporary):
            error.filename = str(path)
        raise
    finally:
        os.close(handle)


def write(path, content):
    """Write text or bytes to a file."""
    with written(path) as temporary:
        temporary.write_bytes(content if isinstance(content, bytes) else content.encode())


def write_json(path, content):
    """Write plain data to a file as JSON, indented."""
    write(path, json.dumps(content, indent=2) + "\n")


def write_arrays(path, arrays):
    """Write {name: array} to a .npz file."""
    import numpy as np  # here because dry-runs need no arrays

    with written(path) as temporary:
        np.savez(temporary, **arrays)


def write_rows(path, rows):
    """Write rows of values, the names of the columns first, to a CSV file."""
    with written(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def write_table(path, table, **options):
    """Write a data frame to a CSV file, without its index; `options` are those of `DataFrame.to_csv`."""
    with written(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n", **options)


def _locked_file(path):
    """(handle, name) of a new, locked temporary file for `path`; tries again if it is removed before it is locked."""
    while True:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        _lock(handle)
        if os.fstat(handle).st_nlink:
            return handle, temporary
        os.close(handle)


def _remove_abandoned(path):
    """Remove the temporary files of `path` that no process is writing any more: those that nobody has locked."""
    random = "?" * 8  # as mkstemp makes it
    for temporary in path.parent.glob(f".{glob.escape(path.stem)}-{random}{glob.escape(path.suffix)}"):
        with contextlib.suppress(OSError), open(temporary, "r+b") as file:  # another process may remove it first
            if _lock(file.fileno()):
                temporary.unlink()


def _lock(handle):
    """Lock a file, until this process ends at the latest (the kernel sees to that); False if it cannot be locked."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
