"""How the gradient flows under every remedy: its mean size by relative depth, at initialisation and after training.

Each factor of the study's ablations has its own pair of panels, in which the base is drawn too; a factor with many
levels has several pairs. So even twenty remedies can be told apart.
"""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from workflow_scripts.engine.ablation import ablation_figure
from workflow_scripts.engine.figures import lettering, style
from workflow_scripts.engine.figures.grad_flow import NOTHING, QUANTITY, draw_layers, limits
from workflow_scripts.engine.tables import labels, main_path, summary

DASHED = (0, (3, 1.5))  # the base
MOST = 7  # levels beside the base in a pair of panels
ACROSS = 3  # most names in a line of a legend
SPACING = 1.0  # between its columns, in sizes of its font
# in inches: a legend's title and lines; axes, what is below them and above; margins of a family's two panels
HEAD, LINE = 0.2, 0.135
AXES, BELOW, ABOVE = 0.95, 0.2, 0.11
LEFT, GAP, RIGHT = 0.48, 0.1, 0.08
FOOT = 0.14  # for the name of the axis
MOMENTS = {  # moment: (title, column that is drawn, which epoch)
    "initial": ("at initialisation", "first_batch_mean_abs", "min"),  # before the first update
    "last": ("last epoch", "mean_abs", "max"),
}


def flows(found, rows):
    """A data frame with a row per remedy, moment and layer, from `ablations.rows` (of one factor or several).

    Columns: `factor`, `level`, `base`, `block`, `moment` ("initial" or "last"), `epoch`, `layer`, `relative_depth` (the
    place on the main path: 0 at the input, 1 at the classifier) and `mean_abs`: the mean |gradient| of a weight over
    the seeds, in the very first batch or over the last epoch's steps; `mean_abs_min` and `mean_abs_max` are the least
    and the largest over the seeds. A remedy with no epoch of finite gradients has no rows.
    """
    tables = []
    for _, row in rows.iterrows():
        for moment, (_, measure, which) in MOMENTS.items():
            table = summary.gradients_of(found, row, measure)
            layers = table[table["epoch"] == table["epoch"].agg(which)].sort_values("depth")
            places = main_path.places(layers["layer"])
            tables.append(
                layers.assign(
                    factor=row["factor"],
                    level=row["label"] if row["base"] else row["name"],
                    base=row["base"],
                    block=row["block"],
                    moment=moment,
                    relative_depth=places / max(1, places.max(initial=0)),
                )
            )
    columns = ["factor", "level", "base", "block", "moment", "epoch", "layer", "relative_depth"]
    return pd.concat(tables, ignore_index=True)[[*columns, "mean_abs", "mean_abs_min", "mean_abs_max"]]


def draw(table, blocks=()):
    """The figure of a table from `flows`, a page wide (a column for a single family): two panels for each family.

    `blocks` are those of the whole study, where it has more than the table. Of an empty table it says that it is empty.
    """
    if table.empty:
        return _nothing()
    families, ends = list(_families(table)), limits(table[["mean_abs_min", "mean_abs_max"]].to_numpy())
    across = min(2, len(families))
    width = (style.COLUMN, style.PAGE)[across - 1]
    families = [
        (lettering.wrapped(name, width / across - LEFT), family, _fit(family, width / across))
        for name, family in families
    ]
    rows = [families[place : place + across] for place in range(0, len(families), across)]
    heads = [max(HEAD + lettering.more_lines(name) + LINE * fit.lines for name, _, fit in row) for row in rows]
    axes_heights = [max(AXES, head + ABOVE + BELOW) for head in heads]  # at least half of all
    heights = [head + ABOVE + high + BELOW for head, high in zip(heads, axes_heights, strict=True)]
    looks = _looks(table, blocks)
    with style.look():
        figure = style.figure(width, sum(heights) + FOOT)
        figure.set_layout_engine("none")  # every family has its place in inches
        for index, row in enumerate(rows):
            bottom = sum(heights[index + 1 :]) + FOOT
            for column, (name, family, fit) in enumerate(row):
                panels = _panels(figure, column * width / across, bottom, width / across, axes_heights[index])
                _family(panels, family, looks, ends)
                _legend(
                    figure,
                    panels,
                    name,
                    [looks[level] for level in family["level"].unique()],
                    fit,
                    bottom + heights[index],
                )
                for axes in panels if index * across + column + across >= len(families) else []:
                    axes.set_xlabel("relative depth")
                if column == 0:
                    panels[0].set_ylabel(QUANTITY)
    return figure


