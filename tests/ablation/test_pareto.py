"""Accuracy against what it costs: which settings nothing beats, and how they are drawn."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from tests.made_ablations import BROKEN, DESIGN, STUDY, accuracy, names
from tests.made_cells import CURVE, SECONDS, write_study
from workflow_scripts import plot_pareto
from workflow_scripts.engine.ablation import (
    ablations,
    pareto,
)
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.tables import labels


def test_the_front_is_what_nothing_beats():
    random = np.random.default_rng(0)
    costs, values = random.integers(0, 12, (2, 60)).astype(float)
    values[::7] = math.nan
    known = [(cost, value) for cost, value in zip(costs, values, strict=True) if not math.isnan(value)]
    expected = [
        not math.isnan(value) and not any(c <= cost and v >= value and (c, v) != (cost, value) for c, v in known)
        for cost, value in zip(costs, values, strict=True)
    ]
    assert pareto.front(costs, values).tolist() == expected and any(expected)


def test_pareto_has_every_setting_once(tmp_path, run):
    study = Study(**DESIGN, grids=[{"model": "vgg38", "seed": 0}])
    bad = names(study, block="bn_rc", seed=0)
    out = run(plot_pareto, write_study(tmp_path / "made", study, accuracy, bad), study, "pareto.pdf")
    table = pd.read_csv(out.with_suffix(".csv")).set_index("name")
    assert set(table.index) == {
        "base", "width 0.25", "width 0.5", "width 2", "BN", "BN+RC", "L2 0.0005", "L1 1e-05", "VGG38",
    }  # fmt: skip
    assert table["factor"].value_counts().to_dict() == {
        "width": 3, "block": 2, "penalty": 2, "base": 1, "other cells": 1,
    }  # fmt: skip
    assert not table.loc["BN+RC", "front_parameters"]  # the most accurate, but one of its seeds diverged
    assert set(table.index[table["front_parameters"]]) == {"width 0.25", "width 0.5", "BN"}
    assert table.loc["base", "seconds"] == SECONDS * len(CURVE)


@pytest.mark.parametrize("beside", [10.5, 11.5, 13, 20, None])
def test_in_pareto_no_name_touches_a_mark(folder, beside):
    """A point to the right of the cheapest one, at the same height, lies where the name would be."""
    table = pareto.points(ablations.load(folder), STUDY)
    cheap = table[table["front_seconds"]].nsmallest(1, "seconds").assign(seconds=10.0)
    dear = cheap.assign(seconds=40.0, best_val_acc=cheap["best_val_acc"] + 0.1, name="dear")
    near = cheap.assign(seconds=beside, name="near", front_seconds=False, front_parameters=False)
    table = pd.concat([cheap, dear] + ([near] if beside else []))
    figure = pareto.draw(table)
    axes = figure.axes[1]
    marks = axes.transData.transform(table[["seconds", "best_val_acc"]].to_numpy(float))
    radius = 2 * figure.dpi / 72
    assert axes.texts
    for text in axes.texts:
        box = text.get_window_extent().padded(radius)
        assert not any(box.contains(*mark) for mark in marks), text.get_text()


def test_in_pareto_marks_that_coincide_stand_side_by_side_and_are_all_named(folder):
    table = pareto.points(ablations.load(folder), STUDY)
    same = table[:1].assign(name="same", factor="width")
    figure = pareto.draw(pd.concat([table, same], ignore_index=True))
    for axes, cost in zip(figure.axes, pareto.COSTS, strict=True):
        at = axes.transData.transform([line.get_xydata()[0] for line in axes.lines[1:]])
        hidden = [np.abs(one - other).max() < 4 * figure.dpi / 72 for one, other in itertools.combinations(at, 2)]
        assert not any(hidden)
        middle = axes.transData.transform(table.loc[0, [cost, "best_val_acc"]].to_numpy(float))
        assert at[[0, -1]].mean(axis=0) == pytest.approx(middle)
        assert "base; L2 0.0005; L1 1e-05; same" in [text.get_text().replace("\n", " ") for text in axes.texts]


def test_in_pareto_the_base_is_a_star_of_its_blocks_colour_and_no_factor_has_one_of_the_brief(folder):
    figure = pareto.draw(pareto.points(ablations.load(folder), STUDY))
    ticks = figure.axes[0].get_yticklabels()
    assert [float(tick.get_text()) for tick in ticks] == pytest.approx([100 * tick.get_position()[1] for tick in ticks])
    handles = {handle.get_label(): handle for handle in figure.legends[0].legend_handles}
    assert (handles["base"].get_marker(), handles["base"].get_color()) == ("*", style.colour("plain"))
    factors = {handles[factor].get_color() for factor in ("width", "block", "penalty")}
    assert len(factors) == 3 and factors.isdisjoint(map(style.colour, labels.BRIEF_BLOCKS))


def test_pareto_of_nothing_but_divergence(tmp_path, run):
    out = run(plot_pareto, write_study(tmp_path / "made", STUDY, accuracy, BROKEN["all"]), STUDY, "pareto.pdf")
    assert pd.read_csv(out.with_suffix(".csv")).empty
