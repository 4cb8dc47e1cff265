"""The index of a summary: what each cell's rows were made from, and where they are in its large tables.

With it `gathering.gather` reads only the cells that have changed, and `summary` only those that a figure shows. It only
saves time: without it, or where it does not match the tables beside it, everything is read.
"""

import json
from pathlib import Path

from workflow_scripts.engine import whole_files

NAME = "index.json"
TABLES = ("history.csv", "gradients.csv")  # in which the rows of a cell are contiguous


def load(folder, code=None):
    """{cell name: the facts that `write` was given} for the summary in `folder`; {} where they do not match the tables.

    If `code` is given, also {} where the summary was made by other code.
    """
    try:
        index = json.loads(Path(folder, NAME).read_text())
        fits = all(Path(folder, name).stat().st_size == index["sizes"][name] for name in TABLES)
        return index["cells"] if fits and code in (None, index["code"]) else {}
    except (OSError, ValueError, KeyError, TypeError):  # TypeError: it is JSON, but of another structure
        return {}


def write(folder, cells, code):
    """Write the index of the tables in `folder`, which were made by the code with the digest `code`.

    `cells` is {name: facts}, in the order of the tables; facts["places"] is {table: [first byte, byte after the last]}.
    """
    sizes = {name: Path(folder, name).stat().st_size for name in TABLES}
    whole_files.write(Path(folder, NAME), json.dumps({"code": code, "sizes": sizes, "cells": cells}))


def remove(folder):
    """Remove the index before the tables change: one with outdated places is worse than none."""
    Path(folder, NAME).unlink(missing_ok=True)


def places(folder, table):
    """{cell name: [first byte, byte after the last] of its rows} in a table of `TABLES`; {} without an index."""
    return {name: facts["places"][table] for name, facts in load(folder).items()}


def rows(path, known, names):
    """The header and the rows of the cells `names` in the table at `path`, as CSV; all rows where `known` is empty.

    `known` is what `places` returned.
    """
    if not known:
        return path.read_bytes()
    with open(path, "rb") as file:
        parts = [file.readline()]
        for start, end in (known[name] for name in names):
            file.seek(start)
            parts.append(file.read(end - start))
    return b"".join(parts)
