"""The table of a factor: each level's accuracy, difference from the base, size and speed, over the seeds."""

import pandas as pd

from workflow_scripts.engine.ablation import marks
from workflow_scripts.engine.text import text_tables, wording

# in the CSV file, unrounded and in this order
NUMBERS = (
    "factor", "level", "base", "label", "seeds", "diverged", "diverged_step", "best_val_acc", "best_val_acc_std",
    "val_acc", "val_acc_std", "difference", "low", "high", "p", "pairs", "verdict", "parameters", "forward_flops",
    "seconds_per_epoch", "seconds_per_epoch_std", "epochs_to_50", "epochs_to_50_std", "epochs_to_90",
    "epochs_to_90_std",
)  # fmt: skip


def write(path, rows):
    """Write the rows of one factor from `ablations.rows` to the CSV file `path`, and the other formats beside it."""
    table, base = formatted(rows), [place for place, is_base in enumerate(rows["base"]) if is_base]
    left = (table.columns[0], "Note")
    lines, tex = text_tables.plain(table, left), text_tables.tabular(table, left, bold=base)
    text_tables.write(path, rows[list(NUMBERS)], table, lines, legend(rows), tex)


def formatted(rows):
    """The rows of one factor for people to read, each value a string."""
    columns = {rows["varied"].iloc[0].capitalize(): rows["level"]}
    decimals = wording.decimals(rows["val_images"].iloc[0])
    columns["Val. acc. (%)"] = text_tables.measures(rows, "best_val_acc", 100, decimals)
    columns["Difference"] = marks.points(rows["difference"], rows["verdict"], decimals)
    columns["Parameters"] = rows["parameters"].map("{:,}".format)
    columns["s/epoch"] = text_tables.measures(rows, "seconds_per_epoch")
    columns["Epochs to 90 %"] = text_tables.measures(rows, "epochs_to_90", digits=1)
    if rows["diverged"].any():
        columns["Note"] = text_tables.notes(rows)
    return pd.DataFrame(columns)


def legend(rows):
    """What the numbers in the table mean, in a few lines."""
    base = rows.loc[rows["base"], "level"].iloc[0]
    said = marks.legend(rows, f"the base ({base})", "levels", "90 %")
    return f"{said}\nTimes (s/epoch) also depend on what else ran on the machine."
