"""Both protocols of a landscape study in numbers: medians and quantiles over the steps, as a table to read."""

import math

import numpy as np
import pandas as pd

from workflow_scripts.engine.landscape.runs import GRADIENTS, PROTOCOLS, QUANTITIES
from workflow_scripts.engine.text import latex, text_tables

LOW, HIGH = 0.05, 0.95
ENOUGH = 20  # steps: with fewer, the quantiles LOW and HIGH are the minimum and the maximum
SHARES = {name: f"{100 * share:.0f} %" for name, share in (("low", LOW), ("high", HIGH))}
HEADINGS = {"median": "Median", "minimum": "Minimum", **SHARES, "maximum": "Maximum"}
WORDS = ("Protocol", "Quantity", "Network")  # left-aligned columns
NOTE = "Quantiles over the steps; {}.".format(
    "; ".join(f"{PROTOCOLS[protocol]}: the {gradient}" for protocol, gradient in GRADIENTS.items())
)
TYPESET = {"β": r"$\beta$", "∞": r"$\infty$"}


def quantiles(values):
    """A row per protocol, quantity and network of `runs.per_step`, over all its steps and seeds.

    Columns: protocol, quantity, network, steps (how many), minimum, low, median, high, maximum. Apart from the median,
    the quantile of a share is the least value that at least this share of the values does not exceed, so it is defined
    where some are infinite.
    """
    rows = []
    for (protocol, quantity, network), group in values.groupby(["protocol", "quantity", "network"], sort=False):
        found = group["value"].to_numpy()
        low, high = np.quantile(found, (LOW, HIGH), method="inverted_cdf")
        row = {"protocol": protocol, "quantity": quantity, "network": network, "steps": len(found)}
        row |= {"minimum": found.min(), "low": low, "median": np.median(found), "high": high, "maximum": found.max()}
        rows.append(row)
    columns = ["protocol", "quantity", "network", "steps", "minimum", "low", "median", "high", "maximum"]
    return pd.DataFrame(rows, columns=columns)


def reach(table):
    """What `low` to `high` in the rows of `quantiles` covers, in words for a legend."""
    words = f"{100 * LOW:.0f} to {SHARES['high']} of the steps"
    return words + (f" (of fewer than {ENOUGH}: all)" if (table["steps"] < ENOUGH).any() else "")


def formatted(table, networks):
    """The rows of `quantiles` for people to read, each value a string; `networks` as in `Landscape`.

    With fewer steps than `ENOUGH` the quantiles say no more than minimum and maximum, and are left out.
    """
    columns = {
        "Protocol": table["protocol"].map(PROTOCOLS),
        "Quantity": table["quantity"].map(QUANTITIES),
        "Network": table["network"].map(networks["label"]),
        "Steps": table["steps"].map("{:,}".format),
        **{heading: table[column].map(_measure) for column, heading in HEADINGS.items()},
    }
    shown = pd.DataFrame(columns)
    shown.loc[table["steps"] < ENOUGH, [HEADINGS["low"], HEADINGS["high"]]] = "–"
    return shown


def tabular(table, networks):
    """The table as a LaTeX `tabular` for the package booktabs; protocol and quantity are shown only on change."""
    new = (table[["protocol", "quantity"]] != table[["protocol", "quantity"]].shift()).any(axis=1)
    other = table["protocol"] != table["protocol"].shift()
    shown = formatted(table, networks)
    shown = shown.assign(Protocol=shown["Protocol"].where(other, ""), Quantity=shown["Quantity"].where(new, ""))
    text = text_tables.tabular(shown, WORDS, ruled=list(np.flatnonzero(new)))
    for character, command in TYPESET.items():
        text = text.replace(character, command)
    return text


def _measure(value):
    """Three digits, as in the report's `latex.digits`; very large and very small numbers in scientific notation."""
    if math.isinf(value):
        return "∞"
    return latex.significant(value) if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.2e}"
