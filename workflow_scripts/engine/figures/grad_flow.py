"""Gradient flow: the mean |gradient| of each layer's weights, from the input to the output, on a logarithmic axis.

`plot_grad_flows` draws it during training, as the brief asks; `draw_epochs` draws what was recorded in every epoch,
and `draw_heatmap` the same as layers x epochs for several networks side by side.
"""

import re
from itertools import groupby

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from workflow_scripts.engine.figures import lettering, style
from workflow_scripts.engine.tables import main_path

QUANTITY = "mean |gradient|"
ACROSS = 4  # panels of the heat map in a row across the page
DECADES = 20  # most that a scale of gradients spans: float32 resolves far fewer
NAMED = 0.7  # inches for the name of a section
NOTHING = "no epoch with\nfinite gradients"
HOLLOW = {"linestyle": "", "marker": "o", "markersize": 2, "markerfacecolor": "white"}  # a layer off the main path


def plot_grad_flows(named_parameters):
    """The gradient flow of a model, as a `matplotlib.figure.Figure`: call it after `loss.backward()`.

    `named_parameters` is what `model.named_parameters()` returns. The figure shows the mean absolute gradient of each
    convolution's or linear layer's weight (no biases, no normalisation scales) against the depth of the layer.
    Raises ValueError if there is no such weight, or if one has no gradient.

    >>> loss.backward()  # doctest: +SKIP
    >>> plot_grad_flows(model.named_parameters()).savefig("flow.pdf")  # doctest: +SKIP
    """
    from workflow_scripts.engine.training.gradients import weight_layers  # PyTorch, which other figures do not need

    layers = weight_layers(named_parameters)
    for layer, weight in layers:
        if weight.grad is None:
            raise ValueError(f"expected a gradient in every weight, {layer} has none: call loss.backward() first")
    means = np.array([weight.grad.double().abs().mean().item() for _, weight in layers])
    return draw_flow([layer for layer, _ in layers], means)


def draw_flow(layers, means, title=""):
    """The gradient flow at one moment: the array `means` against the depth of its `layers`, a column wide."""
    with style.look():
        figure = style.figure(style.COLUMN, 1.9)
        axes = _flow_axes(figure, layers, means)
        draw_layers(
            axes, range(len(layers)), _positive(means), layers, color=style.COLOURS[0], marker="o", markersize=2
        )
        axes.set_title(title)
        name_sections([axes], layers)
    return figure


def draw_epochs(table, title):
    """The figure of a table from `summary.gradients_of`, a column wide: a thin line per epoch.

    The first and the last epoch have a band from the least to the largest over the seeds; bands for all epochs would
    hide the lines.
    """
    means = table.pivot(index="depth", columns="epoch", values="mean_abs")
    with style.look():
        title = lettering.wrapped(title, style.COLUMN)
        figure = style.figure(style.COLUMN, 1.9 + lettering.more_lines(title))
        if table.empty:
            style.say(figure.add_subplot(title=title), NOTHING)
            return figure
        layers = _layers(table)
        axes = _flow_axes(figure, layers, means.to_numpy())
        first, last = means.columns.min(), means.columns.max()
        bar = style.colour_bar(figure, axes, Normalize(first, max(last, first + 1)), "epoch")
        bar.locator = style.counts(5)
        for epoch in means:
            look = {"color": bar.cmap(bar.norm(epoch)), "linewidth": 0.6}
            draw_layers(axes, means.index, _positive(means[epoch].to_numpy()), layers, **look)
        ends = table[table["epoch"].isin((first, last))].sort_values("depth")
        for epoch, rows in ends[~main_path.aside(ends["layer"])].groupby("epoch"):
            style.band(axes, rows["depth"], rows["mean_abs_min"], rows["mean_abs_max"], bar.cmap(bar.norm(epoch)))
        axes.set_ylim(decades(np.append(means, ends[["mean_abs_min", "mean_abs_max"]])))
        axes.set_title(title, **lettering.CLOSE)
        name_sections([axes], layers)
    return figure


