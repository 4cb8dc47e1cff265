"""Cells of a study as `train_cell` writes them, but made from closed forms, so that the right results are known."""

import csv
import json
import math

from workflow_scripts.engine.configuration import grids
from workflow_scripts.engine.runs.results import HISTORY
from workflow_scripts.engine.tables import gathering

CURVE = (0.2, 0.5, 0.8, 0.7, 1.0)  # as shares of the accuracy after the last epoch
SECONDS = 2.0  # of every epoch but the first, which takes ten times as long
PARAMETERS = 1600  # of a network of width 1
MACHINE = {
    "device": "cpu",
    "device_name": "made",
    "driver": None,
    "cpu_capability": "AVX2",
    "threads": {"intraop": 1, "interop": 2, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": None},
    "versions": {"python": "3.12.11", "torch": "2.13.0", "numpy": "2.4.6"},
    "resumed_from": [],
}


def write_study(folder, study, accuracy, diverged=(), end=2, made_on=lambda cell: {}):
    """Make the cells of a `studies.Study` in `folder`, and their summary in `folder`/summary, whose path is returned.

    `accuracy(cell)` is the validation accuracy after the last epoch. Cells whose name is in `diverged` end with NaN in
    epoch `end`. `made_on(cell)` overrides what cell.json says about the machine.
    """
    made = []
    for name, cell in grids.expand("made", study).items():
        curve = CURVE[:end] if name in diverged else CURVE
        _write(folder / name, cell, [share * accuracy(cell) for share in curve], name in diverged, made_on(cell))
        made.append(folder / name)
    gathering.gather(made, folder / "summary")
    return folder / "summary"


def _write(folder, cell, accuracies, diverged, made_on):
    seconds = [10 * SECONDS, *[SECONDS] * (len(accuracies) - 1)]
    history = [
        (epoch, cell.lr, 1 - value, value, 2 - value, value, taken)
        for epoch, (value, taken) in enumerate(zip(accuracies, seconds, strict=False))
    ]
    best = max(range(len(history)), key=lambda epoch: history[epoch][5], default=None)
    if diverged:
        history.append((len(history), cell.lr, math.nan, 0.1, math.nan, 0.1, SECONDS))
    facts = {
        "record": cell.model_dump(),
        "status": "diverged" if diverged else "finished",
        "diverged_step": 17 if diverged else None,
        "epochs_run": len(history),
        "parameters": int(PARAMETERS * cell.width**2),
        "forward_flops": 4 * int(PARAMETERS * cell.width**2),
        "train_images": 90,
        "val_images": 1000,
        "test_images": 50,
        "num_classes": 10,
        "largest_class": 0.1,
        "image_shape": [3, 8, 8],
        "dataset": {"title": "made", "embedded": True, "sha256": "0"},
        "seconds": sum(taken for *_, taken in history),
        **MACHINE,
        **made_on,
    }
    folder.mkdir(parents=True)
    (folder / "cell.json").write_text(json.dumps(facts))
    (folder / "test.json").write_text(json.dumps({"epoch": best, "test_loss": None, "test_acc": None}))
    (folder / "gradients.csv").write_text(
        "epoch,layer,depth,mean_abs,l2,last_batch_mean_abs,first_batch_mean_abs\n0,fc,0,1,1,1,1\n"
    )
    with open(folder / "history.csv", "w", newline="") as file:
        csv.writer(file).writerows([HISTORY, *history])
