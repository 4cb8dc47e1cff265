"""Table 1: a row per network and setting, with the losses and accuracies of the last epoch over the seeds."""

import math

import pandas as pd

from workflow_scripts.engine import latex
from workflow_scripts.engine.cells import ROW
from workflow_scripts.engine.summary import METRICS, best, varying

# column of `over_seeds`: (heading, factor)
SHOWN = {
    "train_loss": ("Train loss", 1),
    "train_acc": ("Train acc. (%)", 100),
    "val_loss": ("Val. loss", 1),
    "val_acc": ("Val. acc. (%)", 100),
}
WORDS = ("Model", "Note")  # columns that are aligned to the left


def numbers(rows):
    """The rows of `over_seeds` with all their numbers, unrounded, and whether a row is the best: for machines."""
    metrics = [column for metric in METRICS for column in (metric, f"{metric}_std")]
    columns = ["label", *ROW, "parameters", "seeds", "diverged", "diverged_step", *metrics]
    return rows[columns].assign(best=rows["group"] == _winner(rows))


def words(rows):
    """The rows of `over_seeds` as people read them, each value a string.

    A metric is `mean ± sample standard deviation` over the seeds that finished, the mean alone where that is one.
    Beside model, rate, parameters and metrics there are columns for what differs between the rows only.
    """
    columns = {"Model": rows["label"]}
    columns |= {key.replace("_", " "): rows[key].map(str) for key in varying(rows)}
    columns |= {"LR": rows["lr"].map("{:g}".format), "Parameters": rows["parameters"].map("{:,}".format)}
    if rows["seeds"].nunique() > 1:
        columns["Seeds"] = rows["seeds"].map(str)
    for metric, (heading, factor) in SHOWN.items():
        pairs = zip(rows[metric], rows[f"{metric}_std"], strict=True)
        columns[heading] = [_measure(factor * mean, factor * std) for mean, std in pairs]
    if rows["diverged"].any():
        columns["Note"] = [
            f"{row.diverged} of {row.seeds} diverged" if row.diverged else "" for row in rows.itertuples()
        ]
    return pd.DataFrame(columns)


def plain_text(rows):
    """The table for a terminal; the best row has a star."""
    table, winner = words(rows), _winner(rows)
    table.insert(0, "", ["*" if group == winner else "" for group in rows["group"]])
    widths = {name: max(len(name), table[name].str.len().max()) for name in table}
    lines = []
    for cells in [list(table), *table.to_numpy().tolist()]:
        padded = (
            cell.ljust(width) if name in WORDS else cell.rjust(width)
            for cell, (name, width) in zip(cells, widths.items(), strict=True)
        )
        lines.append("  ".join(padded).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([*lines, "", _legend(rows)]) + "\n"


def tabular(rows):
    """The table as a LaTeX `tabular` for the package booktabs, ruled between models; the best row is bold."""
    table, winner, model = words(rows), _winner(rows), None
    alignment = "".join("l" if name in WORDS else "r" for name in table)
    lines = [rf"\begin{{tabular}}{{@{{}}{alignment}@{{}}}}", r"\toprule", _tex_row(table)]
    for (_, row), cells in zip(rows.iterrows(), table.to_numpy().tolist(), strict=True):
        if row["model"] != model:
            model = row["model"]
            lines.append(r"\midrule")
        lines.append(_tex_row(cells, r"\textbf{%s}" if row["group"] == winner else "%s"))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _tex_row(cells, look="%s"):
    cells = (latex.escape(cell).replace(" ± ", r"\,$\pm$\,").replace("–", "--") for cell in cells)
    return " & ".join(look % cell for cell in cells) + r" \\"


def _winner(rows):
    return best(rows)["group"] if rows["val_acc"].notna().any() else None


def _measure(mean, std):
    if math.isnan(mean):
        return "–"
    return f"{mean:.2f}" if math.isnan(std) else f"{mean:.2f} ± {std:.2f}"


def _legend(rows):
    seeds = sorted(rows["seeds"].unique())
    spread = "" if seeds == [1] else f"; mean ± standard deviation over {'-'.join(map(str, seeds))} seeds"
    return f"Last epoch{spread}. * best validation accuracy"
