"""How the texts of a figure lie: what sticks out of it, which overlap, how much of it shows data."""

import itertools

from matplotlib.text import Text
from mpl_toolkits.mplot3d import Axes3D

from workflow_scripts.engine.figures import style

TOUCH = 0.5  # typographic points by which boxes may overlap: letters seldom fill theirs


def texts(figure):
    """[(text, its box)] of all texts that are drawn, as the figure is laid out now."""
    beyond = {id(label) for axes in figure.axes for axis in _axes_of(axes) for label in _not_drawn(axis)}
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    titles = [axes.title for axes in figure.axes]
    for axes in figure.axes:  # what is in space is at no place that its box knows of
        if isinstance(axes, Axes3D) or not axes.axison:
            beyond |= {id(text) for text in axes.findobj(Text) if text not in titles}
    return [(text.get_text(), text.get_window_extent()) for text in found if id(text) not in beyond]


def faults(figure):
    """What is wrong with the texts of a figure, a line for each fault; none of a figure that can be read."""
    with style.look():
        figure.draw_without_rendering()
        found, touch = texts(figure), TOUCH * figure.dpi / 72
    edge = figure.bbox.padded(touch)
    said = [
        f"sticks out: {text!r}"
        for text, box in found
        if not (edge.x0 <= box.x0 and box.x1 <= edge.x1 and edge.y0 <= box.y0 and box.y1 <= edge.y1)
    ]
    pairs = itertools.combinations([(text, box.padded(-touch)) for text, box in found], 2)
    return said + [f"overlap: {first!r}, {other!r}" for (first, one), (other, two) in pairs if one.overlaps(two)]


def data_share(figure):
    """The share of a figure that its axes cover, together with the gaps between them."""
    with style.look():
        figure.draw_without_rendering()
    boxes = [axes.bbox for axes in figure.axes]
    high = max(box.y1 for box in boxes) - min(box.y0 for box in boxes)
    wide = max(box.x1 for box in boxes) - min(box.x0 for box in boxes)
    return min(wide / figure.bbox.width, high / figure.bbox.height)


def _axes_of(axes):
    return axes.xaxis, axes.yaxis, *(part.xaxis for part in axes.child_axes)


def _not_drawn(axis):
    """The labels of ticks beyond the ends of an axis."""
    low, high = sorted(axis.get_view_interval())
    for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
        if not low <= tick.get_loc() <= high:
            yield from (tick.label1, tick.label2)
