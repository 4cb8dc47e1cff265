"""The tidy tables of a study, read back: cells, means over their seeds, and the best row.

`summarise` writes them; every figure, table and report reads them through this module, so that a row, its name and its
place among the others are the same everywhere.
"""

import functools
import io
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.engine import code
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.cells import ROW
from workflow_scripts.engine.configuration.fields import bare
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.tables import cell_index, labels, machines, reading

GRADIENTS = "gradients.csv"
RECORD = tuple(Cell.model_fields)
SIZES = ("parameters", "num_classes", "largest_class", "val_images")  # of the network and its data
METRICS = ("train_loss", "train_acc", "val_loss", "val_acc", "best_val_acc", "test_loss", "test_acc", "seconds")


@dataclass(frozen=True)
class Summary:
    """`cells` has a row per cell, `history` per cell and epoch.

    `gradients`, per cell, epoch and layer, stays in its file, because for ten thousand cells it takes gigabytes.
    """

    cells: pd.DataFrame
    history: pd.DataFrame
    dataset: dict
    folder: Path

    def gradients(self, names):
        """The gradients of the cells `names`: a row per cell, epoch and layer."""
        table = _table(io.BytesIO(cell_index.rows(self.folder / GRADIENTS, self._places, names)))
        return table[table["cell"].isin(names)]

    @functools.cached_property
    def _places(self):  # cached, because the index of ten thousand cells is megabytes
        return cell_index.places(self.folder, GRADIENTS)


def load(folder, also=()):
    """The `Summary` in a folder that `summarise` wrote; raises UserError where a file or one of its columns is missing.

    `also` names further required columns of cells.csv. Warns, on stderr, if cells were made on different machines.
    """
    folder = Path(folder)
    cells = _table(
        folder / "cells.csv",
        ("cell", *RECORD, *SIZES, "status", "diverged_step", *METRICS, *also),
    )
    if cells.empty:
        raise UserError(f"{folder / 'cells.csv'}: expected at least one cell, found none")
    if found := machines.remark(cells):
        print(f"warning: {found}", file=sys.stderr)
    history = _table(folder / "history.csv", ("cell", "epoch", "train_loss", "train_acc", "val_loss", "val_acc"))
    _table(folder / GRADIENTS, ("cell", "epoch", "layer", "depth", "mean_abs"), nrows=0)
    return Summary(cells, history, reading.facts(folder / "dataset.json", "summarise"), folder)


def _table(source, columns=(), nrows=None):
    words = (
        "cell",
        "layer",
        "status",
        *machines.COLUMNS,
        *(key for key, field in Cell.model_fields.items() if bare(field)[0] is str),
    )
    return reading.table(
        source,
        "summarise",
        columns,
        nrows=nrows,
        dtype=dict.fromkeys(words, str),
    )


def over_seeds(cells, also=()):
    """One row per group of cells that differ only in the seed, ordered by model, block and learning rate.

    Columns: `group` (from 0), `label`, every key of the record but the seed, those of `SIZES` (of the first cell),
    `seeds` and `diverged` (how many cells there are, and how many of them diverged), `diverged_step` (the earliest),
    for each metric m of `METRICS` and `also` its mean `m` and sample standard deviation `m_std` (NaN with one seed),
    and the lists of names `cells` and `finished`. Means are over the cells that finished: the last numbers of a
    diverged cell mean nothing.
    """
    rows = []
    for values, group in cells.groupby(list(ROW), dropna=False, sort=False):
        record = {key: None if pd.isna(value) else value for key, value in zip(ROW, values, strict=True)}
        sizes = {key: group[key].iloc[0] for key in SIZES}
        rows.append({"label": labels.label(record), **record, **sizes, **outcome(group, also)})
    models, blocks = _places("model", cells["model"]), _places("block", cells["block"])
    rows.sort(key=lambda row: (models[row["model"]], blocks[row["block"]], row["lr"]))
    return pd.DataFrame([{"group": index, **row} for index, row in enumerate(rows)])


def outcome(group, also=()):
    """The columns of `over_seeds` from `seeds` on, for the cells of one group."""
    finished = group[group["status"] == "finished"]
    row = {"seeds": len(group), "diverged": len(group) - len(finished), "diverged_step": group["diverged_step"].min()}
    for metric in (*METRICS, *also):
        values = pd.to_numeric(finished[metric])
        row |= {metric: values.mean(), f"{metric}_std": values.std()}
    return row | {"cells": list(group["cell"]), "finished": list(finished["cell"])}


def by_seed(cells, names):
    """{metric: {seed: value}} over the cells `names`, for each of `METRICS`; missing values are left out."""
    found = cells[cells["cell"].isin(names)].set_index("seed")
    return {metric: pd.to_numeric(found[metric]).dropna().to_dict() for metric in METRICS}


def over_epochs(history, names, columns):
    """For each epoch, mean `c` and sample standard deviation `c_std` of each of the `columns` c over the cells `names`.

    `history` is that of a summary. Numbers that are not finite are left out.
    """
    found = history[history["cell"].isin(names)].replace([math.inf, -math.inf], math.nan)
    groups = found.groupby("epoch")[columns]
    return groups.mean().join(groups.std().add_suffix("_std")).reset_index()


