"""Experiment folders as the course's framework writes them: exports our cells, and reads the framework's runs.

<name>/result_outputs/summary.csv        train_acc,train_loss,val_acc,val_loss: a row per epoch, accuracies 0..1
<name>/result_outputs/test_summary.csv   test_acc,test_loss: one row, for the weights with the best validation accuracy
<name>/saved_models/gradient_flow_plots/epoch<n>.pdf   see flow_plots.py; on request
"""

import csv
import math
from dataclasses import dataclass

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.runs import cell_files

EPOCHS = ("train_acc", "train_loss", "val_acc", "val_loss")
TEST = ("test_acc", "test_loss")
SUMMARY, TEST_SUMMARY = FILES = ("result_outputs/summary.csv", "result_outputs/test_summary.csv")
GRADIENT_FLOW = "also saved_models/gradient_flow_plots/epoch<n>.pdf: the mean |gradient| of each layer"  # help text
SLACK = 1e-6  # a mean of fractions may be a rounding error above 1


@dataclass(frozen=True)
class Run:
    """A run of the framework: {metric: float} for each epoch, and for the test, empty where there was none."""

    epochs: list
    test: dict

    @property
    def diverged_epoch(self):
        """The first epoch with a loss that is not a finite number, or None."""
        losses = (row["train_loss"] for row in self.epochs)
        return next((epoch for epoch, loss in enumerate(losses) if not math.isfinite(loss)), None)


def export(cell, out, gradient_flow=False):
    """Write the metrics of the cell in the folder `cell` as the experiment folder `out`, every digit kept.

    For a cell that was not tested, test_summary.csv has only its header. Raises UserError where a file of the cell is
    missing or damaged.
    """
    history, test = cell_files.read(cell, "history.csv", "test.json")
    with cell_files.understood(cell):
        epochs = [[row[key] for key in EPOCHS] for row in history]
        tested = [] if test["test_acc"] is None else [[test[key] for key in TEST]]
    for name, columns, rows in ((SUMMARY, EPOCHS, epochs), (TEST_SUMMARY, TEST, tested)):
        with whole_files.written(out / name) as path, open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *rows])  # with the line endings of the framework's own csv.writer
    if gradient_flow:
        from workflow_scripts.engine.course import flow_plots  # Matplotlib, which the metrics do not need

        flow_plots.export(cell, out)


def read(folder):
    """The `Run` in an experiment folder; test_summary.csv may be missing.

    Columns after the expected ones are ignored (the framework of 2018 had a fifth). Every row is taken as an epoch: a
    run that was resumed has some of them twice, as the framework appends, and nothing there says which. Raises
    UserError for columns that are missing or in another order, ragged rows, accuracies in percent and values that are
    not numbers.
    """
    summary, test = (folder / name for name in FILES)
    if not summary.is_file():
        raise UserError(f"{summary}: expected the metrics of an experiment of the course, found no such file")
    epochs = _table(summary, EPOCHS)
    if not epochs:
        raise UserError(f"{summary}: expected a row per epoch, found none")
    return Run(epochs, dict(*_table(test, TEST)[:1]) if test.is_file() else {})


def _table(path, columns):
    """[{column: number}] of the rows of a CSV file that begins with these columns."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:  # spreadsheets save a byte order mark
            header, *rows = list(csv.reader(file)) or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: expected a CSV file, found something else ({error})") from None
    if tuple(header[: len(columns)]) != columns:
        raise UserError(
            f"{path}: expected the columns {','.join(columns)} in this order, "
            f"found {','.join(header) or 'an empty file'}; write them as the course's framework does"
        )
    return [_row(path, line, header, columns, row) for line, row in enumerate(rows, 2) if row]


def _row(path, line, header, columns, row):
    if len(row) != len(header):
        raise UserError(f"{path}, line {line}: expected {len(header)} values, one per column, found {len(row)}")
    values = {}
    for column, text in zip(columns, row, strict=False):
        try:
            values[column] = value = float(text)
        except ValueError:
            raise UserError(f"{path}, line {line}: expected a number as {column}, found {text!r}") from None
        if column.endswith("acc") and (value < 0 or value > 1 + SLACK):
            raise UserError(
                f"{path}, line {line}: expected {column} as a fraction from 0 to 1, found {text}; "
                "divide accuracies in percent by 100"
            )
    return values
