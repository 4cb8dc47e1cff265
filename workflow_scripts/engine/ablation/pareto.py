"""What accuracy costs: that of every network and setting of a study against its parameters and its training time."""

import itertools

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from workflow_scripts.engine.ablation import ablations
from workflow_scripts.engine.figures import lettering, style
from workflow_scripts.engine.tables import labels, names
from workflow_scripts.engine.tables.protocol import DEVICES

COSTS = {"parameters": "parameters", "seconds": "training time (s)"}
PLACES = (  # of a name beside its mark: shift in typographic points, and which side of the name lies there
    ((-3.5, 3.5), "right", "bottom"),
    ((4, -2), "left", "top"),
    ((5, 0), "left", "center"),
    ((-5, 0), "right", "center"),
    ((0, 4), "center", "bottom"),
    ((0, -4), "center", "top"),
)
NEAR, ASIDE = 3, 4.5  # typographic points: closer marks would hide each other, and are moved this far apart
NAMED = 1.4  # inches for a name
MANY = 20  # points above which only those of the front have names: others' could be taken for a neighbour's
BASE, OTHER = "base", "other cells"


def points(summary, study):
    """A row per network and setting of a study, from a summary that `ablations.load` returned.

    Columns: `name`, `factor` (the first ablation that contains it, `base`, or `other cells`), `block`, `parameters`,
    `seconds` (the epochs times what each took), `best_val_acc` and `best_val_acc_std`, `seeds`, `diverged`, `device`,
    and for each cost c `front_c`: whether it is on the Pareto front (see `front`). Rows of which a seed diverged never
    are, as the mean over the remaining seeds would flatter them; rows of which all seeds did are left out.
    """
    rows = ablations.rows(summary, study)
    rows["factor"] = rows["factor"].where(~rows["base"], BASE)
    rows["name"] = rows["name"].where(~rows["base"], BASE)
    others = ablations.all_rows(summary.cells)
    others = others.assign(factor=OTHER, name=names.in_study(others))
    others = others[~others["group"].isin(rows["group"])]
    table = pd.concat([rows[rows["base"]], rows[~rows["base"]], others], ignore_index=True)
    table = table.drop_duplicates("group").dropna(subset="best_val_acc")
    table["seconds"] = table["seconds_per_epoch"] * table["epochs"]
    for cost in COSTS:
        table[f"front_{cost}"] = front(table[cost], table["best_val_acc"].where(table["diverged"] == 0))
    kept = ["name", "factor", "block", *COSTS, "best_val_acc", "best_val_acc_std", "seeds", "diverged"]
    return table[kept + [f"front_{cost}" for cost in COSTS]].assign(
        device=" and ".join(summary.cells["device"].unique())
    )


def front(costs, values):
    """Which points are Pareto optimal: no other costs as little and is worth more, or costs less and is worth as much.

    A point whose value is NaN is not, and rules no other out.

    >>> front([1, 2, 3, 3], [0.5, 0.4, 0.9, 0.8])
    array([ True, False,  True, False])
    """
    costs, values = np.asarray(costs, float), np.asarray(values, float)
    as_good = (costs[None] <= costs[:, None]) & (values[None] >= values[:, None])
    better = (costs[None] < costs[:, None]) | (values[None] > values[:, None])
    return ~(as_good & better).any(axis=1) & ~np.isnan(values)


def draw(table, blocks=()):
    """The figure of a table from `points`, as wide as the page: a panel for each cost, the legend above.

    `blocks` are those of the whole study, where it has more than the table.
    """
    colours = _colours(table, blocks)
    with style.look():
        figure = style.figure(style.PAGE, 2.9)
        panels = figure.subplots(1, 2, sharey=True)
        fronts, marks = {}, {}
        for axes, (cost, label) in zip(panels, COSTS.items(), strict=True):
            fronts[cost], marks[cost] = _panel(axes, table, cost, colours)
            _cost_axis(axes, table[cost], label)
        devices = (DEVICES.get(device, device) for names in table["device"].unique() for device in names.split(" and "))
        panels[1].set_xlabel(f"{COSTS['seconds']} on {' and '.join(dict.fromkeys(devices))}")
        panels[0].set_ylabel("best validation accuracy (%)")
        panels[0].yaxis.set_major_formatter(style.Percent())
        _legend(figure, table, colours)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # so that marks and names stay where there was room for them
        for axes, cost in zip(panels, COSTS, strict=True):
            groups = _groups(axes, table, cost)
            _spread(axes, groups, marks[cost])
            _name(axes, table, cost, groups, marks[cost], fronts[cost])
    return figure


def _colours(table, blocks):
    """{factor: colour}; the base, which comes first where it finished, has its block's colour."""
    of_block = style.colours([*table["block"], *blocks])
    base = [of_block[block] for block in table.loc[table["factor"] == BASE, "block"]]
    factors = [factor for factor in dict.fromkeys(table["factor"]) if factor != OTHER]
    colours = itertools.cycle([*base, *style.colours_beside(base)])
    return {OTHER: style.MUTED, **dict(zip(factors, colours, strict=False))}


