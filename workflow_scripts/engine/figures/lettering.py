"""Names in figures: how wide they are, where they may be broken, and which of them fit beside each other.

A user may call blocks, networks and factors what they like, also with long names that have no spaces.
"""

import functools
import itertools
import re
from typing import NamedTuple

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from workflow_scripts.engine.figures import style

# where a name that is too wide for a line is broken: of these, the first that suffices
SEAMS = (r"(?<=; )", r"(?<=, )", r"(?<= )", r"(?<=[+_,-])(?=.)", r"(?<=.)(?=.)")
LARGE = style.LOOK["font.size"]  # of titles; ticks and legends are `style.SMALL`
MOST = 8  # lines of a name
HANDLE = style.LOOK["legend.handlelength"]
FRAME = 0.1  # inches around a legend, both sides together
LINE = 0.12  # inches from a line of a name to the next
CLOSE = {"linespacing": 1.05}  # keyword of a text: the lines of a name stay together


class Fit(NamedTuple):
    """A legend that fits: its `labels`, on several lines where they must be, in this many `columns`, `lines` high."""

    labels: list
    columns: int
    lines: int


@functools.cache
def width_of(text, size=LARGE):
    """How wide the widest line of a text is, in inches."""
    font = FontProperties(family=style.LOOK["font.family"], size=size)
    lines = (text_to_path.get_text_width_height_descent(line, font, False) for line in text.split("\n"))
    return max(wide for wide, _, _ in lines) / 72


def wrapped(name, width, size=LARGE, most=MOST):
    """A name on up to `most` lines no wider than `width` inches, in letters of this size (typographic points).

    What a semicolon, a comma or a space divides is kept whole where it fits into a line. Of a name that is still too
    long the middle is left out: the ends are what tells it from others.

    >>> wrapped("Muon, lr 0.01, wd 0.05", 1)
    'Muon, lr 0.01,\\nwd 0.05'
    >>> wrapped("LAYERSCALE+RC+50%+OFF, lr 0.01", 1)
    'LAYERSCALE+\\nRC+50%+OFF,\\nlr 0.01'
    """
    fitting = int(most * width / width_of("i", size))  # of more letters than these some are left out anyway
    tried = range(min(len(name) - 2, fitting), 1, -1)
    shorter = (f"{name[: -(-kept // 2)]}…{name[len(name) - kept // 2 :]}" for kept in tried)
    found = (_lines(text, width, size, SEAMS) for text in itertools.chain([name], shorter))
    lines = next((lines for lines in found if len(lines) <= most), ["…"])
    return "\n".join(line.rstrip() for line in lines)


def _lines(text, width, size, seams):
    """The text in pieces that fit, joined as far as they do; it is broken at the first of the `seams` if it must be."""
    if width_of(text.rstrip(), size) <= width or not seams:
        return [text]
    lines = [""]
    for part in re.split(seams[0], text):
        first, *others = _lines(part, width, size, seams[1:])
        if width_of((lines[-1] + first).rstrip(), size) <= width and not others:
            lines[-1] += first
        else:
            lines += [first, *others]
    return [line for line in lines if line]


def more_lines(name):
    """The height in inches of the lines of a name after the first."""
    return LINE * name.count("\n")


def fitted(labels, width, most, spacing=1.2, handle=HANDLE):
    """The `Fit` of a legend's labels into `width` inches, with up to `most` columns.

    `spacing` and `handle` are the legend's `columnspacing` and `handlelength`, in sizes of its font.
    """
    size = style.SMALL
    beside = (handle + 0.8) * size / 72  # the handle of a label, and Matplotlib's room between the two
    room = width - FRAME
    labels = [wrapped(label, room - beside, size) for label in labels]

    def wide(columns):
        texts = sum(max(width_of(label, size) for label in column) for column in columns)
        return texts + len(columns) * beside + (len(columns) - 1) * spacing * size / 72

    splits = (np.array_split(labels, count) for count in range(min(most, len(labels)), 1, -1))  # as Matplotlib does
    columns = next((columns for columns in splits if wide(columns) <= room), [labels])
    return Fit(labels, len(columns), max(sum(label.count("\n") + 1 for label in column) for column in columns))


def legend(figure, handles, most, **look):
    """A legend of `handles` above the axes of a figure, with up to `most` columns: fewer where labels are long.

    The figure grows by the lines that this takes, so that the axes do not shrink. `look`: keywords of `Figure.legend`.
    """
    look = {"loc": "outside upper center", "columnspacing": 1.2, "handlelength": HANDLE, **look}
    labels = [handle.get_label() for handle in handles]
    fit = fitted(labels, figure.get_figwidth(), most, look["columnspacing"], look["handlelength"])
    figure.set_figheight(figure.get_figheight() + LINE * (fit.lines - -(-len(handles) // most)))
    return close(figure.legend(handles, fit.labels, ncols=fit.columns, **look))


def close(legend):
    """The legend, in which the lines of a label stay together."""
    for text in legend.texts:
        text.set(**CLOSE)
    return legend


def thin(figure, *groups):
    """Of each group of visible texts, hide those that overlap one before them, as the figure is laid out now.

    Laying it out takes about as long as saving it, so all groups of a figure should be given at once.
    """
    figure.draw_without_rendering()
    point = figure.dpi / 72
    for labels in groups:
        kept = []
        for label in labels:
            box = label.get_window_extent().padded(point, -point / 2)  # letters seldom fill the height
            if any(map(box.overlaps, kept)):
                label.set_visible(False)
            if label.get_visible() and label.get_text():
                kept.append(box)
