"""Learning curves: loss and accuracy per epoch, on the training (dashed) and the validation (solid) images."""

import math

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from workflow_scripts.engine.figures import lettering, style
from workflow_scripts.engine.tables import names
from workflow_scripts.engine.tables.statistics import guess
from workflow_scripts.engine.tables.summary import elsewhere, over_epochs

STYLES = {"train": ("training", (0, (3, 1.5))), "val": ("validation", "-")}  # part: (name, line style)
PANELS = {"loss": "loss", "acc": "accuracy (%)"}
METRICS = [f"{part}_{panel}" for panel in PANELS for part in STYLES]
CHANCE = {**style.GUIDE, "color": "black", "linewidth": 0.6}  # seen on lines of any colour
ALIKE = 0.01  # accuracies of guessing that differ by no more, as where seeds draw other images, are one line
WORST = 1.2  # times the loss of guessing is the highest loss shown: a spike above it would flatten all that matters


def learning_curves(summary, rows):
    """What `draw` shows of these rows of `over_seeds`: a data frame with a row per line and epoch.

    Each of the rows has one line with the mean (and `_std`) over the `seeds` cells that finished, and a line for each
    cell that diverged, whose name is in `diverged`.
    """
    tables = []
    for name, (_, row) in zip(names.in_legend(rows), rows.iterrows(), strict=True):
        lines = [(row["finished"], None)] if row["finished"] else []
        lines += [([cell], cell) for cell in row["cells"] if cell not in row["finished"]]
        for cells, diverged in lines:
            means = over_epochs(summary.history, cells, METRICS)
            if diverged:  # the accuracy of a network that outputs NaN means nothing
                means = means.dropna(subset=["train_loss", "val_loss"])
            tables.append(means.assign(line=name, group=row["group"], seeds=len(cells), diverged=diverged))
    table = pd.concat(tables, ignore_index=True)
    first = ["line", "group", "seeds", "diverged", "epoch"]
    return table[first + [column for column in table if column not in first]]


def shades(rows, blocks=()):
    """{group: colour}: a row has its block's colour, or its own if it was made elsewhere; of rows that share a colour,
    all but the last have tints of it. `blocks` are those of the whole study."""
    of_block = style.colours([*rows.loc[~elsewhere(rows), "block"], *blocks])
    colours = pd.Series([row["colour"] if elsewhere(row) else of_block[row["block"]] for _, row in rows.iterrows()])
    places = colours.groupby(colours).cumcount() + 1
    sizes = colours.groupby(colours).transform("size")
    return {
        group: style.tint(colour, place / size)
        for group, colour, place, size in zip(rows["group"], colours, places, sizes, strict=True)
    }


def draw(table, rows, blocks=()):
    """The figure of a table from `learning_curves`, a column wide: a panel of losses, a panel of accuracies.

    `blocks` are those of the whole study, where it has more than the rows.
    """
    with style.look():
        figure = style.figure(
            style.COLUMN, 1.6 + 0.13 * max(_legend_lines(rows), "\n".join(_said(rows)).count("\n") + 1)
        )
        colours = shades(rows, blocks)
        for axes, (panel, title) in zip(figure.subplots(1, 2), PANELS.items(), strict=True):
            for (group, diverged), line in table.groupby(["group", "diverged"], sort=False, dropna=False):
                for part, (_, dashes) in STYLES.items():
                    draw_line(axes, line, f"{part}_{panel}", colours[group], dashes, not pd.isna(diverged))
            axes.set(xlabel="epoch", ylabel=title)
            axes.xaxis.set_major_locator(style.counts(5))
            axes.margins(x=0.02)
        losses, accuracies = figure.axes
        accuracies.yaxis.set_major_formatter(style.Percent())
        accuracies.set_ylim(bottom=0)
        style.end_at_whole(accuracies.yaxis)
        chance = _mark_chance(losses, accuracies, rows, table[["train_loss", "val_loss"]].max(axis=None))
        _legend(figure, table, rows, colours, chance)
    return figure


def draw_line(axes, line, metric, colour, dashes, diverged=False, x="epoch", label=None):
    """Draw a metric of one line of `learning_curves`: a band of a deviation over seeds, a cross where it diverged.

    `x` is the column along the axis. Of a single epoch there is no line but a point, and no band but a bar. The band of
    an accuracy ends at 0 and 100 %, which the deviation over few seeds may pass.
    """
    known = line.dropna(subset=metric)
    point = point_of(dashes) if len(known) == 1 and not diverged else {}
    look = {"color": colour, "linestyle": dashes, "linewidth": 0.7 if diverged else 1, **point}
    axes.plot(known[x], known[metric], label=label, **look)
    if diverged:
        axes.plot(known[x][-1:], known[metric][-1:], "x", color=colour, markersize=4, clip_on=False)
    spread = known.dropna(subset=f"{metric}_std")
    low, high = around(spread[metric], spread[f"{metric}_std"], metric)
    if point:
        axes.vlines(spread[x], low, high, color=colour, linewidth=0.7, zorder=1)
    else:
        style.band(axes, spread[x], low, high, colour)


def around(mean, std, metric):
    """The ends of one standard deviation to either side of a mean; those of an accuracy stay within 0 and 1."""
    low, high = mean - std, mean + std
    return (np.clip(low, 0, 1), np.clip(high, 0, 1)) if metric.endswith("acc") else (low, high)


def point_of(dashes):
    """The look of a point that stands for a line: filled where that is solid, else hollow."""
    return {"marker": "o", "markersize": 3, **({} if dashes == "-" else {"markerfacecolor": "white"})}


def _mark_chance(losses, accuracies, rows, peak):
    """Draw what guessing would score, where it is the same for all rows; returns True if it was drawn.

    It is the loss of equal probabilities, and the accuracy of `statistics.guess`.
    """
    classes = rows["num_classes"].unique()
    guesses = list(map(guess, rows["largest_class"].astype(float), rows["num_classes"]))
    if len(classes) > 1 or max(guesses) - min(guesses) > ALIKE or set(rows["loss"]) != {"cross_entropy"}:
        return False
    chance = math.log(classes[0])
    for axes, value in ((losses, chance), (accuracies, max(guesses))):
        axes.axhline(value, zorder=3, **CHANCE)  # above the line of a network that does not train
    if peak > WORST * chance:
        losses.set_ylim(top=WORST * chance)
        style.say_cut(losses, peak)
    return True


def _legend(figure, table, rows, colours, chance):
    handles = [
        Line2D([], [], color=colours[group], label=name) for group, name in zip(rows["group"], _said(rows), strict=True)
    ]
    lines = _legend_lines(rows)
    handles += [Line2D([], [], alpha=0, label=" ")] * (lines - len(handles))  # so that the styles start a new column
    points = {dashes: point_of(dashes) if table["epoch"].nunique() == 1 else {} for _, dashes in STYLES.values()}
    handles += [
        Line2D([], [], color=style.MUTED, linestyle=dashes, label=name, **points[dashes])
        for name, dashes in STYLES.values()
    ]
    if chance:
        handles.append(Line2D([], [], label="chance", **CHANCE))
    if table["diverged"].notna().any():
        handles.append(Line2D([], [], color=style.MUTED, linestyle="", marker="x", markersize=4, label="diverged"))
    columns = -(-len(handles) // lines)
    lettering.close(figure.legend(handles=handles, loc="outside upper center", ncols=columns, columnspacing=1.2))


def _said(rows):
    """The names of the rows, wrapped so as to leave room for the line styles beside them."""
    return [lettering.wrapped(name, 1.5) for name in names.in_legend(rows)]


def _legend_lines(rows):
    return max(2, len(rows))
