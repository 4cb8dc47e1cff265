"""Loss surfaces around trained weights (Li et al. 2018) as figures: functions of surfaces that return (figure, table).

Losses are drawn on a logarithmic scale, the same for all networks of a figure; those that are not finite numbers have
the colour for absent values.
"""

import math
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.figures import curves, lettering, style
from workflow_scripts.engine.landscape import bands
from workflow_scripts.engine.tables import names, reading, summary

COLUMNS = ("kind", "alpha", "beta", "loss", "acc")
DECADES = 5  # decades that contours and heights show, from the lowest loss up
LEVELS = 4  # contours per decade
COARSE, FEWER = 21, 2  # up to this many points a side there are fewer contours, as they are straight between points
POINT = {"marker": ".", "linestyle": "", "color": "white", "markersize": 2, "markeredgewidth": 0}
ACROSS = 3  # most panels in a row across the page
BAR = 0.75  # inches for the colour bar
BESIDE = 0.4  # inches beside square axes, which their title leaves to ticks
SIDES = 50  # rows of faces in a 3-D view: more cannot be told apart at print size
AXES = {"xlabel": "along direction 1", "ylabel": "along direction 2"}


class Surface(NamedTuple):
    """A network's `table` with the columns `COLUMNS`, its readable label, and its colour."""

    label: str
    colour: tuple
    table: pd.DataFrame

    def plane(self):
        """(alphas (n,), betas (m,), losses (m, n)); a loss that is not finite and positive is NaN."""
        found = self.table[self.table["kind"] == "plane"]
        grid = found.pivot(index="beta", columns="alpha", values="loss")
        losses = grid.to_numpy(dtype=float)
        return grid.columns.to_numpy(), grid.index.to_numpy(), np.where(_drawable(losses), losses, np.nan)


def load(folder, paths):
    """The `Surface` of each CSV file in `paths`, which is named after its cell in the summary in `folder`.

    Raises UserError where a file, one of its columns or a cell is missing.
    """
    facts = summary.load(folder).cells
    tables = {path.stem: reading.table(path, "measure_surface", COLUMNS) for path in map(Path, paths)}
    unknown = [name for name in tables if name not in set(facts["cell"])]
    if unknown:
        raise UserError(f"{folder}: expected the cell {unknown[0]}, found only {', '.join(facts['cell'])}")
    rows = summary.over_seeds(facts[facts["cell"].isin(tables)]).explode("cells").reset_index(drop=True)
    rows["group"] = rows.index
    colours = curves.shades(rows, facts["block"])
    return [
        Surface(*named, tables[cell])
        for cell, *named in zip(rows["cells"], names.in_legend(rows), colours.values(), strict=True)
    ]


