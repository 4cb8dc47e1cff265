"""Runs made elsewhere with the course's framework: rows and epochs like those of a study's cells, to show beside them.

Such a run goes by its name in the configuration; each of its folders counts as one of its seeds. Its row has no record:
the model "" marks it (`summary.elsewhere`), and what is unknown is missing. Only the learning curves and Table 1 show
such rows, as the framework records no gradients.
"""

import dataclasses
import math

import pandas as pd

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.cells import ROW
from workflow_scripts.engine.course import folders
from workflow_scripts.engine.tables import reading
from workflow_scripts.engine.tables.summary import METRICS, SIZES, outcome

FILES = ("external.csv", "external_history.csv")
CELLS = ("cell", "name", "label", "colour", "num_classes", "parameters", "status", "diverged_step", *METRICS)
HISTORY = ("cell", "epoch", *folders.EPOCHS)


@dataclasses.dataclass(frozen=True)
class External:
    """`cells` has a row per folder, `history` per folder and epoch."""

    cells: pd.DataFrame
    history: pd.DataFrame


def collect(runs):
    """The `External` of {name: config.CourseRun}; raises UserError for a folder the framework did not write."""
    cells, history = [], []
    for name, run in runs.items():
        about = {"name": name, "label": run.label or name, "colour": run.colour, "num_classes": run.num_classes}
        for index, folder in enumerate(run.folder):
            cell, found = {"cell": f"{name}/{index}"}, folders.read(folder)  # no cell's name has a slash
            cells.append({**cell, **about, **_outcome(found)})
            history += [{**cell, "epoch": epoch, **row} for epoch, row in enumerate(found.epochs)]
    return External(pd.DataFrame(cells, columns=CELLS), pd.DataFrame(history, columns=HISTORY))


def _outcome(run):
    known = [row["val_acc"] for row in run.epochs if math.isfinite(row["val_acc"])]
    status = "finished" if run.diverged_epoch is None else "diverged"
    return {"status": status, **run.epochs[-1], "best_val_acc": max(known, default=math.nan), **run.test}


def write(external, out):
    """Write external.csv and external_history.csv to the folder `out`."""
    for name, table in zip(FILES, (external.cells, external.history), strict=True):
        whole_files.write_table(out / name, table)


def load(folder, names=None):
    """The `External` in a folder that `summarise` wrote: all of its runs, or those called `names`, in that order.

    It is empty where there are none. Raises UserError for an unknown name.
    """
    paths = [folder / name for name in FILES]
    found = collect({})
    if all(path.is_file() for path in paths):
        words = dict.fromkeys(("cell", "name", "label"), str)
        found = External(*(reading.table(path, "summarise", dtype=words) for path in paths))
    known = list(found.cells["name"].unique())
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise UserError(f"--external {unknown[0]}: {folder} has no such run; it has: {', '.join(known) or 'none'}")
    order = known if names is None else list(dict.fromkeys(names))
    cells = found.cells[found.cells["name"].isin(order)]
    return External(cells.sort_values("name", key=lambda column: column.map(order.index), kind="stable"), found.history)


def rows(external, after=0):
    """A row per run like those of `summary.over_seeds`, with its `colour`; groups are numbered from `after` on."""
    found = []
    for _, group in external.cells.groupby("name", sort=False):
        first = group.iloc[0]
        record = {**dict.fromkeys(ROW), "model": "", "loss": "cross_entropy"}  # the framework has no other loss
        sizes = {key: first.get(key, math.nan) for key in SIZES}  # of their data it is not known
        found.append({"label": first["label"], **record, **sizes, **outcome(group), "colour": first["colour"]})
    return pd.DataFrame([{"group": after + index, **row} for index, row in enumerate(found)])


def with_epochs(summary, external):
    """A `summary.Summary` whose history also has the runs' epochs."""
    if external.history.empty:  # pandas would take the columns' types from it
        return summary
    return dataclasses.replace(summary, history=pd.concat([summary.history, external.history]))


def joined(own, others):
    """Rows of `over_seeds` and those of `rows` as one table; values that the latter do not have are missing."""
    if others.empty:
        return own
    table = pd.concat([own, others], ignore_index=True)
    return table.astype({"lr": float, "parameters": "Int64"})  # whole numbers, of which some are missing