def _nothing():
    with style.look():
        figure = style.figure(style.COLUMN, AXES)
        style.say(figure.add_subplot(), NOTHING)
    return figure


def _families(table):
    """(title, rows of the table) for each pair of panels: a factor, or a part of one with many levels."""
    for factor, rows in table.groupby("factor", sort=False):
        name, levels = labels.readable(factor), list(rows.loc[~rows["base"], "level"].unique())
        parts = max(1, -(-len(levels) // MOST))
        size = -(-len(levels) // parts)
        for part in range(parts):
            shown = levels[part * size : (part + 1) * size]
            yield name + (" (continued)" if part else ""), rows[rows["base"] | rows["level"].isin(shown)]


def _fit(family, width):
    """The `lettering.Fit` of the legend of a family that is `width` inches wide: above the middle of its axes."""
    return lettering.fitted(list(family["level"].unique()), width - LEFT + RIGHT, ACROSS, SPACING)


def _panels(figure, left, bottom, width, height):
    """Two axes side by side at a place in the figure, all in inches; `height` is that of the axes."""
    whole, size = figure.get_size_inches()
    one = (width - LEFT - GAP - RIGHT) / 2
    place = ((left + LEFT + step * (one + GAP), bottom + BELOW) for step in (0, 1))
    first, second = (figure.add_axes((x / whole, y / size, one / whole, height / size)) for x, y in place)
    second.sharey(first)
    return first, second


def _looks(table, blocks):
    """{level: (colour, line style)}: over all families, so that no colour stands for one remedy here, another there."""
    looks = ablation_figure.looks(table, blocks)
    return looks | {level: (looks[level][0], DASHED) for level in table.loc[table["base"], "level"]}


def _family(panels, table, looks, ends):
    for axes, (moment, (title, *_)) in zip(panels, MOMENTS.items(), strict=True):
        for level, rows in table[table["moment"] == moment].groupby("level", sort=False):
            _line(axes, rows, ends[0], *looks[level])
        axes.set(yscale="log", ylim=ends, xlim=(0, 1), title=title)
        axes.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
        for label, side in zip(axes.get_xticklabels(), ("left", "center", "right"), strict=True):
            label.set_horizontalalignment(side)  # otherwise a panel's 1 is right beside the next one's 0
        style.powers_of_ten(axes.yaxis, 6)
    panels[1].tick_params(labelleft=False)


def _legend(figure, panels, name, looks, fit, top):
    """The legend of a family, which ends at the height `top` in inches."""
    handles = [Line2D([], [], color=colour, linestyle=dashes, linewidth=1) for colour, dashes in looks]
    places = [axes.get_position() for axes in panels]
    legend = figure.legend(
        handles,
        fit.labels,
        title=name,
        title_fontproperties={"weight": "bold", "size": lettering.LARGE},
        loc="upper center",
        bbox_to_anchor=((places[0].x0 + places[1].x1) / 2, (top - 0.03) / figure.get_figheight()),
        ncols=fit.columns,
        columnspacing=SPACING,
        labelspacing=0.25,
        borderaxespad=0,
        borderpad=0,
    )
    lettering.close(legend).get_title().set(**lettering.CLOSE)


def _line(axes, rows, bottom, colour, dashes):
    """A line of the gradients; values below the axis, including zeros, are marked at its bottom."""
    shown = rows["mean_abs"].where(rows["mean_abs"] >= bottom)
    look = {"color": colour, "linestyle": dashes, "linewidth": 0.8}
    draw_layers(axes, rows["relative_depth"], shown, rows["layer"], **look)
    path = rows[~main_path.aside(rows["layer"])]
    style.band(axes, path["relative_depth"], path["mean_abs_min"], path["mean_abs_max"], colour)
    below = rows["relative_depth"][shown.isna()]
    axes.plot(below, np.full(len(below), bottom), "v", color=colour, markersize=2, clip_on=False)
