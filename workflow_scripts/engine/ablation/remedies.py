"""All remedies of a study in one table: accuracy, convergence and cost over the seeds, and what the seeds can tell.

The remedies are the levels of the study's ablations. Each is compared, over the seeds that both finished, with the base
(the plain network) and, where there is one, with a second reference: the level that differs from the base only by the
block `SECOND`. The p-values of the comparisons with one reference are corrected for their number (Holm).
"""

import pandas as pd

from workflow_scripts.engine.ablation import ablations, marks
from workflow_scripts.engine.configuration.cells import ROW
from workflow_scripts.engine.tables import labels, summary
from workflow_scripts.engine.text import text_tables
from workflow_scripts.engine.text.wording import decimals

# in the CSV file, unrounded and in this order, before the columns of the comparisons
NUMBERS = (
    "factor", "level", "base", "label", "model", "block", "seeds", "diverged", "diverged_step", "best_val_acc",
    "best_val_acc_std", "val_acc", "val_acc_std", "epochs_to_50", "epochs_to_50_std", "epochs_to_90",
    "epochs_to_90_std", "parameters", "seconds_per_epoch", "seconds_per_epoch_std",
)  # fmt: skip
UNWRITTEN = ("group", "cells", "finished", "val_images")  # columns that the CSV file has not
SECOND = "bn_rc"  # the block that the course itself ends with


def compared(found, rows):
    """Rows of `ablations.rows`, each once and the base first, with how each differs from one or two references.

    The columns of `ablations.COMPARED` are for the base. Where there is a second reference, those that end in `_other`
    are for it, and `other` says which row it is. `level` is the level's `name` beside those of other factors.
    """
    rows = rows.assign(level=rows["name"])
    rows = rows.sort_values("base", ascending=False, kind="stable").drop_duplicates("group").reset_index(drop=True)
    tables = [rows[[*NUMBERS, *UNWRITTEN]], ablations.differences(found.cells, rows)]
    place = _second(rows)
    if place is not None:
        other = ablations.differences(found.cells, rows, place).add_suffix("_other")
        tables.append(other.assign(other=rows.index == place))
    return pd.concat(tables, axis=1)


def _second(rows):
    """The index of the second reference in rows whose first is the base; None where there is none."""
    record = {key: rows.at[0, key] for key in ROW} | {"block": SECOND}
    return next(iter(summary.select(rows[1:], record).index), None)


def write(path, rows):
    """Write the table of `compared` rows to the CSV file `path`, and the other formats beside it."""
    table = formatted(rows)
    left = ("Remedy", "Note")
    ruled = [place for place, factor in enumerate(rows["factor"]) if place < 2 or factor != rows["factor"][place - 1]]
    lines, tex = text_tables.plain(table, left), text_tables.tabular(table, left, bold=[0], ruled=ruled)
    text_tables.write(path, rows.drop(columns=[*UNWRITTEN]), table, lines, legend(rows), tex)


def formatted(rows):
    """The rows for people to read, each value a string."""
    exact = decimals(rows["val_images"].max())
    columns = {"Remedy": names(rows), "Val. acc. (%)": text_tables.measures(rows, "best_val_acc", 100, exact)}
    columns["vs. base"] = marks.points(rows["difference"], rows["verdict"], exact)
    if "other" in rows:
        columns[f"vs. {labels.block_label(SECOND)}"] = marks.points(
            rows["difference_other"], rows["verdict_other"], exact
        )
    columns["Epochs to 50 %"] = text_tables.measures(rows, "epochs_to_50", digits=1)
    columns["to 90 %"] = text_tables.measures(rows, "epochs_to_90", digits=1)
    columns["Parameters"] = rows["parameters"].map("{:,}".format)
    columns["s/epoch"] = text_tables.measures(rows, "seconds_per_epoch")
    if rows["diverged"].any():
        columns["Note"] = text_tables.notes(rows)
    return pd.DataFrame(columns)


def names(rows):
    """The readable name of each row: its level; for the base, its network."""
    return [row.label if row.base else row.level for row in rows.itertuples()]


def legend(rows):
    """What the numbers in the table mean, in a few lines."""
    second = f" and from {labels.block_label(SECOND)}" if "other" in rows else ""
    said = marks.legend(rows, f"the base ({rows['label'][0]}){second}", "comparisons", "50 % and 90 %")
    return f"{said}\nTime per epoch: the median over the epochs; it depends also on what else ran on the machine."
