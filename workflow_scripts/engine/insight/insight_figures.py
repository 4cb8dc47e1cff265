"""The figures of what a network has learned: functions of an `Insight` that return (figure, table of what it shows).

Up to `NAMED` classes are named in every figure; of more classes, the figures show those that matter.
"""

import itertools

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from workflow_scripts.engine.figures import lettering, style
from workflow_scripts.engine.insight.findings import EXTREMES, NAMED, most_confused
from workflow_scripts.engine.insight.grad_cam_figure import FRAME, GREYS, grad_cam

FILTERS = 64  # first-layer filters that are drawn
LETTER, HIGH = 0.018, 0.055  # room for a letter of a name among points, and for a line, as fractions of their extent
ASIDE = sorted(  # where else a name may stand, as fractions of the same, the nearest place first
    itertools.product(0.05 * np.arange(-8, 9), HIGH / 4 * np.arange(-72, 73)), key=lambda by: (np.hypot(*by), by)
)
LEAST = 5  # typographic points of a count, where its cell is narrow
MOST = 0.9  # fraction of a class's points that lie below its name


# The first layer


def filters(insight):
    """The filters of the first convolution, by decreasing norm, each on its own scale; below, their norms."""
    weight = insight.arrays("filters")["weight"]
    norms = np.sqrt((weight.astype(np.float64) ** 2).sum((1, 2, 3)))
    order = np.argsort(-norms, kind="stable")
    shown = order[:FILTERS]
    across = 16 if len(shown) > 32 else 8
    down = -(-len(shown) // across)
    height = style.COLUMN / across * down
    with style.look():
        figure = style.figure(style.COLUMN, height + 0.9)
        above, below = figure.subfigures(2, 1, height_ratios=[height + 0.1, 0.8])
        grid = above.subplots(down, across, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, place in zip(grid.flat, shown, strict=False):
            axes.imshow(_as_picture(weight[place]), cmap=GREYS, vmin=0, vmax=1, interpolation="nearest")
        axes = below.subplots()
        axes.vlines(np.arange(1, len(norms) + 1), 0, norms[order], color=style.COLOURS[3], linewidth=1)
        axes.set(xlabel="filter, by its norm", ylabel="norm", xlim=(0, len(norms) + 1))
        axes.set_ylim(bottom=0)
    rank = np.empty(len(norms), int)
    rank[order] = np.arange(1, len(norms) + 1)
    places = np.indices(weight.shape).reshape(4, -1)
    columns = dict(zip(["filter", "channel", "row", "column"], places, strict=True))
    return figure, pd.DataFrame(
        {**columns, "rank": rank[places[0]], "norm": norms[places[0]], "weight": weight.ravel()}
    )


def _as_picture(weight):
    """A filter (channels, rows, columns) as a picture in 0..1: zero is at 1/2, its largest magnitude at 0 or 1.

    Three channels are red, green and blue; any other number of channels is averaged and shown in grey.
    """
    values = np.moveaxis(weight, 0, -1) if weight.shape[0] == 3 else weight.mean(0)
    return 0.5 + 0.5 * values / max(np.abs(values).max(), 1e-12)


# Which classes it confuses


def confusion(insight):
    """Images by label (down) and prediction (across); the colour is the share of the label's images."""
    table, names = insight.table("confusion"), style.literal(insight.names)
    counts = table.pivot(index="label", columns="predicted", values="images").to_numpy()
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    classes = len(names)
    with style.look():
        figure = style.figure(style.COLUMN, 3.1 if classes <= NAMED else 3.3)
        axes = figure.subplots()
        mesh = axes.pcolormesh(share, cmap="Blues", vmin=0, vmax=1, edgecolor="face", linewidth=0.25)
        axes.set(xlabel="predicted", ylabel="label", aspect="equal")
        axes.invert_yaxis()
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        if classes <= NAMED:
            _name_and_count(axes, names, counts, share)
        else:
            _name_pairs(axes, names, most_confused(table))
            bar = figure.colorbar(mesh, ax=axes, label="share of the label's images", aspect=25, pad=0.02, shrink=0.8)
            bar.outline.set_visible(False)
            bar.solids.set(rasterized=False, edgecolor="face")
    return figure, table


def _name_and_count(axes, names, counts, share):
    centres = np.arange(len(names)) + 0.5
    upright = max(map(len, names)) * len(names) < 40
    axes.set_xticks(centres, names, **({} if upright else {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}))
    axes.set_yticks(centres, names)
    axes.figure.draw_without_rendering()  # lays it out, so that the cells have their size
    cell = axes.get_window_extent().width / axes.figure.dpi / len(names)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if share[row, column] > 0.5 else "black"
            fitting = style.SMALL * min(1, cell / lettering.width_of(str(count), style.SMALL))
            look = {"color": colour, "fontsize": max(LEAST, fitting), "ha": "center", "va": "center"}
            axes.text(column + 0.5, row + 0.5, count, **look)


def _name_pairs(axes, names, pairs):
    axes.set_xticks([])
    axes.set_yticks([])
    said = [f"{names[pair.label]} taken for {names[pair.predicted]}: {pair.images}" for pair in pairs.itertuples()]
    axes.set_xlabel("predicted\n\n" + "\n".join(["most often confused (images):", *said] if said else ["no mistakes"]))
    axes.plot(
        pairs["predicted"] + 0.5,
        pairs["label"] + 0.5,
        "o",
        mfc="none",
        mec=style.COLOURS[0],
        markersize=6,
        clip_on=False,
    )


def class_accuracy(insight):
    """Accuracy of each class, the highest first, with Wilson's 95 % interval; of many classes, both extremes."""
    table = insight.table("per_class").dropna(subset="accuracy")
    table = table.sort_values(["accuracy", "images"], ascending=False, kind="stable")
    many = len(table) > NAMED
    shown = pd.concat([table[:EXTREMES], table[-EXTREMES:]]) if many else table
    names = style.literal(insight.names[label] for label in shown["label"])
    mean = table["right"].sum() / table["images"].sum()
    places = np.arange(len(shown)) + (np.arange(len(shown)) >= EXTREMES) * many  # a gap where classes are left out
    with style.look():
        figure = style.figure(style.COLUMN, 0.5 + 0.15 * (places[-1] + 1))
        axes = figure.subplots()
        axes.hlines(places, shown["low"], shown["high"], color=style.COLOURS[3], linewidth=1)
        axes.plot(shown["accuracy"], places, "o", color=style.COLOURS[3], markersize=3, clip_on=False)
        axes.axvline(mean, zorder=1, **style.GUIDE)
        axes.set_yticks(places, names)
        if many:
            said = f"{len(table) - len(shown)} classes between"
            axes.text(shown["low"].min(), EXTREMES, said, color=style.MUTED, fontsize=style.SMALL, va="center")
        axes.invert_yaxis()
        axes.set(xlabel="accuracy on validation images (%)", ylabel="class")
        axes.xaxis.set_major_formatter(style.Percent())
    return figure, shown


# How it sees the classes


def tsne(insight):
    """The t-SNE of the last features: a point per image in its label's colour, a cross where it is classified wrong.

    The name of a class stands above most of its points, framed in their colour: where classes mingle, the place alone
    does not tell which class has which colour. Of more than `NAMED` classes, only those of the most confused pairs have
    a name and a colour.
    """
    table, names = insight.table("tsne"), style.literal(insight.names)
    labels = range(len(names))
    if len(names) > NAMED:
        labels = dict.fromkeys(most_confused(insight.table("confusion"))[["label", "predicted"]].to_numpy().ravel())
    with style.look():
        figure = style.figure(style.COLUMN, style.COLUMN * 0.9)
        axes = figure.subplots()
        axes.set(xticks=[], yticks=[], aspect="equal")
        axes.spines[:].set_visible(False)
        _points(axes, table[~table["label"].isin(labels)], style.ABSENT)
        colours = dict(zip(labels, style.COLOURS, strict=False))
        for label, colour in colours.items():
            _points(axes, table[table["label"] == label], colour)
        places = _apart(table[table["label"].isin(labels)], names)
        axes.update_datalim(list(places.values()) or [(0, 0)])
        axes.autoscale_view()
        for label, (x, y) in places.items():
            frame = {**FRAME, "edgecolor": colours[label]}
            axes.text(x, y, names[label], ha="center", va="center", fontsize=style.SMALL, bbox=frame)
        if not table["right"].all():
            cross = Line2D([], [], linestyle="", marker="x", color=style.MUTED, markersize=3, label="classified wrong")
            figure.legend(handles=[cross], loc="outside lower right")
    return figure, table


def _apart(table, names):
    """{label: (x, y)} of the names: above most of a label's points, or as near to there as no other name stands."""
    extent = np.ptp(table[["x", "y"]].to_numpy(), axis=0).max() if len(table) else 0.0
    classes = table.groupby("label")
    tops = pd.DataFrame({"x": classes["x"].median(), "y": classes["y"].quantile(MOST) + HIGH * extent})
    places = {}

    def free(at, label, other):
        letters = 2 + (len(names[label]) + len(names[other])) / 2
        return (abs(at - places[other]) >= np.array([letters * LETTER, HIGH]) * extent).any()

    for label, top in tops.sort_values("y").iterrows():
        tried = (top.to_numpy() + np.multiply(by, extent) for by in ASIDE)
        places[label] = next(at for at in tried if all(free(at, label, other) for other in places))
    return places


def _points(axes, table, colour):
    right, wrong = table[table["right"]], table[~table["right"]]
    axes.plot(right["x"], right["y"], "o", color=colour, markersize=2, markeredgewidth=0, alpha=0.8)
    axes.plot(wrong["x"], wrong["y"], "x", color=colour, markersize=3, markeredgewidth=0.7)


FIGURES = {figure.__name__: figure for figure in (filters, grad_cam, confusion, class_accuracy, tsne)}
