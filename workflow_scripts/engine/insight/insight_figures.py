"""The figures of what a network has learned: functions of an `Insight` that return (figure, table of what it shows).

Up to `NAMED` classes are named in every figure; of more classes, the figures show those that matter.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgb
from matplotlib.lines import Line2D

from workflow_scripts.engine.figures import style
from workflow_scripts.engine.tables import reading

NAMED = 20  # classes up to which names and counts are legible in a column
EXTREMES = 10  # classes at either end of the accuracies, where there are more than NAMED
PAIRS = 5  # most confused pairs of classes that are named, where there are more than NAMED
FILTERS = 64  # first-layer filters that are drawn
GREYS = "Greys_r"
FRAME = {"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.9, "linewidth": 0.8}  # of a name among points
WIDE, HIGH = 0.2, 0.055  # room for a name among points, as fractions of their extent
MOST = 0.9  # fraction of a class's points that lie below its name
OPAQUE = 0.8  # opacity of a heat map at its hottest place
EACH = 8  # images across the page
ROLES = {"predicted": "predicted", "label": "true class"}  # classes whose heat maps are drawn
NOTHING = "nothing\nspeaks for it"


@dataclass(frozen=True)
class Insight:
    """The files of `inspect_cell`, read."""

    folder: Path
    facts: dict

    def table(self, name):
        # a class may be called "NA"; what is missing is empty
        return pd.read_csv(self.folder / f"{name}.csv", dtype={"name": str}, keep_default_na=False, na_values=[""])

    def arrays(self, name):
        with np.load(self.folder / f"{name}.npz", allow_pickle=False) as file:
            return dict(file)

    @property
    def names(self):
        return [name.replace("_", " ") for name in self.facts["class_names"]]


def load(folder):
    """The `Insight` in a folder; raises UserError where there is none."""
    folder = Path(folder)
    return Insight(folder, reading.facts(folder / "insight.json", "inspect_cell"))


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


# Where it looks


def grad_cam(insight):
    """Images classified right and wrong, and each again under the heat map of the predicted class; the wrong ones also
    under that of the true class."""
    shown = insight.arrays("grad_cam")
    right = shown["label"] == shown["predicted"]
    rows = _rows_of_tiles(np.flatnonzero(right), np.flatnonzero(~right))
    across = 1 + max(tile.column for row in rows for tile in row)
    with style.look():
        side = (style.PAGE - 1.0) / max(across, EACH)
        height = 0.1 + sum(0.16 + side + max(style.more_lines(tile.above + " ") for tile in row) for row in rows)
        figure = style.figure(style.PAGE, height)
        figure.get_layout_engine().set(h_pad=0.01, w_pad=0.02, hspace=0.01)
        grid = figure.subplots(len(rows), across, squeeze=False)
        for axes in grid.flat:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        for line, row in zip(grid, rows, strict=True):
            for tile in row:
                _tile(line[tile.column], shown, tile, insight.names)
        _heat_key(figure, grid)
    return figure, _heat_table(shown)


class _Tile(NamedTuple):
    """An image, in a column of the grid: alone, or under the heat map of a role; what is said beside and above it."""

    column: int
    image: int
    role: str | None
    beside: str = ""
    above: str = ""


def _rows_of_tiles(right, wrong):
    """Lists of tiles, a list for each row; few wrong images have their heat maps beside them, which takes less room."""
    rows = _below("right", right, ["predicted"])
    groups = (max(len(right), EACH) + 1) // 4  # of an image, its two maps and a gap
    in_groups = [_beside("wrong", wrong[place : place + groups], list(ROLES)) for place in range(0, len(wrong), groups)]
    in_columns = _below("wrong", wrong, list(ROLES))
    return rows + (in_groups if len(in_groups) < len(in_columns) else in_columns)


def _below(kind, images, roles):
    """A row of images, and a row of heat maps for each role."""
    if not len(images):
        return []
    said = {None: kind, **{role: ROLES[role] for role in roles}}
    return [[_Tile(at, image, role, "" if at else said[role]) for at, image in enumerate(images)] for role in said]


def _beside(kind, images, roles):
    """A row of groups: an image and its heat maps."""
    row = []
    for image in images:
        column = row[-1].column + 2 if row else 0
        row.append(_Tile(column, image, None, "" if column else kind))
        row += [_Tile(column + at, image, role, "", f"{ROLES[role]}\n") for at, role in enumerate(roles, 1)]
    return row


def _tile(axes, shown, tile, names):
    pixels, role = shown["pixels"][tile.image], tile.role
    title = names[shown[role or "label"][tile.image]]
    if role is None:
        _picture(axes, pixels)
    else:
        _overlay(axes, shown[f"map_{role}"][tile.image], pixels)
        title += f" ({100 * shown[f'probability_{role}'][tile.image]:.0f} %)"
    axes.set_ylabel(tile.beside)
    axes.set_title(tile.above + title, fontsize=style.SMALL, pad=2, linespacing=1)


def _heat_key(figure, grid):
    """The colours of the heat maps, as they are over white."""
    colours = ListedColormap([style.tint(style.COLOURS[0], share) for share in np.linspace(0, OPAQUE, 64)])
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), colours), ax=grid, aspect=30, pad=0.01, fraction=0.05)
    bar.set_ticks((0, 1), labels=("0", "max."))
    bar.set_label("what speaks for the class", labelpad=-10)
    bar.solids.set(rasterized=False, edgecolor="face")


def _picture(axes, pixels):
    """An image (rows, columns, channels) of 8-bit values, in colour where it has three channels."""
    values = pixels if pixels.shape[-1] == 3 else pixels[..., 0]
    axes.imshow(values, cmap=GREYS, vmin=0, vmax=255, interpolation="nearest")


def _overlay(axes, heat, pixels):
    """A heat map over an image in grey: the hotter, the more orange, scaled to the map's own largest value.

    Where nothing in it is positive, it is not a map of anything, and the picture says so.
    """
    axes.imshow(pixels.mean(-1), cmap=GREYS, vmin=0, vmax=255, interpolation="nearest")
    colours = np.empty((*heat.shape, 4))
    colours[..., :3] = to_rgb(style.COLOURS[0])
    colours[..., 3] = OPAQUE * heat / max(heat.max(), 1e-12)
    rows, columns, _ = pixels.shape
    axes.imshow(colours, extent=(-0.5, columns - 0.5, rows - 0.5, -0.5), interpolation="bilinear")
    if not heat.max() > 0:
        look = {"ha": "center", "va": "center", "fontsize": style.SMALL, "linespacing": 1}
        axes.text(0.5, 0.5, NOTHING, transform=axes.transAxes, bbox={**FRAME, "edgecolor": "none"}, **look)


def _heat_table(shown):
    tables = []
    for role in ("predicted", "label"):
        maps = shown[f"map_{role}"]
        place, row, column = np.indices(maps.shape).reshape(3, -1)
        facts = {name: shown[name][place] for name in ("image", "label", "predicted")}
        facts |= {"explained": shown[role][place], "probability": shown[f"probability_{role}"][place]}
        tables.append(pd.DataFrame({**facts, "row": row, "column": column, "heat": maps.ravel()}))
    return pd.concat(tables).drop_duplicates(["image", "explained", "row", "column"])


# Which classes it confuses


def confusion(insight):
    """Images by label (down) and prediction (across); the colour is the share of the label's images."""
    table, names = insight.table("confusion"), insight.names
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