def gradients_of(summary, row, measure="mean_abs"):
    """The gradients of a row of `over_seeds`, by `epoch`, `depth` and `layer`, over its cells as in `over_cells`."""
    return over_cells(gradients_by_cell(summary, row, measure))


def gradients_by_cell(summary, row, measure="mean_abs"):
    """The gradients of a row of `over_seeds`: `cell`, `epoch`, `depth`, `layer`, and `mean_abs`, the column `measure`.

    They are of its cells that finished, or where none did, of those that diverged. Numbers that are not finite are
    missing; an epoch in which a layer has no number in any cell is left out.
    """
    table = summary.gradients(row["finished"] or row["cells"])[["cell", "epoch", "depth", "layer", measure]]
    table = table.rename(columns={measure: "mean_abs"}).replace([math.inf, -math.inf], math.nan)
    known = table["mean_abs"].notna().groupby([table["epoch"], table["depth"]]).transform("any")
    return table[known.groupby(table["epoch"]).transform("all")]


def over_cells(gradients):
    """For a table from `gradients_by_cell`: `mean_abs`, `mean_abs_min` and `mean_abs_max` over the cells.

    The mean is geometric: seeds differ by factors, of which an arithmetic mean would show only the largest. It is 0
    where one of them is.
    """
    with np.errstate(divide="ignore"):
        gradients = gradients.assign(log=np.log(gradients["mean_abs"]))
    groups = gradients.groupby(["epoch", "depth", "layer"])
    means = groups.agg(mean_abs=("log", "mean"), mean_abs_min=("mean_abs", "min"), mean_abs_max=("mean_abs", "max"))
    return means.assign(mean_abs=np.exp(means["mean_abs"])).reset_index()


def select(table, record):
    """The rows of `table` (cells, or rows of `over_seeds`) whose record has the values of the mapping `record`.

    Raises UserError for a key that no record has.
    """
    chosen = pd.Series(True, index=table.index)
    for key, value in record.items():
        if key not in RECORD:
            raise UserError(f"unknown key {key!r} in a selection of cells; known: {', '.join(RECORD)}")
        chosen &= _equal(table[key], value)
    return table[chosen]


def _equal(column, value):
    return column.isna() if pd.isna(value) else column == value


def fitting(rows, record, source="selection"):
    """The rows of `over_seeds` that `record` selects; if there are none, a UserError names the selection `source`."""
    found = select(rows, record)
    if found.empty:
        asked = " ".join(f"{key}={value}" for key, value in record.items())
        have = "; ".join(f"{row.label} lr={row.lr:g}" for row in rows.itertuples())
        raise UserError(f"{source}: expected cells with {asked}, found none; there are: {have}")
    return found


def pick(rows, record, source="selection"):
    """The one row of `over_seeds` that `record` selects; of several, the one with most keys at their defaults.

    Thus adding a value to a grid does not change which cells a figure is about. Where there are several, a line on
    stderr says what the selection, which `source` names, left open. Raises UserError where nothing is found.
    """
    found = fitting(rows, record, source)
    defaults = sum(_equal(found[key], Cell.model_fields[key].default).astype(int) for key in ROW)
    taken = found.loc[defaults.idxmax()]
    if len(found) > 1:
        left = [key for key in ROW if found[key].nunique(dropna=False) > 1]
        values = ", ".join(f"{key} {labels.format_value(key, taken[key])}" for key in left)
        print(f"note: {source} leaves {', '.join(left)} open; chosen from {len(found)}: {values}", file=sys.stderr)
    return taken


def best(rows, metric="val_acc", tie="val_loss"):
    """The row of `over_seeds` with the highest mean of `metric`; among equals, the one with the lower `tie`.

    Where the equals minimise several kinds of loss, which cannot be compared, a loss breaks no tie between them, and
    the first is taken, as among the candidates of a search (`rungs.survivors`). Of the rows with a finished cell, only
    those with the fewest diverged seeds can be best: the mean over the remaining seeds would flatter the others. Raises
    UserError where no cell finished.
    """
    finished = rows.dropna(subset=metric)
    if finished.empty:
        raise UserError("expected a finished cell, to take as the best; found only diverged ones")
    candidates = finished[finished["diverged"] == finished["diverged"].min()]
    equals = candidates[candidates[metric] == candidates[metric].max()]
    if tie == "val_loss" and equals["loss"].nunique() > 1:
        return equals.iloc[0]
    return equals.sort_values(tie, kind="stable").iloc[0]


def elsewhere(rows):
    """Whether a row is of a run made elsewhere, or which of several rows are: those have no record, so no model."""
    return rows["model"] == ""


def varying(rows):
    """The keys beyond model, block and lr in which the rows differ: what a table must show to tell them apart."""
    own = rows[~elsewhere(rows)]
    return [key for key in ROW if key not in ("model", "block", "lr") and own[key].nunique(dropna=False) > 1]


def _places(kind, found):
    names = labels.blocks_in_order(found) if kind == "block" else dict.fromkeys([*code.registered(kind), *found])
    return {name: place for place, name in enumerate(names)}
