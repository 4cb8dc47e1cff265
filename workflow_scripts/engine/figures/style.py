"""The look of every figure: drawn at its final size for a two-column page, vectors only, safe for colour-blind readers.

A block has the same colour in every figure (a user's own block: in every figure of a study), and anything that is not a
block has another. Figures with the same content have the same bytes.
"""

import itertools
import math

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, LogLocator, MaxNLocator, NullFormatter

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.tables.labels import BLOCK_LABELS, BRIEF_BLOCKS, blocks_in_order

COLUMN, PAGE = 3.25, 6.75  # widths in inches of a column and of the text of the page
SMALL = 7  # points: the smallest text in any figure
MUTED = "#8c8c8c"  # guides and remarks, which should not compete with data
ABSENT = "#d9d9d9"  # where there is no value to draw
NEAR = 0.1  # share of the distance between two numbers by which their rounding may change them
PALER = 0.5  # tint of a colour that is given out a second time
BAND = 0.2  # opacity of the range of a line
GUIDE = {"color": MUTED, "linestyle": ":", "linewidth": 0.8}  # the line of a value that others are compared with

# Okabe & Ito (2008), without the yellow, which is too light for a line on white; then two that are distinct from these;
# then those farthest from all before them (in CIELAB, as eyes with and without red or green cones see them).
COLOURS = (
    "#D55E00", "#56B4E9", "#009E73", "#0072B2", "#CC79A7", "#E69F00", "#000000", "#882255", "#999933",
    "#0000FF", "#221199", "#772200", "#7766FF", "#002266", "#22CC77", "#BB4444", "#6699FF", "#1155BB",
    "#662222", "#0022CC", "#550044",
)  # fmt: skip
BUILT_IN = dict(zip(BLOCK_LABELS, COLOURS, strict=False))  # those of the brief come first

LOOK = {
    "font.family": "STIXGeneral",  # comes with Matplotlib and matches the page's Times
    "mathtext.fontset": "stix",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelpad": 2,
    "axes.titlepad": 4,
    "lines.linewidth": 1.0,
    "lines.solid_capstyle": "round",
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "ytick.minor.width": 0.3,
    "ytick.minor.size": 1.2,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "pdf.fonttype": 42,  # TrueType: text stays text, and can be searched
    "svg.fonttype": "none",
    "svg.hashsalt": "gradscape",
}
UNDATED = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {}}  # metadata that would hold the time


def look():
    """The context in which figures must be made and saved: `with style.look(): ...`."""
    return matplotlib.rc_context(LOOK)


def figure(width, height):
    """An empty figure of this size in inches, laid out so that nothing is clipped; belongs to no window."""
    return Figure(figsize=(width, height), layout="constrained")


def colours(blocks):
    """{block: colour} of the blocks of a study.

    Those that come with the software have the same colour everywhere. A user's own have the clearest that are left, so
    that they depend on which other blocks the study has, and on nothing else.
    """
    found = [block for block in blocks_in_order(sorted(set(blocks))) if block in set(blocks)]
    known = {block: BUILT_IN[block] for block in found if block in BUILT_IN}
    left = [other for other in (*COLOURS[len(BRIEF_BLOCKS) :], *COLOURS) if other not in known.values()]
    paler = [tint(other, PALER) for other in COLOURS]  # of more blocks than there are colours
    others = itertools.cycle([*dict.fromkeys(left), *paler])
    return known | {block: next(others) for block in found if block not in known}


def literal(names):
    """Names in which no dollar sign begins a formula of Matplotlib's."""
    return [str(name).replace("$", r"\$") for name in names]


def colour(block, blocks=()):
    """The colour of a block in a study with these `blocks`."""
    return colours([block, *blocks])[block]


def colours_beside(taken=()):
    """Colours for non-blocks, the clearest first: none that a block of the brief has, and none that is `taken`."""
    taken = {*taken}
    return [other for other in COLOURS[len(BRIEF_BLOCKS) :] if other not in taken] or COLOURS[len(BRIEF_BLOCKS) :]