def lines(surfaces):
    """Loss and accuracy along one direction through the trained weights of all networks, a column wide."""
    with style.look():
        figure = style.figure(style.COLUMN, 1.7 + 0.13 * -(-len(surfaces) // 2))
        losses, accuracies = figure.subplots(1, 2)
        for surface in surfaces:
            line = surface.table[surface.table["kind"] == "line"].sort_values("alpha")
            known = line["loss"].where(_drawable(line["loss"]))
            losses.plot(line["alpha"], known, color=surface.colour, label=surface.label)
            accuracies.plot(line["alpha"], line["acc"], color=surface.colour)
        bands.logarithmic(losses)
        losses.set(xlabel="along direction 1", ylabel="training loss")
        accuracies.set(xlabel="along direction 1", ylabel="accuracy (%)", ylim=(0, 1.02))
        accuracies.yaxis.set_major_formatter(style.Percent())
        lettering.legend(figure, losses.lines, 2)
    return figure, _table(surfaces, "line")


def contours(surfaces):
    """The loss in the plane of two directions as filled contours, a panel for each network, with the same levels.

    Contours are straight between the points of the plane: where these are few, they are drawn too.
    """
    planes = [surface.plane() for surface in surfaces]
    norm, cut = _scale(planes)
    decades = math.log10(norm.vmax / norm.vmin)
    coarse = any(len(alphas) <= COARSE for alphas, _, _ in planes)
    per_decade = FEWER if coarse else LEVELS
    levels = np.geomspace(norm.vmin, norm.vmax, 1 + math.ceil(per_decade * max(1, decades)))
    extend = "max" if cut else "neither"
    with style.look():
        figure, grid = _panels(surfaces, 0.2, sharex=True, sharey=True)
        for axes, (alphas, betas, losses) in zip(grid.flat, planes, strict=False):
            axes.set_facecolor(style.ABSENT)
            shown = np.ma.masked_invalid(losses)
            filled = axes.contourf(alphas, betas, shown, levels, norm=norm, cmap=style.sequential(), extend=extend)
            filled.set_edgecolor("face")  # otherwise viewers show seams between neighbours
            axes.contour(alphas, betas, shown, levels, colors="white", linewidths=0.25)
            if coarse:
                axes.plot(*map(np.ravel, np.meshgrid(alphas, betas)), **POINT)
            axes.plot(0, 0, "+", color="white", markersize=5, markeredgewidth=0.8)
            axes.set(aspect="equal", **AXES)
            axes.set_xticks(*_ends(alphas))
            axes.set_yticks(*_ends(betas))
            axes.label_outer()
        _finish(figure, grid, planes, norm, extend, _marks(planes, coarse))
    return figure, _table(surfaces, "plane")


def view_3d(surfaces):
    """The same losses as heights: a 3-D view for each network, on the same scale."""
    planes = [surface.plane() for surface in surfaces]
    norm, cut = _scale(planes)
    with style.look(), matplotlib.rc_context({"grid.linewidth": 0.3}):
        figure, grid = _panels(surfaces, subplot_kw={"projection": "3d", "computed_zorder": False})
        for axes, (alphas, betas, losses) in zip(grid.flat, planes, strict=False):
            heights = np.log10(np.minimum(losses, norm.vmax))
            axes.plot_surface(
                *np.meshgrid(alphas, betas),
                heights,
                facecolors=style.sequential()(norm(np.ma.masked_invalid(10.0**heights))),
                rcount=SIDES,
                ccount=SIDES,
                linewidth=0.1,
                edgecolor=(1, 1, 1, 0.3),
                shade=False,
            )
            axes.set_zlim(np.log10([norm.vmin, norm.vmax]))
            losses, labels = _ticks(norm)
            axes.set_zticks(np.log10(losses), labels)
            axes.tick_params(pad=-3)
            axes.tick_params(axis="z", pad=0)
            top = np.log10(norm.vmax) + 0.15 * np.log10(norm.vmax / norm.vmin)  # beside the axis there is no room
            axes.text(alphas[-1], betas[-1], top, "loss", ha="center")
            for axis, places, label in zip((axes.xaxis, axes.yaxis), (alphas, betas), AXES.values(), strict=True):
                axis.set_ticks(*_ends(places))
                axis.set_label_text(label)
                axis.labelpad = -6
            axes.set_box_aspect(None, zoom=0.88)  # so that the labels stay in the figure
            axes.view_init(30, -60)
        _finish(figure, grid, planes, norm, "max" if cut else "neither")
    return figure, _table(surfaces, "plane")


FIGURES = {"surface_lines": lines, "surface_contours": contours, "surface_3d": view_3d}


def _panels(surfaces, beyond=0.1, **options):
    """(figure, grid of square axes), each under a surface's label in its colour; those left over are blank.

    The figure is `beyond` inches higher than the axes.
    """
    down = -(-len(surfaces) // ACROSS)
    across = -(-len(surfaces) // down)  # rows of equal length: four panels are two and two
    side = (style.PAGE - BAR) / ACROSS
    titles = [lettering.wrapped(surface.label, side - BESIDE) for surface in surfaces]
    figure = style.figure(across * side + BAR, down * (side + max(map(lettering.more_lines, titles))) + beyond)
    grid = figure.subplots(down, across, squeeze=False, **options)
    for axes, surface, title in zip(grid.flat, surfaces, titles, strict=False):
        axes.set_title(title, color=surface.colour, **lettering.CLOSE)
    for axes in grid.flat[len(surfaces) :]:
        axes.set_axis_off()
    return figure, grid


def _ends(places):
    """(ticks, labels) for an axis of the plane: its ends and the trained weights."""
    ends = [places[0], 0, places[-1]]
    return ends, [f"{end:g}".replace("-", "−") for end in ends]


def _marks(planes, coarse):
    """Handles for a legend: the trained weights, and how many points were measured (and drawn, where `coarse`)."""
    sizes = dict.fromkeys(f"{len(alphas)} × {len(betas)}" for alphas, betas, _ in planes)
    said = f"{' and '.join(sizes)} points at which the loss was measured"
    trained = Line2D([], [], marker="+", color="black", linestyle="", markersize=5, label="trained weights")
    return [trained, Line2D([], [], **{**POINT, "color": "black", "alpha": float(coarse)}, label=said)]


def _finish(figure, grid, planes, norm, extend, marks=()):
    """Add the colour bar and a legend: of `marks`, and of the colour for absent values where it occurs."""
    bar = style.colour_bar(figure, grid, norm, "training loss", extend=extend)
    losses, labels = _ticks(norm)
    bar.set_ticks(losses, labels=labels)
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    marks = [*marks]
    if any(np.isnan(losses).any() for _, _, losses in planes):
        marks.append(Patch(facecolor=style.ABSENT, label="not a finite number"))
    if marks:
        look = {"borderpad": 0, "borderaxespad": 0.2, "columnspacing": 1.2, "handlelength": 1}
        lettering.legend(figure, marks, len(marks), loc="outside lower left", **look)


def _scale(planes):
    """(the colour norm for all losses, whether some lie above it); it ends at most `DECADES` above the lowest."""
    losses = np.concatenate([losses[np.isfinite(losses)] for _, _, losses in planes])
    if not losses.size:
        return LogNorm(0.1, 10), False
    lowest, highest = losses.min(), losses.max()
    top = min(highest, lowest * 10.0**DECADES)
    return LogNorm(lowest, max(top, 1.01 * lowest)), highest > top


def _ticks(norm):
    """(losses, labels) of the ticks: powers of ten, or 1, 2 and 5 times these where they alone would be too few.

    Where even these are fewer than two, the ends of the norm.
    """
    few = norm.vmax < bands.FEW * norm.vmin
    found = LogLocator(subs=(1, 2, 5) if few else (1,), numticks=9).tick_values(norm.vmin, norm.vmax)
    losses = [loss for loss in found if norm.vmin <= loss <= norm.vmax]
    losses = losses if len(losses) > 1 else [norm.vmin, norm.vmax]
    digits = style.digits(losses)
    return losses, [style.short(loss, digits) if few else f"$10^{{{math.log10(loss):.0f}}}$" for loss in losses]


def _drawable(losses):
    return np.isfinite(losses) & (losses > 0)


def _table(surfaces, kind):
    tables = [surface.table.assign(network=surface.label) for surface in surfaces]
    found = pd.concat(tables)
    return found.loc[found["kind"] == kind, ["network", *COLUMNS[1:]]]
