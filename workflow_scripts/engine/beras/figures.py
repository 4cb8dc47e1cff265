"""The study's figures: functions of the results folder and the data, which return (figure, table of what it shows)."""

import itertools

import numpy as np
import pandas as pd

from workflow_scripts.engine.beras import names, summary
from workflow_scripts.engine.figures import curves, style
from workflow_scripts.engine.tables import reading

SHOWN = 10  # pictures each of right and of wrong predictions
MOST = 1e6  # largest variance drawn: exploding lines leave the plot, or the others would all look flat


def initializers(results, data):
    """Variance of the dense layers' outputs by depth: points per initialiser, a dotted line for what is predicted."""
    table = reading.table(results / "initializers.csv", "probe_initializers")
    means = table.groupby(["initializer", "depth"], sort=False)[["variance", "predicted"]].mean().reset_index()
    with style.look():
        figure = style.figure(style.COLUMN, 1.8)
        axes = figure.subplots()
        for (initializer, line), colour in zip(means.groupby("initializer", sort=False), style.COLOURS, strict=False):
            if (line["variance"] == 0).all():  # a logarithmic scale cannot show 0; the caption says so
                continue
            last = line["variance"].iloc[-1]
            label = initializer if last < MOST else f"{initializer} (to $10^{{{np.log10(last):.0f}}}$)"
            axes.plot(line["depth"], line["variance"], "o", color=colour, markersize=2, label=label)
            axes.plot(line["depth"], line["predicted"], ":", color=style.MUTED, linewidth=0.8)
        axes.plot([], [], ":", color=style.MUTED, linewidth=0.8, label="predicted")
        axes.set(xlabel="layer", ylabel="variance of outputs", yscale="log")
        axes.set_ylim(top=MOST)
        axes.xaxis.set_major_locator(style.counts(6))
        figure.legend(loc="outside upper center", ncols=4, columnspacing=1.2)
    return figure, means


def optimizers(results, data):
    """Training loss by step: a line per optimiser, the mean over the seeds, from the same initial weights."""
    losses = summary.load(results / "summary").losses
    with style.look():
        figure = style.figure(style.COLUMN, 1.8)
        axes = figure.subplots()
        variants = summary.variants_of(losses, "beras_optimizer")
        # some lines coincide: every other one is dashed, and its colour differs much from that of the one below it
        looks = {"dashes": ("-", (0, (2, 2))), "colours": style.COLOURS[3:]}
        shown = _lines(axes, losses, variants, "step", "train_loss", **looks)
        axes.set(xlabel="step", ylabel="training loss", xscale="log", yscale="log")
        figure.legend(loc="outside upper center", ncols=4, columnspacing=1.2)
    return figure, shown


def models(results, data):
    """Accuracy by epoch on test (solid) and training images (dashed), for the simple and the advanced model."""
    history = summary.load(results / "summary").history
    variants = summary.variants_of(history, "beras_model")
    with style.look():
        figure = style.figure(style.COLUMN, 1.8)
        axes = figure.subplots()
        test = _lines(axes, history, variants, "epoch", "test_acc")
        train = _lines(axes, history, variants, "epoch", "train_acc", ("--",), labelled=False)
        axes.set(xlabel="epoch", ylabel="accuracy (%)")
        axes.xaxis.set_major_locator(style.counts(6))
        axes.yaxis.set_major_formatter(style.Percent())
        for dashes, label in (("-", "test"), ("--", "training")):
            point = curves.point_of(dashes) if history["epoch"].nunique() == 1 else {}
            axes.plot([], [], dashes, color=style.MUTED, label=label, **point)
        figure.legend(loc="outside upper center", ncols=3, columnspacing=1.2)
    return figure, test.merge(train, on=["variant", "epoch"])


def _lines(axes, table, variants, x, metric, dashes=("-",), colours=style.COLOURS, labelled=True):
    """Draw mean and standard deviation over the seeds for each variant; returns what was drawn."""
    groups = table[table["variant"].isin(variants)].groupby(["variant", x])[metric]
    means = groups.agg(["mean", "std"], skipna=False).reset_index()  # a line ends where one seed's training diverged
    means = means.rename(columns={"mean": metric, "std": f"{metric}_std"})
    for variant, colour, dash in zip(variants, colours, itertools.cycle(dashes), strict=False):
        label = names.label(variant) if labelled else None
        curves.draw_line(axes, means[means["variant"] == variant], metric, colour, dash, x=x, label=label)
    return means


def ablation(results, data):
    """Test accuracy with each extra: a point per seed, a bar for the mean; the line is the network without extras."""
    runs = summary.load(results / "summary").runs
    variants = [names.BASELINE, *summary.variants_of(runs, "beras_extra")]
    shown = runs.loc[runs["variant"].isin(variants), ["variant", "seed", "test_acc"]]
    means = shown.groupby("variant")["test_acc"].mean()
    with style.look():
        figure = style.figure(style.COLUMN, 0.45 + 0.16 * len(variants))
        axes = figure.subplots()
        for place, variant in enumerate(variants):
            points, colour = shown[shown["variant"] == variant], style.COLOURS[3 if place else 6]
            axes.plot(points["test_acc"], [place] * len(points), "o", color=colour, markersize=3, alpha=0.6)
            axes.plot(means[variant], place, "|", color=colour, markersize=10)
        axes.axvline(means[names.BASELINE], zorder=1, **style.GUIDE)
        axes.set_yticks(range(len(variants)), ["no extra", *map(names.label, variants[1:])])
        axes.invert_yaxis()
        axes.set(xlabel="test accuracy (%)")
        axes.xaxis.set_major_formatter(style.Percent())
    return figure, shown


def predictions(results, data):
    """The first test images that the first seed's advanced model gets right, and the first that it gets wrong."""
    run = summary.load(results / "summary").runs.set_index("variant").loc[["advanced"]]["run"].iloc[0]
    with np.load(results / run / "predictions.npz") as file:
        predicted, probability = file["predicted"], file["probability"]
    right = predicted == data.test_labels
    chosen = [np.flatnonzero(right)[:SHOWN], np.flatnonzero(~right)[:SHOWN]]
    with style.look():
        figure = style.figure(style.PAGE, 1.75)
        rows = figure.subplots(2, SHOWN)
        for axes in rows.flat:
            axes.set_axis_off()
        for row, indices in zip(rows, chosen, strict=True):
            for axes, index in zip(row, indices, strict=False):
                axes.imshow(data.test_images[index, ..., 0], cmap="Greys", interpolation="nearest", rasterized=False)
                said = f"{predicted[index]} ({100 * probability[index]:.0f} %)"
                axes.set_title(said if right[index] else f"{said}, is {data.test_labels[index]}", fontsize=style.SMALL)
    indices = np.concatenate(chosen)
    shown = {"image": indices, "label": data.test_labels[indices], "predicted": predicted[indices]}
    return figure, pd.DataFrame(shown | {"probability": probability[indices]})


FIGURES = {figure.__name__: figure for figure in (initializers, optimizers, models, ablation, predictions)}
