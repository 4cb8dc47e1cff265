"""The one network and setting that is tested: chosen on validation images alone, before any test image is read."""

import statistics

import pandas as pd

from workflow_scripts.engine.ablation.ablations import all_rows
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.cells import ROW
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.runs import trained
from workflow_scripts.engine.tables import summary


def choose(found, candidates):
    """The row of `ablations.all_rows` with the highest mean of the best validation accuracy, among `candidates`.

    `found` is a summary from `ablations.load`, `candidates` are names of cells; seeds not among them play no part. The
    accuracy is that of the epoch whose weights are tested, not of the last epoch as in Table 1. Rows of which fewer
    seeds diverged are preferred; among equals, the smaller network. Raises UserError where a candidate is not in the
    summary, where all diverged, or where they are of several data sets, whose accuracies cannot be compared.
    """
    missing = sorted(set(candidates) - set(found.cells["cell"]))
    if missing:
        raise UserError(f"--summary: expected the cell {missing[0]}, found none; run summarise again")
    rows = all_rows(found.cells[found.cells["cell"].isin(candidates)])
    if rows["dataset"].nunique() > 1:
        datasets = ", ".join(rows["dataset"].unique())
        raise UserError(f"expected cells of one data set to choose from, found several: {datasets}")
    return summary.best(rows, "best_val_acc", "parameters")


def chosen(found, row, tested):
    """The content of chosen.json from the row that `choose` returns and from `tested`, {cell: (test loss, accuracy)}.

    Results are over the seeds that finished: `values` are in the order of `seeds` and `cells`; `std` is the sample
    standard deviation, null with one seed. `best_cell` is the one with the highest validation accuracy.
    """
    names = row["finished"]
    cells = found.cells.set_index("cell").loc[names]
    record = {key: None if pd.isna(row[key]) else row[key] for key in ROW}
    return {
        "label": row["label"],
        "record": Cell(**record).model_dump(exclude={"seed"}),
        "parameters": int(row["parameters"]),
        "forward_flops": int(row["forward_flops"]),
        "epochs": int(row["epochs"]),
        "seeds": cells["seed"].tolist(),
        "diverged": int(row["diverged"]),
        "cells": names,
        "best_cell": cells["best_val_acc"].idxmax(),
        "best_val_acc": _over_seeds(cells["best_val_acc"].tolist()),
        "test_acc": _over_seeds([tested[name][1] for name in names]),
        "test_loss": _over_seeds([tested[name][0] for name in names]),
        "seconds_per_epoch": row["seconds_per_epoch"],
        "device": " and ".join(cells["device"].unique()),
    }


def test(folder, data, device):
    """(loss, accuracy) of the cell in `folder` on the test images: the trainer's own evaluation of its best weights."""
    training = trained.load(folder, data, device)
    return tuple(training.evaluate(training.test_batches).tolist())


def _over_seeds(values):
    std = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "std": std, "values": values}