def most_confused(table, pairs=PAIRS):
    """The rows of `confusion` off the diagonal with the most images; none where there are no mistakes."""
    wrong = table[(table["label"] != table["predicted"]) & (table["images"] > 0)]
    return wrong.sort_values("images", ascending=False, kind="stable")[:pairs]


def _name_and_count(axes, names, counts, share):
    centres = np.arange(len(names)) + 0.5
    upright = max(map(len, names)) * len(names) < 40
    axes.set_xticks(centres, names, **({} if upright else {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}))
    axes.set_yticks(centres, names)
    size = style.SMALL if counts.max() < 1000 and len(names) <= 12 else 5
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column + 0.5, row + 0.5, count, color=colour, ha="center", va="center", fontsize=size)


def _name_pairs(axes, names, pairs):
    axes.set_xticks([])
    axes.set_yticks([])
    said = [f"{names[pair.label]} taken for {names[pair.predicted]}: {pair.images}" for pair in pairs.itertuples()]
    axes.set_xlabel("predicted\n\n" + "\n".join(["most often confused (images):", *said] if said else ["no mistakes"]))
    axes.plot(pairs["predicted"] + 0.5, pairs["label"] + 0.5, "o", mfc="none", mec=style.COLOURS[0], markersize=6)


def class_accuracy(insight):
    """Accuracy of each class, the highest first, with Wilson's 95 % interval; of many classes, both extremes."""
    table = insight.table("per_class").dropna(subset="accuracy")
    table = table.sort_values(["accuracy", "images"], ascending=False, kind="stable")
    many = len(table) > NAMED
    shown = pd.concat([table[:EXTREMES], table[-EXTREMES:]]) if many else table
    names, mean = [insight.names[label] for label in shown["label"]], table["right"].sum() / table["images"].sum()
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
        axes.xaxis.set_major_formatter(style.percent)
    return figure, shown


