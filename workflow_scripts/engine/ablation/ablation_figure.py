"""The figure of a factor: the best validation accuracy of every level, seed by seed, above the learning curves.

Beside the name of each level is a piece of its line, so that the names above are the legend of the curves below.
"""

import math

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator
from matplotlib.transforms import Affine2D, ScaledTranslation

from workflow_scripts.engine.figures import curves, lettering, style

LIGHTEST = 0.85  # of the colour scale: a lighter line is lost on white
FEW = 5  # colours for levels that are not blocks: more cannot be told apart, so they repeat with other line styles
DASHES = ("-", (0, (1, 1)), (0, (4, 1, 1, 1)))
OVER = ("-", (0, (4, 4)), (0, (2, 6)))  # of curves that are the same: those below show through the gaps
NAMED = 1.0  # inches for the name of a level
PIECE = 9  # typographic points of a level's line beside its name


def drawn(summary, rows):
    """What `draw` shows of the rows of one factor from `ablations.rows`: a tidy data frame.

    `kind` is "seed" (the best validation accuracy `val_acc` of one cell) or "curve" (that of an epoch: the mean over
    the `seeds` cells that finished, with `val_acc_std`, or that of the one cell `diverged`).
    """
    cells = summary.cells.set_index("cell")
    seeds = [
        {"level": row["level"], "cell": cell, "seed": cells.at[cell, "seed"], "val_acc": cells.at[cell, "best_val_acc"]}
        | {"diverged": None if cell in row["finished"] else cell}
        for _, row in rows.iterrows()
        for cell in row["cells"]
    ]
    lines = curves.learning_curves(summary, rows)
    lines["level"] = lines["group"].map(rows.set_index("group")["level"])
    shown = ["level", "seeds", "diverged", "epoch", "val_acc", "val_acc_std"]
    table = pd.concat([pd.DataFrame(seeds).assign(kind="seed"), lines[shown].assign(kind="curve")], ignore_index=True)
    table["base"] = table["level"].isin(rows.loc[rows["base"], "level"])
    table.insert(0, "factor", rows["factor"].iloc[0])
    return table[["factor", "level", "base", "kind", "cell", "seed", *shown[1:]]]


def draw(table, rows, blocks=()):
    """The figure of a table from `drawn`, a column wide; `blocks` are those of the whole study."""
    numeric = rows["value"].notna().all()
    shown = _apart(table[table["kind"] == "curve"], _shades(rows) if numeric else looks(rows, blocks))
    height = 1.3 if numeric else 0.35 + _row_heights(rows).sum()
    with style.look():
        figure = style.figure(style.COLUMN, height + 1.75)
        above, below = figure.subplots(2, 1, height_ratios=[height, 1.25])
        _levels(above, table[table["kind"] == "seed"], rows, shown, numeric)
        for (level, diverged), line in table[table["kind"] == "curve"].groupby(
            ["level", "diverged"], sort=False, dropna=False
        ):
            curves.draw_line(below, line, "val_acc", *shown[level], not pd.isna(diverged))
        below.set(xlabel="epoch", ylabel="val. acc. (%)")
        below.set_title("over the epochs (colours and lines as above)", fontsize=style.SMALL)
        below.xaxis.set_major_locator(style.counts(6))
        below.yaxis.set_major_formatter(style.Percent())
        below.margins(x=0.02)
        style.end_at_whole(below.yaxis)
        _legend(figure, table, rows)
    return figure


