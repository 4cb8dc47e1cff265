"""The figures of a landscape study: functions of the summary's folder and the study that return (figure, table).

Bands reach from the least to the largest value at a step, over learning rates or step sizes. Where there are more
steps than a page can show, they are medians over windows of steps, within a paler band of the windows' extremes, and
the legend says so. Of several seeds, the lowest is shown.
"""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator

from workflow_scripts.engine.figures import curves, lettering, style
from workflow_scripts.engine.landscape import bands, runs
from workflow_scripts.engine.landscape.protocols import quantiles, reach
from workflow_scripts.engine.landscape.runs import GRADIENTS, PROTOCOLS, QUANTITIES, windows
from workflow_scripts.engine.tables import names, summary

METRICS = {  # panels of the curves
    "train_loss": "training loss",
    "val_loss": "validation loss",
    "train_acc": "training accuracy (%)",
    "val_acc": "validation accuracy (%)",
}
ACROSS = 4  # legend entries in a row across the page
PALEST = 0.6  # tint of the lowest rate
DASHES = (  # of the rates, the highest first
    "-", (0, (5, 1.2)), (0, (2.5, 1, 1, 1)), (0, (1, 1)),
    (0, (5, 1, 1, 1, 1, 1)), (0, (8, 3)), (0, (1, 3)), (0, (6, 1, 3, 1)),
)  # fmt: skip
NOTHING = "no probed steps"
DOT = {"marker": "o", "linestyle": "", "markersize": 3.5}
SEPARATE = 20  # steps up to which each has its own marks: a line alone would seem to know more
PROBE = {"marker": "o", "linestyle": "", "markersize": 2.2}
TICK = {"marker": "|", "linestyle": "", "markersize": 6}
BAR = {"linewidth": 2.5, "alpha": bands.BAND}


