"""What accuracy costs: that of every network and setting of a study against its parameters and its training time."""

import itertools

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from workflow_scripts.engine.ablation import ablations
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.tables import labels, names
from workflow_scripts.engine.tables.protocol import DEVICES

COSTS = {"parameters": "parameters", "seconds": "training time (s)"}
PLACES = (  # of a name beside its point: shift in typographic points, and which side of the name lies there
    ((-3.5, 3.5), "right", "bottom"),
    ((4, -2), "left", "top"),
    ((0, 4), "center", "bottom"),
    ((0, -4), "center", "top"),
)
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


def draw(table):
    """The figure of a table from `points`, as wide as the page: a panel for each cost, the legend above."""
    colours = _colours(table)
    with style.look():
        figure = style.figure(style.PAGE, 2.9)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (cost, label) in zip(panels, COSTS.items(), strict=True):
            _panel(axes, table, cost, colours)
            _cost_axis(axes, table[cost], label)
        devices = (DEVICES.get(device, device) for names in table["device"].unique() for device in names.split(" and "))
        panels[1].set_xlabel(f"{COSTS['seconds']} on {' and '.join(dict.fromkeys(devices))}")
        panels[0].set_ylabel("best validation accuracy (%)")
        panels[0].yaxis.set_major_formatter(style.percent)
        _legend(figure, table, colours)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # so that names stay where there was room for them
        for axes, cost in zip(panels, COSTS, strict=True):
            _name_front(axes, table, cost)
    return figure


def _colours(table):
    """{factor: colour}; the base, which comes first where it finished, has its block's colour."""
    base = table.loc[table["factor"] == BASE, "block"]
    factors = [factor for factor in dict.fromkeys(table["factor"]) if factor != OTHER]
    colours = itertools.cycle([*map(style.colour, base), *style.colours_beside(base)])
    return {OTHER: style.MUTED, **dict(zip(factors, colours, strict=False))}


def _panel(axes, table, cost, colours):
    best = table[table[f"front_{cost}"]].sort_values(cost)
    axes.step(best[cost], best["best_val_acc"], where="post", color=style.MUTED, linewidth=0.8, zorder=1)
    for _, row in table.iterrows():
        hollow = {"markerfacecolor": "white"} if row["diverged"] else {}
        axes.plot(row[cost], row["best_val_acc"], color=colours[row["factor"]], **_mark(row["factor"]), **hollow)
    axes.margins(x=0.12, y=0.12)


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
    axes.xaxis.set_major_formatter(style.short)
    axes.set_xlabel(label)


def _name_front(axes, table, cost):
    """Name the points of the front, the most accurate first, where there is room; the CSV file has all names.

    Above and to the left of such a point there is no other point, but there may be another name, or the axis.
    """
    taken, around = [], 3 * axes.figure.dpi / 72  # a mark reaches 3 typographic points from its middle
    marks = axes.transData.transform(table[[cost, "best_val_acc"]].to_numpy(float))
    for _, row in table[table[f"front_{cost}"]].sort_values("best_val_acc", ascending=False).iterrows():
        for shift, across, down in PLACES:
            text = axes.annotate(
                row["name"], (row[cost], row["best_val_acc"]), shift, textcoords="offset points",
                ha=across, va=down, fontsize=style.SMALL,
            )  # fmt: skip
            box = text.get_window_extent()
            inside = axes.bbox.x0 < box.x0 and box.x1 < axes.figure.bbox.x1
            if (
                inside
                and not any(map(box.overlaps, taken))
                and not any(box.padded(around).contains(*mark) for mark in marks)
            ):
                taken.append(box)
                break
            text.remove()


def _legend(figure, table, colours):
    handles = [
        Line2D([], [], color=colours[factor], label=labels.readable(factor), **_mark(factor))
        for factor in dict.fromkeys(table["factor"])
    ]
    if table["diverged"].any():
        handles.append(Line2D([], [], color=style.MUTED, markerfacecolor="white", label="a seed diverged", **_mark("")))
    handles.append(Line2D([], [], color=style.MUTED, linewidth=0.8, label="Pareto front"))
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 9), columnspacing=1.2)