def looks(levels, blocks=()):
    """{level: (colour, line style)} of a data frame with the columns `level`, `base` and `block`.

    The first level of each block (the base, for its own block) has that block's colour. The others, in which something
    else was varied, have colours that no block of these levels or of the brief has. `blocks` are those of the whole
    study, where it has more than the levels.
    """
    levels = levels.drop_duplicates("level")
    first = levels.sort_values("base", ascending=False, kind="stable").drop_duplicates("block")
    of_block = style.colours([*levels["block"], *blocks])
    found = {row.level: (of_block[row.block], "-") for row in first.itertuples()}
    left = style.colours_beside(of_block[block] for block in levels["block"])[:FEW]
    for place, level in enumerate(level for level in levels["level"] if level not in found):
        found[level] = (left[place % len(left)], DASHES[place // len(left) % len(DASHES)])
    return {level: found[level] for level in levels["level"]}


def _shades(rows):
    """{level: (colour, line style)} of numeric levels, in their order along a colour scale."""
    last = max(1, len(rows) - 1)
    return {level: (style.sequential()(LIGHTEST * place / last), "-") for place, level in enumerate(rows["level"])}


def _apart(lines, shown):
    """`shown`, but a level whose curve lies on an earlier one's is dashed, so that both are seen."""
    seen, found = [], {}
    for level, line in lines.groupby("level", sort=False):
        curve = line[["epoch", "val_acc"]].to_numpy()
        before = sum(np.array_equal(curve, other, equal_nan=True) for other in seen)
        seen.append(curve)
        found[level] = (shown[level][0], OVER[before % len(OVER)]) if before else shown[level]
    return {**shown, **found}


def _levels(axes, seeds, rows, shown, numeric):
    """A dot per seed, mean and deviation of those that finished; numbers lie along an axis, names have a row each."""
    heights = _row_heights(rows)
    places = rows["value"] if numeric else heights.cumsum() - heights / 2
    edge = _edge(seeds)
    for place, (_, row) in zip(places, rows.iterrows(), strict=True):
        colour, dashes = shown[row["level"]]
        found = seeds[seeds["level"] == row["level"]]
        finished, diverged = found[found["diverged"].isna()]["val_acc"], found[found["diverged"].notna()]["val_acc"]
        mean, std = row["best_val_acc"], row["best_val_acc_std"]
        _marks(axes, numeric, place, finished, "o", color=colour, markersize=3, alpha=0.6, markeredgewidth=0)
        _marks(axes, numeric, place, diverged.fillna(edge), "x", color=colour, markersize=4)
        _marks(axes, numeric, place, [mean], "_" if numeric else "|", color=colour, markersize=9)
        if math.isfinite(std):
            _marks(axes, numeric, place, curves.around(mean, std, "val_acc"), linestyle=dashes, color=colour)
    name = rows["varied"].iloc[0]
    measure = axes.yaxis if numeric else axes.xaxis
    measure.set_major_formatter(style.Percent())
    # the number of ticks must not depend on the size: one added after the layout would be cut off
    measure.set_major_locator(MaxNLocator(5, steps=(1, 2, 2.5, 5, 10)))
    measure.set_label_text("best val. acc. (%)")
    base = rows.loc[rows["base"], "best_val_acc"].iloc[0]
    if math.isfinite(base):
        line = axes.axhline if numeric else axes.axvline
        line(base, zorder=1, **style.GUIDE)
    if numeric:
        _number_axis(axes, rows, name)
    else:
        axes.set_yticks(places, [_wrapped(_marked(row)) for _, row in rows.iterrows()], **lettering.CLOSE)
        axes.set_ylim(heights.sum(), 0)
    style.end_at_whole(measure)
    _pieces(axes, numeric, places, [shown[level] for level in rows["level"]])


def _pieces(axes, numeric, places, lines):
    """A piece of each level's line between its name and the axis, as in a legend."""
    axes.tick_params(axis="x" if numeric else "y", length=0, pad=6 if numeric else PIECE + 5)
    points = Affine2D().scale(1 / 72) + axes.figure.dpi_scale_trans
    for place, (colour, dashes) in zip(places, lines, strict=True):
        at = (place, 0, axes.get_xaxis_transform()) if numeric else (0, place, axes.get_yaxis_transform())
        ends = ((-PIECE / 2, PIECE / 2), (-4, -4)) if numeric else ((-PIECE - 3, -3), (0, 0))
        look = {"color": colour, "linestyle": dashes, "linewidth": 1.5, "clip_on": False}
        axes.add_artist(Line2D(*ends, transform=points + ScaledTranslation(*at), **look))


def _marks(axes, numeric, place, values, marker="", linestyle="", **options):
    along, across = list(values), [place] * len(values)
    axes.plot(*((across, along) if numeric else (along, across)), marker=marker, linestyle=linestyle, **options)


def _number_axis(axes, rows, name):
    """The levels on an axis, logarithmic where all are positive; below each its number of parameters if they differ."""
    if (rows["value"] > 0).all() and len(rows) > 1:
        axes.set_xscale("log")
    sized = rows["parameters"].nunique() > 1
    digits = style.digits(rows["parameters"])
    sizes = [f"\n{style.short(count, digits)}" if sized else "" for count in rows["parameters"]]
    labels = [_marked(row) + size for (_, row), size in zip(rows.iterrows(), sizes, strict=True)]
    axes.set_xticks(rows["value"], labels)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.08)
    axes.set_xlabel(f"{name}, with the number of parameters" if sized else name)


def _marked(row):
    return f"{row['level']} (base)" if row["base"] else row["level"]


def _wrapped(name):
    """A name of several values on lines that end between two of them, where they fit."""
    return lettering.wrapped(name, NAMED)


def _row_heights(rows):
    """Inches for each level among names."""
    return 0.15 + np.array([lettering.more_lines(_wrapped(_marked(row))) for _, row in rows.iterrows()])


def _edge(seeds):
    """Where a cell is drawn that diverged before its accuracy was known: at the lowest accuracy that is drawn."""
    return seeds["val_acc"].min() if seeds["val_acc"].notna().any() else 0.0


def _legend(figure, table, rows):
    muted = {"color": style.MUTED, "linestyle": ""}
    handles = {"one seed": Line2D([], [], marker="o", markersize=3, **muted)}
    if rows["best_val_acc_std"].notna().any():
        line = {"color": style.MUTED, "linestyle": "-"}
        handles["mean"] = Line2D([], [], marker="|", markersize=6, **line)
        handles["± std. deviation"] = (Patch(color=style.MUTED, alpha=style.BAND, linewidth=0), Line2D([], [], **line))
    if table["diverged"].notna().any():
        handles["diverged"] = Line2D([], [], marker="x", markersize=4, **muted)
    handles["base"] = Line2D([], [], **style.GUIDE)
    look = {"ncols": len(handles), "columnspacing": 1.0, "handlelength": 1.4}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", **look)
