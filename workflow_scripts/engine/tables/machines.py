"""The machines that a study's cells were made on, and how they differ: other machines and versions move last digits."""

import pandas as pd

from workflow_scripts.engine.text.wording import counted

VERSIONS = ("python", "torch", "numpy", "cuda", "cudnn")
PLAIN = ("device", "device_name", "driver", "cpu_capability", "interop_threads")
# columns of cells.csv, without the threads within an operation, because these are part of the record
COLUMNS = (*PLAIN, *(f"{name}_version" for name in VERSIONS), "moved")
MOST = 3  # cells of each kind that are named


def row(facts):
    """The values of `COLUMNS` from the content of a cell.json; `moved` names those that changed on a resume."""
    here = _flat(facts)
    earlier = [_flat(process) for process in facts.get("resumed_from", [])]
    moved = [key for key, value in here.items() if any(other[key] != value for other in earlier)]
    return [*here.values(), " and ".join(moved)]


def _flat(facts):
    versions, threads = facts.get("versions", {}), facts.get("threads", {})
    plain = {key: facts.get(key) for key in PLAIN} | {"interop_threads": threads.get("interop")}
    return plain | {f"{name}_version": versions.get(name) for name in VERSIONS}


def differences(cells):
    """A line per column of `COLUMNS` in which the rows of cells.csv differ: each value, and the cells that have it."""
    lines = []
    for column in cells.columns.intersection(COLUMNS):
        groups = {value: list(names) for value, names in cells.groupby(column, dropna=False)["cell"]}
        if len(groups) > 1:
            kinds = (f"{_word(column, value)} ({_named(names)})" for value, names in groups.items())
            lines.append(f"{column.replace('_', ' ')}: {'; '.join(kinds)}")
    return lines


def _word(column, value):
    if column == "moved":
        return "not while training" if pd.isna(value) else f"while training, to another {value.replace('_', ' ')}"
    return "none" if pd.isna(value) else str(value)


def _named(names):
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"{counted(len(names), 'cell')}: {', '.join(names[:MOST])}{more}"


def remark(cells):
    """A warning, in lines, if the cells were not all made on the same kind of machine; otherwise ""."""
    lines = differences(cells)
    return "\n  ".join(["These cells were not all made on the same kind of machine:", *lines]) if lines else ""
