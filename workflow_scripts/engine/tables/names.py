"""What rows of `summary.over_seeds` are called beside others: the label, and the values that set them apart."""

import pandas as pd

from workflow_scripts.engine.tables.labels import format_value, readable
from workflow_scripts.engine.tables.summary import elsewhere, varying

# of the study, even where it differs from the others shown in more than the block
BEST, BEST_HERE = " (best of all)", " (best trained here)"  # the latter beside runs made elsewhere


def told_apart(rows):
    """The keys beyond model and block in which the rows differ, the learning rate first."""
    rates = rows.loc[~elsewhere(rows), "lr"]
    return [*(["lr"] if rates.nunique() > 1 else []), *varying(rows)]


def settings(row, keys):
    """The values of these keys of a row, readable: `lr 0.1`."""
    return [readable(f"{key} {format_value(key, row[key])}") for key in keys]


def in_legend(rows):
    """What a legend calls each row: its label, its values of the keys that tell the rows apart, its divergence.

    Where the rows have a column `best`, as from `selections.chosen`, the best row is marked too.
    """
    keys = told_apart(rows)
    best = rows.get("best", pd.Series(False, rows.index)).eq(True)  # missing for a run made elsewhere
    said = BEST_HERE if elsewhere(rows).any() else BEST
    return [
        _joined(row, settings(row, [] if elsewhere(row) else keys)) + (said if best[index] else "")
        for index, row in rows.iterrows()
    ]


def in_study(rows):
    """What each row is called among all others: its label, and what sets it apart from rows of the same label."""
    keys = by_label(rows)
    return [", ".join([row["label"], *settings(row, keys[row["label"]])]) for _, row in rows.iterrows()]


def title(row, rows):
    """The title of a picture of one row: what `in_study` calls it among these rows, with its learning rate."""
    keys = by_label(rows)[row["label"]]
    return _joined(row, settings(row, dict.fromkeys(["lr", *keys])))


def by_label(rows):
    """{label: the keys that tell the rows of this label apart}."""
    return {label: told_apart(namesakes) for label, namesakes in rows.groupby("label")}


def _joined(row, values):
    return ", ".join([row["label"], *values, *([] if row["finished"] else ["diverged"])])