def _panel(axes, table, cost, colours):
    """Draw the front and a mark for each row; returns the line of the one and the lines of the others."""
    best = table[table[f"front_{cost}"]].sort_values(cost)
    steps = np.repeat(best[cost], 2)[1:], np.repeat(best["best_val_acc"], 2)[:-1]
    (line,) = axes.plot(*steps, color=style.MUTED, linewidth=0.8, zorder=1)
    marks = []
    for _, row in table.iterrows():
        hollow = {"markerfacecolor": "white"} if row["diverged"] else {}
        look = {"color": colours[row["factor"]], **_mark(row["factor"]), **hollow}
        marks += axes.plot([row[cost]], [row["best_val_acc"]], **look)
    axes.margins(x=0.12, y=0.12)
    return line, marks


def _mark(factor):
    shape = {"marker": "*", "markersize": 7, "zorder": 3} if factor == BASE else {"marker": "o", "markersize": 4}
    return {"linestyle": "", **shape}


def _cost_axis(axes, costs, label):
    """Logarithmic, with readable numbers; linear where costs are so close that a logarithmic axis would lack ticks."""
    if costs.max() > 3 * costs.min():
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if costs.max() < 100 * costs.min() else (1,)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(style.Short())
    axes.set_xlabel(label)


def _groups(axes, table, cost):
    """Lists of the places in the table of rows whose marks would hide each other; most have a single row."""
    places = axes.transData.transform(table[[cost, "best_val_acc"]].to_numpy(float))
    near, groups = NEAR * axes.figure.dpi / 72, []
    for row, place in enumerate(places):
        beside = (group for group in groups if np.abs(places[group[0]] - place).max() < near)
        group = next(beside, None)
        if group is None:
            groups.append(group := [])
        group.append(row)
    return groups


def _spread(axes, groups, marks):
    """Move the marks of a group side by side."""
    for group in groups:
        middle = axes.transData.transform(marks[group[0]].get_xydata()[0])
        for place, row in enumerate(group):
            away = ASIDE * axes.figure.dpi / 72 * (place - (len(group) - 1) / 2), 0
            marks[row].set_xdata([axes.transData.inverted().transform(middle + np.array(away))[0]])


def _name(axes, table, cost, groups, marks, line):
    """Name the points, those of the front first and the most accurate before others, where there is room.

    A group has all its names. Of many points, only those of the front have names; the CSV file has all.
    """
    front = line.get_transform().transform_path(line.get_path())
    drawn = [axes.transData.transform(mark.get_xydata()[0]) for mark in marks]
    taken = []
    order = [(not table[f"front_{cost}"].iloc[group].any(), -table["best_val_acc"].iloc[group[0]]) for group in groups]
    for (beside, _), group in sorted(zip(order, groups, strict=True)):
        if beside and len(table) > MANY:
            break
        name = lettering.wrapped("; ".join(table["name"].iloc[group]), NAMED)
        middle = axes.transData.inverted().transform(np.mean([drawn[row] for row in group], axis=0))
        for (along, up), across, down in PLACES:
            shift = (along + np.sign(along) * ASIDE * (len(group) - 1) / 2, up)
            look = {"ha": across, "va": down, "fontsize": style.SMALL, "linespacing": 1, "multialignment": across}
            text = axes.annotate(name, middle, shift, textcoords="offset points", **look)
            if _free(axes, text.get_window_extent(), taken, drawn, front):
                taken.append(text.get_window_extent())
                break
            text.remove()


def _free(axes, box, taken, marks, front):
    """Whether a box lies in the axes (the last may reach to the figure's edge) and touches no name, mark or front."""
    around = 3 * axes.figure.dpi / 72  # a mark reaches 3 typographic points from its middle
    right = axes.figure.bbox.x1 if axes.get_subplotspec().is_last_col() else axes.bbox.x1
    return (
        axes.bbox.x0 < box.x0
        and box.x1 < right
        and axes.bbox.y0 < box.y0
        and box.y1 < axes.bbox.y1
        and not any(map(box.overlaps, taken))
        and not any(box.padded(around).contains(*mark) for mark in marks)
        and not front.intersects_bbox(box, filled=False)
    )


def _legend(figure, table, colours):
    handles = [
        Line2D([], [], color=colours[factor], label=labels.readable(factor), **_mark(factor))
        for factor in dict.fromkeys(table["factor"])
    ]
    if table["diverged"].any():
        handles.append(Line2D([], [], color=style.MUTED, markerfacecolor="white", label="a seed diverged", **_mark("")))
    handles.append(Line2D([], [], color=style.MUTED, linewidth=0.8, label="Pareto front"))
    lettering.legend(figure, handles, 9)
