"""Table 1: a row per network and setting, with the losses and accuracies of the last epoch over the seeds."""

from functools import partial

import pandas as pd

from workflow_scripts.engine.configuration.cells import ROW
from workflow_scripts.engine.tables.labels import format_value, heading, readable
from workflow_scripts.engine.tables.summary import METRICS, best, elsewhere, varying
from workflow_scripts.engine.text import text_tables
from workflow_scripts.engine.text.wording import decimals, spread

# column of `over_seeds`: (heading, factor)
SHOWN = {
    "train_loss": ("Train loss", 1),
    "train_acc": ("Train acc. (%)", 100),
    "val_loss": ("Val. loss", 1),
    "val_acc": ("Val. acc. (%)", 100),
}
WORDS = ("Model", "Note")  # left-aligned columns


def numbers(rows):
    """The rows of `over_seeds` for programs: all their numbers, unrounded, and whether a row is the best."""
    metrics = [column for metric in METRICS for column in (metric, f"{metric}_std")]
    columns = ["label", *ROW, "parameters", "seeds", "diverged", "diverged_step", *metrics]
    return rows[columns].assign(best=rows["group"] == _winner(rows))


def formatted(rows):
    """The rows of `over_seeds` for people to read, each value a string.

    A metric is `mean ± sample standard deviation` over the seeds that finished, or only the mean where one finished.
    Besides model, rate, parameters and metrics there are columns only for what differs between the rows.
    """
    columns = {"Model": rows["label"]}
    for key in varying(rows):
        columns[heading(key).capitalize()] = rows[key].map(partial(format_value, key)).map(readable)
    columns |= {"LR": rows["lr"].map("{:g}".format), "Parameters": rows["parameters"].map("{:,}".format)}
    for name in list(columns)[1:]:
        columns[name] = columns[name].mask(elsewhere(rows), "–")  # unknown
    if rows["seeds"].nunique() > 1:
        columns["Seeds"] = rows["seeds"].map(str)
    exact = decimals(rows["val_images"].max())  # those of runs made elsewhere are not known
    for metric, (name, factor) in SHOWN.items():
        columns[name] = text_tables.measures(rows, metric, factor, 2 if factor == 1 else exact)
    if rows["diverged"].any():
        columns["Note"] = text_tables.notes(rows)
    return pd.DataFrame(columns)


def starred(rows):
    """The table of `formatted` with a star before the best row."""
    table, winner = formatted(rows), _winner(rows)
    table.insert(0, "", ["*" if group == winner else "" for group in rows["group"]])
    return table


def lines(rows):
    """The lines of the table for a terminal."""
    return text_tables.plain(starred(rows), WORDS)


def note(rows, remark=""):
    """What stands below the table, with the `remark` at the end."""
    where = " of those trained here" if elsewhere(rows).any() else ""
    said = f"Last epoch{spread(rows['seeds'], before='; ')}. * best validation accuracy{where}"
    return f"{said}\n{remark}" if remark else said


def tabular(rows):
    """The table as a LaTeX `tabular` for the package booktabs, ruled between models; the best row is bold."""
    ruled = [place for place, new in enumerate(rows["model"] != rows["model"].shift()) if new]
    winner = _winner(rows)
    bold = [place for place, group in enumerate(rows["group"]) if group == winner]
    return text_tables.tabular(formatted(rows), WORDS, bold, ruled)


def _winner(rows):
    """The group of the best row; runs made elsewhere do not count, as the report is not about them."""
    own = rows[~elsewhere(rows)]
    return best(own)["group"] if own["val_acc"].notna().any() else None
