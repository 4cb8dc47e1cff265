"""One run in a terminal: its record, its outcome, and its curves as lines of blocks."""

import itertools
import math
import shutil

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.runs import cell_files
from workflow_scripts.engine.text.wording import counted

BARS = "▁▂▃▄▅▆▇█"
UNKNOWN = "×"  # where there is no finite number
CURVES = ("train_loss", "val_loss", "train_acc", "val_acc")


def text(folder, width=None):
    """What `show` prints about the cell in `folder`, `width` characters wide (default: as wide as the terminal).

    Raises UserError where the folder is missing, or a file in it is missing or damaged.
    """
    width = max(40, width or shutil.get_terminal_size().columns)
    facts, history, gradients, test = _read(folder)
    with cell_files.understood(folder):
        parts = [_record(facts, width), _outcome(facts, test), _curves(history, width), _flow(gradients, width)]
        return "\n\n".join([f"{facts['cell']}: {facts['status']}", *parts]) + "\n"


def sparkline(values, width, low=None):
    """A block per value, or for each mean of `width` groups, scaled from `low` (default: the least) to the largest.

    >>> sparkline([0, 1, 2, math.nan], 10)
    '▁▅█×'
    """
    values = _means(values, width)
    known = [value for value in values if math.isfinite(value)]
    low = min(known, default=0) if low is None else low
    step = (max(known, default=0) - low) / (len(BARS) - 1) or 1
    return "".join(
        BARS[round(min(max((value - low) / step, 0), len(BARS) - 1))] if math.isfinite(value) else UNKNOWN
        for value in values
    )


def _means(values, width):
    """The values, or the means of `width` groups of them where there are more."""
    if len(values) <= width:
        return values
    bounds = [round(index * len(values) / width) for index in range(width + 1)]
    groups = (values[start:end] for start, end in itertools.pairwise(bounds))
    return [sum(group) / len(group) for group in groups]


def _read(folder):
    if not folder.is_dir():
        raise UserError(f"{folder}: expected the folder of a cell, results/<study>/<cell>, found none")
    return cell_files.read(folder, "cell.json", "history.csv", "gradients.csv", "test.json")


def _record(facts, width):
    """The record, with the keys that differ from their defaults first."""
    defaults = {key: field.default for key, field in Cell.model_fields.items()}
    words = {"record ": [], "default": []}
    for key, value in facts["record"].items():
        kind = "default" if key in defaults and value == defaults[key] else "record "
        words[kind].append(f"{key} {'null' if value is None else value}")  # as config.yaml has it
    return "\n".join(line for title, found in words.items() for line in _wrapped(title, found, width))


def _wrapped(title, words, width):
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) + 12 > width:
            lines.append("")
        lines[-1] += f"{', ' if lines[-1] else ''}{word}"
    return [f"{title if index == 0 else '       '}  {line}" for index, line in enumerate(lines)]


def _outcome(facts, test):
    lines = [
        f"{facts['parameters']:,} parameters, {facts['train_images']:,} images to train on",
        f"{counted(facts['epochs_run'], 'epoch')} in {facts['seconds']:.0f} s on {facts['device']}",
    ]
    if facts["status"] == "diverged":
        lines.append(f"diverged in step {facts['diverged_step']}: its loss was no finite number")
    if test["epoch"] is not None:
        lines.append(f"best validation accuracy after {counted(test['epoch'] + 1, 'epoch')}")
    if test["test_acc"] is not None:
        lines.append(f"test accuracy {test['test_acc']:.2%}, loss {test['test_loss']:.4g}")
    return "\n".join(f"outcome  {line}" if index == 0 else f"         {line}" for index, line in enumerate(lines))


def _curves(history, width):
    lines = []
    for key in CURVES:
        values = [float(row[key]) for row in history]
        low = 0.0 if key.endswith("acc") else None
        lines.append(f"{key:<10}  {values[0]:7.4f} {sparkline(values, width - 30, low)} {values[-1]:.4f}")
    return "\n".join(lines)


def _flow(gradients, width):
    """The last epoch's mean |gradient| from the first layer to the last, on a logarithmic scale."""
    last = [float(row["mean_abs"]) for row in gradients if row["epoch"] == gradients[-1]["epoch"]]
    logs = [math.log10(value) if value > 0 and math.isfinite(value) else math.nan for value in last]
    return (
        f"mean |gradient| by depth, logarithmic\n{'':10}  {last[0]:7.1e} {sparkline(logs, width - 30)} {last[-1]:.1e}"
    )