def band(axes, places, low, high, colour):
    """Fill between `low` and `high`, the range of a line in this colour."""
    axes.fill_between(places, low, high, color=colour, alpha=BAND, linewidth=0)


def tint(colour, share):
    """`colour` mixed with white: share 1 is the colour itself, 0 is white."""
    return tuple(1 - share * (1 - channel) for channel in to_rgb(colour))


def sequential():
    """The colour map for magnitudes and for time: its lightness rises evenly, but not to a yellow lost on white."""
    return ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0, 0.94, 256)))


def counts(most):
    """A locator of up to `most` intervals between round whole numbers, for epochs, steps and layers."""
    return MaxNLocator(most, integer=True, steps=(1, 2, 5, 10), min_n_ticks=1)  # else it labels parts of one epoch


def powers_of_ten(axis, most):
    """Give a logarithmic axis ticks at up to `most` powers of ten, and no other numbers."""
    axis.set_major_locator(LogLocator(numticks=most))
    axis.set_minor_formatter(NullFormatter())


class Percent(Formatter):
    """Fractions as percentages without their sign, for `set_major_formatter`; beside each other with the same decimals.

    >>> Percent().format_ticks([0.975, 0.98, 1.0]), Percent()(0.5)
    (['97.5', '98.0', '100.0'], '50')
    """

    def __call__(self, value, place=None):
        return f"{100 * value + 0:.4g}"  # + 0 turns -0 into 0

    def format_ticks(self, values):
        decimals = max((len(self(value).partition(".")[2]) for value in values), default=0)
        return [f"{round(100 * value, decimals) + 0:.{decimals}f}" for value in values]


def end_at_whole(axis):
    """End an axis of accuracies, when all is drawn, just above 100 %: what varies around them has room beyond."""
    low, high = axis.get_view_interval()
    whole = 1 + 0.02 * (1 - low)  # room for half a mark
    if high > whole:
        axis.axes.set(**{f"{axis.axis_name}lim": (low, whole)})


def short(number, digits=3):
    """A number in a few digits: 59716 as 59.7 k, 1020000 as 1.02 M."""
    for unit, size in ((" M", 1e6), (" k", 1e3)):
        if _rounded(number, digits) >= size:
            return f"{number / size:.{digits}g}{unit}"
    return f"{number:.{digits}g}"


def digits(numbers):
    """How many digits numbers beside each other need: three, or more where these do not tell how far apart they are."""
    apart = np.diff(np.unique(np.asarray(numbers, float)))
    most = NEAR * apart.min(initial=math.inf)
    enough = (few for few in range(3, 15) if all(abs(_rounded(number, few) - number) <= most for number in numbers))
    return next(enough, 15)


def _rounded(number, digits):
    return float(f"{number:.{digits}g}")


class Short(Formatter):
    """Ticks as `short` numbers with as many `digits` as they need, for `set_major_formatter`."""

    def __call__(self, value, place=None):
        return short(value)

    def format_ticks(self, values):
        most = digits(values)
        return [short(value, most) for value in values]


def say(axes, text):
    """Write into empty axes why they are empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, color=MUTED, ha="center", va="center")


def say_cut(axes, peak):
    """Write above the axes that values beyond them, up to `peak`, are not drawn."""
    axes.set_title(f"(peaks up to {peak:.3g} cut off)", color=MUTED, fontsize=SMALL)


def colour_bar(figure, axes, norm, label, extend="neither"):
    """A colour bar beside `axes` for a scale without an artist of its own; its `cmap` and `norm` give the colours."""
    bar = figure.colorbar(ScalarMappable(norm, sequential()), ax=axes, label=label, extend=extend, aspect=25, pad=0.02)
    bar.solids.set(rasterized=False, edgecolor="face")
    bar.outline.set_visible(False)
    return bar


def save(figure, path, table, beside=None):
    """Write a figure to `path`, and the data frame that it shows to the CSV file `beside` (default: `path` as .csv)."""
    with whole_files.written(path) as temporary, look():
        figure.savefig(temporary, metadata=UNDATED[path.suffix], dpi=300)
    whole_files.write_table(beside or path.with_suffix(".csv"), table)
