"""The cells of a study gathered into tidy tables: what every figure, table and report is made from."""

import csv
import json
from pathlib import Path

from workflow_scripts.engine import machines
from workflow_scripts.engine.commands import UserError, written_whole
from workflow_scripts.engine.record import Cell

SIZES = ("parameters", "forward_flops", "train_images", "val_images", "test_images", "num_classes", "image_size")
MEASURED = (*SIZES, "status", "diverged_step", "seconds", "epochs_run")
LAST_EPOCH = ("train_loss", "train_acc", "val_loss", "val_acc")
BEST_EPOCH = ("best_epoch", "best_val_loss", "best_val_acc", "test_loss", "test_acc")


def gather(folders, out):
    """Write cells.csv, history.csv, gradients.csv and dataset.json of the cells in `folders` to the folder `out`.

    cells.csv has a row per cell: its record, what was measured, the last epoch's metrics, those of the epoch with
    the best validation accuracy, the test metrics of that epoch's weights, and on what it was made. The others repeat
    the cells' own files with the cell's name before each row.
    """
    out = Path(out)
    records = [_read_json(folder / "cell.json") for folder in folders]
    rows = [_row(facts, folder) for facts, folder in zip(records, folders, strict=True)]
    with written_whole(out / "cells.csv") as path, open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["cell", *Cell.model_fields, *MEASURED, *LAST_EPOCH, *BEST_EPOCH, *machines.COLUMNS])
        writer.writerows(rows)
    for name in ("history.csv", "gradients.csv"):
        with written_whole(out / name) as path, open(path, "w") as file:
            _concatenate(folders, name, file)
    with written_whole(out / "dataset.json") as path:
        path.write_text(json.dumps(_dataset(records), indent=2) + "\n")


def _row(facts, folder):
    try:
        return _outcome(facts, folder)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{folder} is damaged ({error!r}); delete it and run the workflow again") from None


def _outcome(facts, folder):
    with open(folder / "history.csv", newline="") as file:
        history = list(csv.DictReader(file))
    test = _read_json(folder / "test.json")
    best = history[test["epoch"]] if test["epoch"] is not None else {}
    facts = {**facts, "image_size": facts["image_shape"][1]}
    return [
        folder.name,
        *(facts["record"][key] for key in Cell.model_fields),
        *(facts[key] for key in MEASURED),
        *(history[-1][key] for key in LAST_EPOCH),
        *(test["epoch"], best.get("val_loss"), best.get("val_acc"), test["test_loss"], test["test_acc"]),
        *machines.row(facts),
    ]


def _concatenate(folders, name, file):
    for index, folder in enumerate(folders):
        header, *lines = (folder / name).read_text().splitlines()
        if index == 0:
            file.write(f"cell,{header}\n")
        file.writelines(f"{folder.name},{line}\n" for line in lines)


def _dataset(records):
    """What the reports say of the data: one data set's meta, or those of several as one."""
    datasets = list({record["dataset"]["title"]: record["dataset"] for record in records}.values())
    return {
        "title": " and ".join(dataset["title"] for dataset in datasets),
        "embedded": any(dataset["embedded"] for dataset in datasets),
        "datasets": datasets,
    }


def _read_json(path):
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); delete it and run the workflow again") from None
