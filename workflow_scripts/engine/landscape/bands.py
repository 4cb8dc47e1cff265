"""The parts of a landscape study's figures: bands over the steps, the ends of runs that diverged, the legend."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator

from workflow_scripts.engine.figures import lettering, style

BAND, EXTREMES = 0.5, 0.15  # opacity of medians and extremes
FEW = 100  # ratio of largest to smallest value below which a logarithmic axis has more ticks than powers of ten
MOST = 0.99  # share of the windows that stay within the axes where a loss explodes
FAR = 3  # times the next lower value, of those above the median, is where an explosion begins
CURVES = ["low", "high", "lowest", "highest"]


def draw(axes, table, networks):
    """A band per network of a table from `runs.windows`; infinite values are drawn up to the top."""
    values = table[CURVES].to_numpy(dtype=float)
    finite = values[np.isfinite(values)]
    top = finite.max() if finite.size else 1.0
    for network in networks.itertuples():
        band = table[table["network"] == network.network]
        low, high, lowest, highest = (band[curve].clip(upper=top) for curve in CURVES)
        look = {"color": network.colour, "linewidth": 0}
        if (band["steps"] > 1).any():
            axes.fill_between(band["step"], lowest, highest, alpha=EXTREMES, **look)
        axes.fill_between(band["step"], low, high, alpha=BAND, **look)
        for edge in (low, high):
            axes.plot(band["step"], edge, color=network.colour, linewidth=0.6)
    axes.xaxis.set_major_locator(style.counts(5))
    axes.margins(x=0.02)


def mark_ends(axes, table, networks, ends):
    """A cross on the band where each run that diverged ends; `ends` are the `Landscape`'s rows for one protocol."""
    colours = networks.set_index("network")["colour"]
    for end in ends.itertuples():
        before = table[(table["network"] == end.network) & (table["step"] <= end.step)]
        if not before.empty:
            look = {"color": colours[end.network], "markersize": 5, "markeredgewidth": 1.2, "clip_on": False}
            axes.plot(end.step, before["high"].iloc[-1], "x", **look)


def cut(axes, values):
    """Cut the axes where values rise far above the lowest `MOST` of them, or `FAR` above all others, and say so."""
    finite = values[np.isfinite(values)]
    if finite.empty:
        return
    upper = np.sort(finite[finite >= finite.median()])
    before_gaps = upper[:-1][upper[1:] > FAR * upper[:-1]]
    most, peak = min([finite.quantile(MOST), *before_gaps[before_gaps > 0]]), finite.max()
    if peak > 1.5 * most:
        axes.set_ylim(max(axes.get_ylim()[0], -0.1 * most), 1.1 * most)  # the lower margin was scaled to the peak
        style.say_cut(axes, peak)


def logarithmic(axes):
    """Make the axis of the values logarithmic; it cannot show zeros, so bands end at the smallest positive value."""
    axes.set_yscale("log", nonpositive="mask")
    low, high = axes.get_ylim()
    style.powers_of_ten(axes.yaxis, 7)
    if high < FEW * low:  # there would be one power of ten or none
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(style.Short())


def legend(figure, networks, table, ends, columns=5):
    """The legend above the axes: the networks, what is a median over windows of steps, which runs diverged where."""
    handles = [Patch(color=network.colour, alpha=BAND, label=network.label) for network in networks.itertuples()]
    size = table["steps"].max() if len(table) else 1
    if size > 1:
        handles.append(Patch(color=style.MUTED, alpha=BAND, label=f"medians of {size} steps"))
        handles.append(Patch(color=style.MUTED, alpha=EXTREMES, label="their extremes"))
    for network in networks.itertuples():
        ended = ends[ends["network"] == network.network]
        if len(ended):
            runs = ", ".join(f"lr {end.lr:g} at step {end.step}" for end in ended.itertuples())
            look = {"color": network.colour, "marker": "x", "linestyle": "", "markersize": 5}
            handles.append(Line2D([], [], label=f"{network.label} diverged: {runs}", **look))
    lettering.legend(figure, handles, columns)