def draw_heatmap(tables, titles, colours):
    """The figure, a page wide, of tables as in `draw_epochs`: a panel each, titled in its colour, all on one scale.

    Only layers on the main path are shown. Where all panels have the same sections, a height means the same layer in
    each and the sections are named once; networks of different depths have their own heights and names.
    The scale ends `DECADES` below the largest value; smaller values have its last colour, and its arrow says so.
    """
    tables = [table[~main_path.aside(table["layer"])] for table in tables]
    values = np.concatenate([table["mean_abs"] for table in tables])
    norm = LogNorm(*limits(values))
    across, down = min(ACROSS, len(tables)), -(-len(tables) // ACROSS)
    with style.look():
        titles = [lettering.wrapped(title, style.PAGE / (across + 1)) for title in titles]  # the scale takes room too
        figure = style.figure(style.PAGE, 0.35 + (1.65 + max(map(lettering.more_lines, titles))) * down)
        same = len({tuple(sections(_layers(table))) for table in tables if not table.empty}) <= 1
        grid = figure.subplots(down, across, sharex=True, sharey=same, squeeze=False)
        for axes in grid.flat[len(tables) :]:
            axes.set_axis_off()
        for axes, table, title, colour in zip(grid.flat, tables, titles, colours, strict=False):
            _heatmap(axes, table, norm)
            axes.set_title(title, color=colour, **lettering.CLOSE)
        grid[0, 0].xaxis.set_major_locator(style.counts(5))
        for axes in grid[-1]:
            axes.set_xlabel("epoch")
        style.colour_bar(figure, grid, norm, QUANTITY, extend="min" if norm.vmin > decades(values)[0] else "neither")
        if (values == 0).any():
            zero = Patch(facecolor=style.ABSENT, label="exactly zero")
            figure.legend(handles=[zero], loc="lower right", borderpad=0, borderaxespad=0.2)
        panels = zip(grid.flat, tables, strict=False)
        names = [_largest_first(sections(_layers(table)), axes.get_yticklabels()) for axes, table in panels]
        lettering.thin(figure, *names)
    return figure


def draw_layers(axes, places, values, layers, **look):
    """Draw the array `values` of `layers` at their `places`: joined on the main path, hollow marks off it.

    `look`: keywords of `Axes.plot`.
    """
    beside, places, values = main_path.aside(layers), np.asarray(places), np.asarray(values)
    axes.plot(places[~beside], values[~beside], **look)
    if beside.any():
        axes.plot(places[beside], values[beside], **{**look, **HOLLOW})


def sections(layers):
    """[(name, first depth, last depth)] of the parts of a network, as far as its layers' names reveal them.

    >>> sections(["entry.conv", "stages.0.blocks.0.conv0", "stages.0.reduction.conv0", "classifier"])
    [('entry', 0, 0), ('stage 1', 1, 2), ('classifier', 3, 3)]
    """
    parts = []
    for name, items in groupby(enumerate(layers), key=lambda item: _section(item[1])):
        depths = [depth for depth, _ in items]
        parts.append((name, depths[0], depths[-1]))
    return parts


def name_sections(panels, layers):
    """Name the `sections` above the first of the panels, which share their depths; in all, lines separate them.

    To be called when all else is in the figure: of names that do not fit beside each other, those of smaller sections
    are left out.
    """
    parts = sections(layers)
    names = panels[0].secondary_xaxis("top")
    # a single first layer's name starts at its left edge: it is wider than the layer, and would run into the other axis
    places = [-0.5 if first == last == 0 else (first + last) / 2 for _, first, last in parts]
    names.set_xticks(places, [_fitting(name) for name, _, _ in parts])
    names.tick_params(length=0, pad=2)
    for place, label in zip(places, names.get_xticklabels(), strict=True):
        label.set_horizontalalignment("left" if place < 0 else "center")
    names.spines["top"].set_visible(False)
    for axes in panels:
        for _, first, _ in parts[1:]:
            axes.axvline(first - 0.5, color=style.ABSENT, linewidth=0.5, zorder=0)
    lettering.thin(names.figure, _largest_first(parts, names.get_xticklabels()))


def _fitting(section):
    return lettering.wrapped(section, NAMED, style.SMALL, most=1)


def _largest_first(parts, labels):
    """The `labels` of the `sections`, those of many layers first; none where a panel beside has the labels."""
    found = zip(parts, labels, strict=False)
    return [label for _, label in sorted(found, key=lambda pair: pair[0][1] - pair[0][2])]


def mark_zeros(axes, depths):
    """Mark layers of exactly zero, which a logarithmic axis cannot show, at its bottom, and say what the mark means."""
    if len(depths):
        look = {"color": style.MUTED, "marker": "v", "markersize": 3, "linestyle": ""}
        axes.plot(depths, np.full(len(depths), 0.02), transform=axes.get_xaxis_transform(), **look)
        axes.legend(handles=[Line2D([], [], label="exactly zero", **look)], loc="best")


def _section(layer):
    stage = re.match(r"stages\.(\d+)\.", layer)
    first = layer.split(".")[0]
    return f"stage {int(stage[1]) + 1}" if stage else "" if first.isdecimal() else first


def _layers(table):
    return table.drop_duplicates("depth").sort_values("depth")["layer"].tolist()


def _positive(values):
    return np.where(values > 0, values, np.nan)


def decades(values):
    """The powers of ten that enclose all positive values."""
    values = values[(values > 0) & np.isfinite(values)]
    if not values.size:
        return 1e-8, 1.0
    bottom, top = np.floor(np.log10(values.min())), np.ceil(np.log10(values.max()))
    return 10.0**bottom, 10.0 ** max(top, bottom + 1)


def limits(values):
    """The ends of a scale: the `decades` of the values, but at most the largest `DECADES` of them."""
    smallest, largest = decades(values)
    return max(smallest, largest * 10.0**-DECADES), largest


def _flow_axes(figure, layers, means):
    """Axes for `means` of shape (layers,) or (layers, epochs); layers where a zero occurs are marked."""
    axes = figure.add_subplot()
    axes.set(xlabel="depth of the layer", ylabel=QUANTITY, yscale="log", ylim=decades(means))
    axes.set_xlim(-0.5, len(layers) - 0.5)
    axes.xaxis.set_major_locator(style.counts(8))
    style.powers_of_ten(axes.yaxis, 7)
    zero = np.flatnonzero((means.reshape(len(layers), -1) == 0).any(axis=1))
    mark_zeros(axes, zero)
    return axes


def _heatmap(axes, table, norm):
    if table.empty:
        style.say(axes, NOTHING)
        return
    means = table.pivot(index="depth", columns="epoch", values="mean_abs")
    epochs, places = means.columns.to_numpy(), np.arange(len(means) + 1)
    axes.pcolormesh(
        np.append(epochs, epochs[-1] + 1) - 0.5,
        places - 0.5,
        np.ma.masked_equal(means.to_numpy(), 0),
        norm=norm,
        cmap=style.sequential().with_extremes(bad=style.ABSENT),
        edgecolor="face",  # otherwise viewers show seams between neighbours
        linewidth=0.25,
    )
    parts = sections(_layers(table))
    axes.set_yticks([(first + last) / 2 for _, first, last in parts], [_fitting(name) for name, _, _ in parts])
    axes.tick_params(axis="y", length=0)
    for _, first, _ in parts[1:]:
        axes.axhline(first - 0.5, color="white", linewidth=0.5)
