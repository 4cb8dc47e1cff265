"""What the ablations of a study show: a row for every level of every factor, over its seeds, compared with the base.

A level's accuracy is that of the epoch with the best validation accuracy, whose weights are the ones to be tested.
"""

import math

import pandas as pd

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import cells, grids
from workflow_scripts.engine.tables import labels, statistics, summary

SPEED = ("seconds_per_epoch", "epochs_to_50", "epochs_to_90")
COMPARED = ("difference", "low", "high", "p", "pairs", "verdict")  # of one row compared with another


def load(folder):
    """The `summary.Summary` of a folder with what the rows need, and with the columns `SPEED` in its cells.

    `seconds_per_epoch`, of training and validation, is the median over the epochs, which a machine that was briefly
    busy does not distort; for the others see `epochs_to`.
    """
    found = summary.load(folder, also=("forward_flops",))
    table = found.cells
    table["seconds_per_epoch"] = table["cell"].map(found.history.groupby("cell")["seconds"].median())
    guesses = dict(zip(table["cell"], map(statistics.guess, table["largest_class"], table["num_classes"]), strict=True))
    chance = dict(zip(table["cell"], map(statistics.chance, guesses.values(), table["val_images"]), strict=True))
    for share in (50, 90):
        table[f"epochs_to_{share}"] = table["cell"].map(epochs_to(found.history, share / 100, guesses, chance))
    return found


def epochs_to(history, share, guesses, chance):
    """{cell: epochs until validation accuracy first was `share` of the way from guessing to its last value}, a series.

    It says how fast a cell gets to where it ends. `guesses` and `chance` are {cell: accuracy}: of guessing, and the
    largest that counts as such. A cell that ends no higher than the latter got nowhere and is left out.
    """
    reached = {}
    for cell, lines in history.sort_values("epoch").groupby("cell", sort=False):
        last, guess = lines["val_acc"].iloc[-1], guesses[cell]
        if last > chance[cell]:
            reached[cell] = lines["epoch"][lines["val_acc"] >= guess + share * (last - guess)].min() + 1
    return pd.Series(reached, dtype=float)


def all_rows(table):
    """The rows of `summary.over_seeds` for a table of cells from `load`, with `forward_flops` and `SPEED`."""
    return summary.over_seeds(table, also=("forward_flops", *SPEED))


def rows(found, study):
    """A data frame with a row per factor and level of a `studies.Study`, from a summary that `load` returned.

    Columns: `factor`, `varied` (the readable name of its only key, or else of the factor), `level`, `name` (the level's
    name beside levels of other factors), `value` (the level as a
    number, where every level of the factor is one), `base` (is it the base?), those of `summary.over_seeds` with
    `forward_flops` and `SPEED`, `val_images`, and how the best validation accuracy differs from the base's, from
    `statistics.compare`: `difference` with the ends `low` and `high` of its 95 % interval, its p-value `p`,
    Holm-corrected for the levels of the factor (NaN below `statistics.ENOUGH` seeds), the number `pairs` of seeds that
    both finished (0 where it is not paired), and the `verdict`. Numeric levels are in numeric order, others in the
    configuration's after the base.
    """
    over_seeds = all_rows(found.cells)
    row_of = {
        name: group for group, names in zip(over_seeds["group"], over_seeds["cells"], strict=True) for name in names
    }
    tables = []
    for factor, levels in grids.ablations(study).items():
        missing = [name for name in levels if name not in row_of]
        if missing:
            raise UserError(f"ablations.{factor}: expected the cell {missing[0]} in the summary, found none")
        level_of = {row_of[name]: level for name, level in levels.items()}
        groups = list(dict.fromkeys(row_of[name] for name in levels))
        table = over_seeds.loc[groups].assign(factor=factor, base=[group == groups[0] for group in groups])
        table["level"] = _told_apart(table, [level_of[group] for group in groups])
        keys = grids.varied(study.ablations[factor])
        table["name"] = [_with_key(level, keys) for level in table["level"]]
        table["varied"] = labels.heading(keys[0]) if len(keys) == 1 else labels.readable(factor)
        table["value"] = _numbers(table["level"])
        table = pd.concat([table, differences(found.cells, table)], axis=1)
        tables.append(table.sort_values("value", kind="stable"))  # words, which have none, stay in their order
    if not tables:
        raise UserError("--study: expected at least one factor in `ablations`, found none")
    table = pd.concat(tables, ignore_index=True)
    first = ["factor", "varied", "level", "name", "value", "base"]
    return table[first + [column for column in table if column not in first]]


def _told_apart(table, levels):
    """The readable `levels` of the rows; where rows of a level differ in a key, each with its value of that key."""
    names = pd.Series([labels.readable(level) for level in levels], index=table.index)
    for _, same in table.groupby(names, sort=False):
        for key in [key for key in cells.ROW if same[key].nunique(dropna=False) > 1]:
            names[same.index] += [
                f", {labels.readable(f'{key} {labels.format_value(key, value)}')}" for value in same[key]
            ]
    return names


def _with_key(level, keys):
    """The level, prefixed with the name of its key where it is a bare number or the network's own value.

    The key's name, not the factor's: in the factor `loss`, the level 0.3 may be a value of `supervision`. A level is
    bare only where a single key is varied.
    """
    word, _, _ = level.partition(", ")
    bare = word == labels.OWN or pd.notna(pd.to_numeric(word, errors="coerce"))
    return f"{labels.readable(keys[0])} {level}" if bare else level


def _numbers(levels):
    values = pd.to_numeric(levels, errors="coerce")
    return values.astype(float) if values.notna().all() else math.nan


def differences(table, rows, place=0):
    """How the best validation accuracy of each row differs from that of the row at `place`; empty for that row itself.

    `table` has the cells of the summary. The columns are those of `COMPARED`, which `rows` explains.
    """
    accuracies = [summary.by_seed(table, names)["best_val_acc"] for names in rows["finished"]]
    reference = accuracies[place]
    found = statistics.compare(
        [(values, {} if values is reference else reference) for values in accuracies],
        list(rows["val_images"]),
    )
    return pd.DataFrame([(*one, one.verdict) for one in found], columns=COMPARED, index=rows.index)
