"""The cells of a study gathered into tidy tables: what every figure, table and report is made from."""

import contextlib
import csv
from pathlib import Path

from workflow_scripts.engine import code, whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.data.titles import titled
from workflow_scripts.engine.runs import cell_files
from workflow_scripts.engine.runs.manifests import how_to_make_again
from workflow_scripts.engine.tables import cell_index, machines

SIZES = ("parameters", "forward_flops", "train_images", "val_images", "test_images", "num_classes", "image_size")
MEASURED = (*SIZES, "largest_class", "status", "diverged_step", "seconds", "epochs_run")
LAST_EPOCH = ("train_loss", "train_acc", "val_loss", "val_acc")
READ = ("cell.json", "test.json", *cell_index.TABLES)
BEST_EPOCH = ("best_epoch", "best_val_loss", "best_val_acc", "test_loss", "test_acc")


def gather(folders, out, titles=None):
    """Write cells.csv, history.csv, gradients.csv, dataset.json and index.json of the cells in `folders` to `out`.

    `titles` is {name of a data set: its present title}, where that is not the title that its cells recorded.

    cells.csv has a row per cell: its record, what was measured, the last epoch's metrics, those of the epoch with
    the best validation accuracy, the test metrics of that epoch's weights, and the machine it was made on. history.csv
    and gradients.csv repeat the cells' own files with the cell's name before each row.

    A cell whose files have not changed since the tables in `out` were made is not read again: its rows are copied from
    there. Only one cell's rows of history and gradients are in memory at a time. Raises UserError for a damaged or
    missing file.
    """
    out, code_of_this = Path(out), code.digest(__name__)
    kept = cell_index.load(out, code_of_this)
    cells = {folder.name: _known(folder, kept) or _read(folder) for folder in folders}
    with contextlib.ExitStack() as written:  # all of them or none
        names = (*cell_index.TABLES, "cells.csv")
        paths = {name: written.enter_context(whole_files.written(out / name)) for name in names}
        places = {name: _concatenate(folders, name, paths[name], kept, cells, out) for name in cell_index.TABLES}
        with open(paths["cells.csv"], "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["cell", *Cell.model_fields, *MEASURED, *LAST_EPOCH, *BEST_EPOCH, *machines.COLUMNS])
            writer.writerows(facts["row"] for facts in cells.values())
        cell_index.remove(out)
    dataset = _dataset([titled(facts["dataset"], titles) for facts in cells.values()])
    whole_files.write_json(out / "dataset.json", dataset)
    cell_index.write(
        out,
        {name: {**facts, "places": {table: places[table][name] for table in places}} for name, facts in cells.items()},
        code_of_this,
    )


def _known(folder, kept):
    """What the index holds about a cell, if its files have not changed; None otherwise."""
    facts = kept.get(folder.name)
    return facts if facts and facts["files"] == _files(folder) else None


def _files(folder):
    """Size and modification time of the files of a cell that are read here."""
    try:
        found = [(folder / name).stat() for name in READ]
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing; {how_to_make_again(folder)}") from None
    return [[file.st_size, file.st_mtime_ns] for file in found]


def _read(folder):
    files = _files(folder)
    facts, test, history = cell_files.read(folder, "cell.json", "test.json", "history.csv")
    with cell_files.understood(folder):
        row = [folder.name, *_row(facts, test, history), *machines.row(facts)]
        return {"files": files, "row": row, "dataset": facts["dataset"]}


def _row(facts, test, history):
    best = cell_files.best_epoch(test, history)
    facts = {**facts, "image_size": facts["image_shape"][1]}
    return [
        *(facts["record"].get(key, field.default) for key, field in Cell.model_fields.items()),  # older than the key
        *(facts[key] for key in MEASURED),
        *(history[-1][key] for key in LAST_EPOCH),
        *(test["epoch"], best.get("val_loss"), best.get("val_acc"), test["test_loss"], test["test_acc"]),
    ]


def _concatenate(folders, name, path, kept, cells, out):
    """Write table `name` to `path`; returns {cell name: (first byte, byte after the last) of its rows}."""
    places = {}
    with contextlib.ExitStack() as opened:
        file = opened.enter_context(open(path, "wb"))
        before = opened.enter_context(open(out / name, "rb")) if kept else None
        with open(folders[0] / name, "rb") as first:
            columns = first.readline().rstrip()
        file.write(b"cell," + columns + b"\n")
        for folder in folders:
            start = file.tell()
            if cells[folder.name] is kept.get(folder.name):
                first_byte, end = kept[folder.name]["places"][name]
                before.seek(first_byte)
                file.write(before.read(end - first_byte))
            else:
                file.write(_rows(folder, name, columns, folders[0]))
            places[folder.name] = (start, file.tell())
    return places


def _rows(folder, name, columns, first):
    """The rows of a cell's file `name`, each preceded by the cell's name.

    Raises UserError where its columns are not those of the cell `first`, below which its numbers would mean another.
    """
    header, *lines = (folder / name).read_bytes().splitlines() or [b""]
    if header != columns or not header:
        raise UserError(
            f"{folder / name}: expected the columns of the cell {first}, {columns.decode(errors='replace') or 'none'}, "
            f"found {header.decode(errors='replace') or 'none'}; the one that is damaged or of older code must be made "
            "again"
        )
    start = folder.name.encode() + b","
    return b"".join(start + line + b"\n" for line in lines)


def _dataset(found):
    """What the reports say about the data: the meta of one data set, or of several combined."""
    different = list({dataset["title"]: dataset for dataset in found}.values())
    return {
        "title": " and ".join(dataset["title"] for dataset in different),
        "embedded": any(dataset["embedded"] for dataset in different),
        "datasets": different,
    }