def landscape_curves(folder, study):
    """Loss and accuracy per epoch of the networks at all rates, a page wide: the lower the rate, the paler the line.

    Each rate has its own line style, too. Losses have one axis on training and validation images, and so have
    accuracies.
    """
    found = summary.load(folder)
    rows = summary.over_seeds(runs.rows_of(found.cells, study, "rates"))
    table = curves.learning_curves(found, rows)
    looks = _looks(rows, found.cells["block"])
    with style.look():
        figure = style.figure(style.PAGE, 1.9 + 0.13 * -(-len(rows) // ACROSS))
        for axes, (metric, label) in zip(figure.subplots(1, len(METRICS)), METRICS.items(), strict=True):
            for (group, diverged), line in table.groupby(["group", "diverged"], sort=False, dropna=False):
                curves.draw_line(axes, line, metric, *looks[group], not pd.isna(diverged))
            axes.set(xlabel="epoch", ylabel=label)
            axes.xaxis.set_major_locator(style.counts(4))
        *losses, _, accuracies = figure.axes
        for first, second in zip(figure.axes[::2], figure.axes[1::2], strict=True):
            second.sharey(first)
            second.tick_params(labelleft=False)
            second.autoscale_view()
        for axes in losses:
            bands.cut(axes, table[["train_loss", "val_loss"]].stack())
        accuracies.yaxis.set_major_formatter(style.Percent())
        style.end_at_whole(accuracies.yaxis)
        handles = [
            Line2D([], [], color=looks[group][0], linestyle=looks[group][1], label=name)
            for group, name in zip(rows["group"], names.in_legend(rows), strict=True)
        ]
        lettering.legend(figure, handles, ACROSS, handlelength=2.4)
    return figure, table


def _looks(rows, blocks):
    """{group: (colour, line style)}: the colour of the block, paler for lower rates, and the line style of the rate.

    `blocks` are those of the whole study.
    """
    rates = sorted(rows["lr"].unique(), reverse=True)
    shares = dict(zip(rates, np.linspace(1, PALEST, len(rates)), strict=True))
    dashes = dict(zip(rates, itertools.cycle(DASHES), strict=False))
    of_block = style.colours(blocks)
    return {row.group: (style.tint(of_block[row.block], shares[row.lr]), dashes[row.lr]) for row in rows.itertuples()}


def coloured(landscape):
    """The same `Landscape`, with the column `colour` in its networks."""
    networks = landscape.networks.assign(group=landscape.networks["network"])
    colours = networks["group"].map(curves.shades(networks, landscape.blocks))
    return replace(landscape, networks=networks.assign(colour=colours))


def _shown(folder, study):
    """The `Landscape` that most figures show: of the lowest seed."""
    return coloured(runs.load(folder, study, first_seed=True))


def loss_envelope(folder, study):
    """The training loss between its min_curve and max_curve over the rates, and the distance between the two."""
    landscape = _shown(folder, study)
    envelope = runs.loss_envelope(landscape.steps)
    apart = runs.width(envelope)
    widths = envelope.assign(min_curve=apart, max_curve=apart).dropna(subset="max_curve")
    tables = {"loss": windows(envelope), "range": windows(widths)}
    with style.look():
        figure = style.figure(style.PAGE, 2.2)
        for axes, table in zip(figure.subplots(1, 2), tables.values(), strict=True):
            _bands(axes, table, landscape, "rates")
            axes.set_xlabel("step")
        losses, ranges = figure.axes
        bands.cut(losses, tables["loss"]["high"])
        bands.logarithmic(ranges)
        losses.set_ylabel("training loss over the rates")
        ranges.set_ylabel("max_curve − min_curve")
        _say_zeros(ranges, tables["range"])
        _legend(figure, tables["loss"], landscape, "rates")
    return figure, _panels(tables, landscape)


def _say_zeros(axes, table):
    """Write above logarithmic axes at which steps a value is 0, which they cannot show."""
    steps = table.loc[(table[["low", "high"]] <= 0).any(axis=1), "step"].unique()
    if len(steps):
        where = f"step {steps[0]}" if len(steps) == 1 else f"{len(steps)} steps"
        axes.set_title(f"(not drawn: 0 at {where})", fontsize=style.SMALL)


def gradient_predictiveness(folder, study):
    """`VGG_Grad_Pred` of the smallest lag over the steps; for every lag, quantiles of the largest over the rates."""
    landscape = _shown(folder, study)
    lags = sorted(study.landscape.lags)
    envelopes = {lag: runs.VGG_Grad_Pred(landscape.lags, lag) for lag in lags}
    table = windows(envelopes[lags[0]])
    largest = [
        envelope.assign(quantity=lag, protocol="rates", value=envelope["max_curve"])
        for lag, envelope in envelopes.items()
    ]
    spread = quantiles(pd.concat(largest)).rename(columns={"quantity": "lag"}).drop(columns="protocol")
    with style.look():
        figure = style.figure(style.PAGE, 2.2)
        over_steps, over_lags = figure.subplots(1, 2, width_ratios=(2, 1), sharey=True)
        _bands(over_steps, table, landscape, "rates")
        over_steps.set(xlabel="step $i$", ylabel=r"$\|g_i - g_{i-k}\|_2$, last layer")
        over_steps.set_title(f"$k = {lags[0]}$: from the least to the largest over the rates", fontsize=style.SMALL)
        for network in landscape.networks.itertuples():
            line = spread[spread["network"] == network.network]
            where = np.searchsorted(lags, line["lag"]) + 0.2 * (network.network - (len(landscape.networks) - 1) / 2)
            over_lags.vlines(where, line["low"], line["high"], color=network.colour, **BAR)
            over_lags.plot(where, line["median"], color=network.colour, **DOT)
        over_lags.set_xticks(range(len(lags)), lags)
        over_lags.set_xlabel("lag $k$")
        said = lettering.wrapped(f"the largest over the rates: median and {reach(spread)}", style.PAGE / 3)
        over_lags.set_title(said, fontsize=style.SMALL, **lettering.CLOSE)
        bands.logarithmic(over_steps)
        _legend(figure, table, landscape, "rates")
    return figure, pd.concat([_panels({"steps": table}, landscape), _labelled(spread, landscape).assign(panel="lags")])


def beta_smoothness(folder, study):
    """`VGG_Beta_Smooth` over the steps: the largest gradient distance over the distance moved, over all lags."""
    landscape = _shown(folder, study)
    table = windows(runs.VGG_Beta_Smooth(landscape.lags))
    with style.look():
        figure = style.figure(style.COLUMN, 2.2)
        axes = figure.subplots()
        _bands(axes, table, landscape, "rates")
        axes.set(xlabel="step", ylabel="gradient dist. / distance moved")
        bands.logarithmic(axes)
        _legend(figure, table, landscape, "rates", columns=2)
    return figure, _panels({"beta": table}, landscape)


# panel: (column of `walks`, label of its axis)
WALK = {
    "walk_loss": ("loss", "loss along the gradient"),
    "walk_gradient": ("gradient_distance", "gradient distance"),
    "walk_beta": ("beta", "effective β"),
}


def walks(folder, study):
    """Figures 4 (a) to (c) of Santurkar et al. 2018: loss, gradient distance and effective beta along the gradient.

    Marks are the probed steps, where they are few.
    """
    landscape = _shown(folder, study)
    tables = {}
    for panel, (column, _) in WALK.items():
        envelope = runs.along_gradient(landscape.walks, column)
        if panel == "walk_beta":  # only the largest quotient is the effective beta
            envelope["min_curve"] = envelope["max_curve"]
        tables[panel] = windows(envelope)
    with style.look():
        figure = style.figure(style.PAGE, 2.1)
        for axes, (panel, (_, label)) in zip(figure.subplots(1, len(WALK)), WALK.items(), strict=True):
            if tables[panel].empty:
                axes.set_axis_off()
                style.say(axes, NOTHING)
                continue
            _bands(axes, tables[panel], landscape, "walk")
            _logarithmic(axes)
            axes.set(xlabel="step", ylabel=label)
        _legend(figure, tables["walk_loss"], landscape, "walk")
    return figure, _panels(tables, landscape)


def covariate_shift(folder, study):
    """How far the update of the earlier layers moves a layer's gradient: l2 distance and cosine, for three layers."""
    landscape = _shown(folder, study)
    found = landscape.shifts[landscape.shifts["depth"] > 0]  # no layer precedes the first to move its gradient
    depths = np.unique(np.quantile(found["depth"].unique(), (0, 0.5, 1), method="nearest")) if len(found) else [0]
    layers = landscape.shifts["depth"].nunique()
    tables = {}
    with style.look():
        figure = style.figure(style.PAGE, 3.0)
        grid = figure.subplots(2, len(depths), sharex=True, sharey="row", squeeze=False)
        for row, column in zip(grid, ("l2", "cosine"), strict=True):
            for axes, depth in zip(row, depths, strict=True):
                layer = found[found["depth"] == depth]
                curve = layer.assign(min_curve=layer[column], max_curve=layer[column]).dropna(subset="min_curve")
                tables[f"{column} {depth}"] = table = windows(curve)
                if table.empty:
                    axes.set_axis_off()
                    style.say(axes, NOTHING)
                    continue
                _bands(axes, table, landscape, "walk")
        for axes, depth in zip(grid[0], depths, strict=True):
            axes.set_title(f"layer {depth + 1} of {layers}")
        bands.logarithmic(grid[0, 0])
        grid[0, 0].set_ylabel(r"$\ell_2$ distance")
        grid[1, 0].set(ylabel="cosine", ylim=(-1.05, 1.05))
        for axes in grid[1]:
            axes.axhline(0, color=style.ABSENT, linewidth=0.5, zorder=0)
            axes.set_xlabel("step")
        _legend(figure, table, landscape, "walk")
    return figure, _panels(tables, landscape)


def protocols(folder, study):
    """Both protocols side by side: median, 5 to 95 % range and maximum of each quantity over the steps."""
    landscape = coloured(runs.load(folder, study))
    table, networks = quantiles(runs.per_step(landscape)), landscape.networks
    rows = len(networks) + 1  # per protocol, one of them empty
    with style.look():
        figure = style.figure(style.PAGE, 0.75 + 0.16 * rows * len(PROTOCOLS))
        for axes, (quantity, title) in zip(
            figure.subplots(1, len(QUANTITIES), sharey=True), QUANTITIES.items(), strict=True
        ):
            for row in table[table["quantity"] == quantity].itertuples():
                place = rows * list(PROTOCOLS).index(row.protocol) + row.network
                colour = networks["colour"][row.network]
                axes.hlines(place, row.low, row.high, color=colour, **BAR)
                axes.plot(row.median, place, color=colour, **DOT)
                axes.plot(row.maximum, place, color=colour, **TICK)
            axes.set(title=title, xscale="log")
            axes.tick_params(axis="y", length=0)
            style.powers_of_ten(axes.xaxis, 6)
        figure.axes[0].set_ylim(rows * len(PROTOCOLS) - 1.4, -0.6)
        middles = [rows * place + (len(networks) - 1) / 2 for place in range(len(PROTOCOLS))]
        figure.axes[0].set_yticks(middles, [f"{name},\n{GRADIENTS[key]}" for key, name in PROTOCOLS.items()])
        handles = [
            Patch(color=network.colour, alpha=BAR["alpha"], label=network.label) for network in networks.itertuples()
        ]
        for label, look in {"median": DOT, reach(table): BAR, "maximum": TICK}.items():
            handles.append(Line2D([], [], color=style.MUTED, label=label, **look))
        lettering.legend(figure, handles, len(handles))
    return figure, _labelled(table, landscape)


def _bands(axes, table, landscape, protocol):
    bands.draw(axes, table, landscape.networks)
    for network in landscape.networks.itertuples():
        band = table[table["network"] == network.network]
        if len(band) <= SEPARATE:
            axes.plot(band["step"], band[["low", "high"]], color=network.colour, **PROBE)
    bands.mark_ends(axes, table, landscape.networks, _ends(landscape, protocol))


def _logarithmic(axes):
    """As `bands.logarithmic`, but within a single power of ten with more labels than at 1, 2 and 5 times it."""
    bands.logarithmic(axes)
    low, high = axes.get_ylim()
    if high < 10 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))


def _legend(figure, table, landscape, protocol, columns=5):
    bands.legend(figure, landscape.networks, table, _ends(landscape, protocol), columns)


def _ends(landscape, protocol):
    return landscape.ends[landscape.ends["protocol"] == protocol]


def _panels(tables, landscape):
    """What the panels of a figure show, as one table."""
    return pd.concat(_labelled(table, landscape).assign(panel=panel) for panel, table in tables.items())


def _labelled(table, landscape):
    return table.assign(network=table["network"].map(landscape.networks["label"]))


FIGURES = {
    figure.__name__: figure
    for figure in (
        landscape_curves, loss_envelope, gradient_predictiveness, beta_smoothness, walks, covariate_shift, protocols,
    )
}  # fmt: skip
