"""What a search found: the validation accuracy of its candidates against each key that it varied, rung by rung."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from workflow_scripts.engine.configuration.record import Range
from workflow_scripts.engine.figures import lettering, style
from workflow_scripts.engine.tables.labels import heading
from workflow_scripts.engine.tables.search_table import FINAL, word
from workflow_scripts.engine.text.wording import counted

ACROSS = 3  # panels in a row across the page
PANEL = 1.8  # approximate width of a panel in inches
FLAT = 3  # most lines of a value's name below the axis
UPRIGHT = 1.0  # inches for a name that is upright


def draw(table, space):
    """The figure of `trained`: a panel for each key of `space`, {key: list of values or `record.Range`}."""
    across = min(ACROSS, len(space))
    down = -(-len(space) // ACROSS)
    with style.look():
        rows = [list(space.items())[first : first + across] for first in range(0, len(space), across)]
        height = 0.45 + 1.75 * down + sum(map(_beyond, rows))
        figure = style.figure(style.COLUMN if across == 1 else style.PAGE, height)
        grid = figure.subplots(down, across, sharey=True, squeeze=False)
        for axes in grid.flat[len(space) :]:
            axes.set_axis_off()
        colours = _colours(table)
        for axes, (key, values) in zip(grid.flat, space.items(), strict=False):
            _panel(axes, table, key, values, colours)
        for axes in grid[:, 0]:
            axes.set_ylabel("val. accuracy (%)")
            axes.yaxis.set_major_formatter(style.Percent())
        _legend(figure, table, colours, across)
    return figure


def _colours(table):
    rungs = [rung for rung in dict.fromkeys(table["rung"]) if rung != FINAL]
    shades = style.sequential()(np.linspace(0.9, 0.25, len(rungs)))
    return {**dict(zip(rungs, shades, strict=True)), FINAL: style.colours_beside()[0]}


def _panel(axes, table, key, values, colours):
    _set_axis(axes, key, values)
    places = _places(table, key, values)
    bottom = table["val_acc"].min() if table["val_acc"].notna().any() else 0.0
    for _, rows in table.groupby("candidate"):
        axes.plot(places[rows.index], rows["val_acc"], color=style.ABSENT, linewidth=0.6, zorder=1)
    for rung, rows in table.groupby("rung", sort=False):
        at, final = places[rows.index], rung == FINAL
        if final:  # hollow: the chosen recipe's candidates lie below
            look = {"marker": "*", "s": 55, "facecolor": "none", "edgecolor": colours[rung], "linewidth": 0.8}
            axes.scatter(at, rows["val_acc"], zorder=3, **look)
            _count_seeds(axes, at, rows["val_acc"])
        else:
            axes.scatter(at, rows["val_acc"], color=[colours[rung]], edgecolor="white", s=12, linewidth=0.4, zorder=2)
        lost = rows["status"] != "finished"
        axes.scatter(at[lost], rows.loc[lost, "val_acc"].fillna(bottom), marker="x", s=14, color="black", linewidth=0.7)
    axes.set_xlabel(heading(key))


def _count_seeds(axes, places, accuracies):
    """Write beside a star how many seeds it stands for, if several have the same place and accuracy."""
    for (place, accuracy), stars in accuracies.groupby([places, accuracies]):
        if len(stars) > 1:
            look = {"textcoords": "offset points", "va": "center", "fontsize": style.SMALL}
            axes.annotate(f"×{len(stars)}", (place, accuracy), (5, 0), **look)


def _set_axis(axes, key, values):
    """A scale of numbers for a range, a column for each value of a list."""
    if not isinstance(values, Range):
        _columns(axes, key, values)
    elif values.log:
        _log_axis(axes, values)
    else:
        _linear_axis(axes, values)


def _places(table, key, values):
    """Where the rows of the table lie on the axis of a key: a number on its scale, a word in its own column."""
    if isinstance(values, Range):
        return table[key].astype(float)
    spread = (table["candidate"] * 0.618 % 1 - 0.5) * 0.6  # spreads candidates with the same value apart
    places = [values.index(None if pd.isna(value) else value) for value in table[key]]
    return spread + places


def _columns(axes, key, values):
    names, look = _names(key, values)
    axes.set_xticks(range(len(values)), names, **look, **lettering.CLOSE)
    axes.set_xlim(-0.6, len(values) - 0.4)


def _names(key, values):
    """(names of the values, keywords of their texts): upright where they would have too many lines side by side."""
    words, each = [word(key, value) for value in values], PANEL / len(values)
    names = [lettering.wrapped(one, each, style.SMALL) for one in words]
    if max(name.count("\n") for name in names) < FLAT:
        return names, {}
    most = max(1, int(each / lettering.LINE))
    return [lettering.wrapped(one, UPRIGHT, style.SMALL, most) for one in words], {"rotation": 90}


def _beyond(panels):
    """By how many inches the names of a row of panels, (key, values) each, make it higher."""
    upright = any(_names(key, values)[1] for key, values in panels if not isinstance(values, Range))
    return 1.5 * UPRIGHT * upright  # more than they take, so that the axes remain half of the figure


def _linear_axis(axes, values):
    axes.xaxis.set_major_locator(style.counts(5) if _whole(values) else MaxNLocator(5))


def _log_axis(axes, values):
    """Readable numbers, few enough not to touch: Matplotlib's own labels are up to nine per power of ten."""
    axes.set_xscale("log")
    span = values.high / values.low
    tiny = values.low < 1e-4  # then all numbers are powers of ten: some alone would be
    axes.xaxis.set_major_locator(
        MaxNLocator(3, steps=(1, 2, 5, 10))
        if span < 10
        else LogLocator(subs=(1, 3) if span < (100 if tiny else 999) else (1,), numticks=6)
    )
    axes.xaxis.set_major_formatter(_power if tiny else lambda value, place: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _power(value, place=None):
    """A number as a multiple of a power of ten.

    >>> _power(1e-05), _power(3e-05)
    ('$10^{-5}$', '$3{\\\\cdot}10^{-5}$')
    """
    digits, power = f"{value:.3e}".split("e")
    digits = "" if float(digits) == 1 else rf"{float(digits):g}{{\cdot}}"
    return f"${digits}10^{{{int(power)}}}$"


def _whole(values):
    """Whether a range is of whole numbers: for a key that counts something, its type makes them so."""
    return isinstance(values.low, int) and isinstance(values.high, int)


def _legend(figure, table, colours, across):
    handles = []
    for rung, rows in table.groupby("rung", sort=False):
        epochs, final = rows["epochs"].iloc[0], rung == FINAL
        many = counted(len(rows), "seed" if final else "candidate")
        text = f"{'chosen' if final else f'rung {rung}'}: {many}, {counted(epochs, 'epoch')}"
        hollow = {"markersize": 7, "markerfacecolor": "none", "markeredgewidth": 0.8}
        look = {"marker": "*", **hollow} if final else {"marker": "o", "markersize": 4}
        look["color"] = colours[rung]
        handles.append(Line2D([], [], linestyle="", label=text, **look))
    if (table["status"] != "finished").any():
        handles.append(Line2D([], [], linestyle="", marker="x", markersize=4, color="black", label="diverged"))
    columns = 1 if across == 1 else min(4, len(handles))
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, columnspacing=1.2, handlelength=0.8)
