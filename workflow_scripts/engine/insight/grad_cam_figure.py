"""Where a network looks: images under the heat maps of Grad-CAM, as a figure and as a table of what it shows."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgb

from workflow_scripts.engine.figures import lettering, style

GREYS = "Greys_r"
FRAME = {"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.9, "linewidth": 0.8}  # of words on a picture
OPAQUE = 0.8  # opacity of a heat map at its hottest place
EACH = 8  # images across the page
ROLES = {"predicted": "predicted", "label": "true class"}  # classes whose heat maps are drawn
NOTHING = "nothing\nspeaks for it"


def grad_cam(insight):
    """Images classified right and wrong, and each again under the heat map of the predicted class; the wrong ones also
    under that of the true class."""
    shown = insight.arrays("grad_cam")
    right = shown["label"] == shown["predicted"]
    rows = _rows_of_tiles(np.flatnonzero(right), np.flatnonzero(~right))
    across = 1 + max(tile.column for row in rows for tile in row)
    with style.look():
        side = (style.PAGE - 1.0) / max(across, EACH)
        height = 0.1 + sum(0.16 + side + max(lettering.more_lines(tile.above + " ") for tile in row) for row in rows)
        figure = style.figure(style.PAGE, height)
        figure.get_layout_engine().set(h_pad=0.01, w_pad=0.02, hspace=0.01)
        grid = figure.subplots(len(rows), across, squeeze=False)
        for axes in grid.flat:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        for line, row in zip(grid, rows, strict=True):
            for tile in row:
                _tile(line[tile.column], shown, tile, style.literal(insight.names))
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