# How it sees the classes


def tsne(insight):
    """The t-SNE of the last features: a point per image in its label's colour, a cross where it is classified wrong.

    The name of a class stands above most of its points, framed in their colour: where classes mingle, the place alone
    does not tell which class has which colour. Of more than `NAMED` classes, only those of the most confused pairs have
    a name and a colour.
    """
    table, names = insight.table("tsne"), insight.names
    labels = range(len(names))
    if len(names) > NAMED:
        labels = dict.fromkeys(most_confused(insight.table("confusion"))[["label", "predicted"]].to_numpy().ravel())
    with style.look():
        figure = style.figure(style.COLUMN, style.COLUMN * 0.9)
        axes = figure.subplots()
        axes.set(xticks=[], yticks=[], aspect="equal")
        axes.spines[:].set_visible(False)
        _points(axes, table[~table["label"].isin(labels)], style.ABSENT, "o")
        colours = dict(zip(labels, style.COLOURS, strict=False))
        for label, colour in colours.items():
            _points(axes, table[table["label"] == label], colour, "o")
        for label, (x, y) in _apart(table[table["label"].isin(labels)]).items():
            frame = {**FRAME, "edgecolor": colours[label]}
            axes.text(x, y, names[label], ha="center", va="center", fontsize=style.SMALL, bbox=frame)
        if not table["right"].all():
            cross = Line2D([], [], linestyle="", marker="x", color=style.MUTED, markersize=3, label="classified wrong")
            figure.legend(handles=[cross], loc="outside lower right")
    return figure, table


def _apart(table):
    """{label: (x, y)} of the names: above most of a label's points, higher where a name would overlap another."""
    extent = np.ptp(table[["x", "y"]].to_numpy(), axis=0).max() if len(table) else 0.0
    places = {}
    classes = table.groupby("label")
    tops = pd.DataFrame({"x": classes["x"].median(), "y": classes["y"].quantile(MOST)})
    for label, (x, y) in tops.sort_values("y").iterrows():
        near = [other for place, other in places.values() if abs(place - x) < WIDE * extent]
        places[label] = (x, max(place + HIGH * extent for place in [y, *near]))
    return places


def _points(axes, table, colour, marker):
    right, wrong = table[table["right"]], table[~table["right"]]
    axes.plot(right["x"], right["y"], marker, color=colour, markersize=2, markeredgewidth=0, alpha=0.8)
    axes.plot(wrong["x"], wrong["y"], "x", color=colour, markersize=3, markeredgewidth=0.7)


FIGURES = {figure.__name__: figure for figure in (filters, grad_cam, confusion, class_accuracy, tsne)}
