"""What guides the eye in learning curves: chance where there is one, percentages, a cross where a cell diverged."""

import json
import math

import pandas as pd
import pytest

from tests.conftest import inside
from tests.made_summaries import CLASSES, study, write_summary
from workflow_scripts.engine.figures import curves
from workflow_scripts.engine.tables import summary


def drawn(folder, records, change=None, **made):
    """(losses, accuracies) of the learning curves of a summary of these records, whose rows `change` changes."""
    found = summary.load(write_summary(folder, records, **made))
    rows = summary.over_seeds(found.cells).assign(**(change or {}))
    figure = curves.draw(curves.learning_curves(found, rows), rows)
    figure.draw_without_rendering()
    return figure.axes


@pytest.mark.parametrize(
    ("change", "guess"),
    [
        ({}, 1 / CLASSES),
        ({"largest_class": [0.3, 0.3]}, 0.3),
        ({"largest_class": [0.3, 0.305]}, 0.305),
        ({"largest_class": [math.nan, 0.101]}, 0.101),  # of a run made elsewhere it is not known
        ({"largest_class": [0.3, 0.32]}, None),
        ({"num_classes": [CLASSES, 2]}, None),
        ({"loss": ["mse", "mse"]}, None),
    ],
    ids=["equal", "unequal", "nearly the same", "nearly equal", "other images", "other classes", "another loss"],
)
def test_chance_is_drawn_where_it_is_the_same_for_all_and_known(tmp_path, change, guess):
    panels = drawn(tmp_path, study(blocks=["plain"], seeds=1), change)
    for axes, value in zip(panels, (math.log(CLASSES), guess), strict=True):
        dotted = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == ":"]
        assert dotted == ([] if guess is None else [value])


def test_the_network_that_a_study_chose_is_drawn(tmp_path, refused):
    """Whatever `--best` would be, which is about the last epoch."""
    folder = write_summary(tmp_path / "summary", study())
    rows = summary.over_seeds(summary.load(folder).cells)
    (tmp_path / "chosen.json").write_text(json.dumps({"cells": rows["finished"][3]}))
    words = ["--summary", folder, "--chosen", tmp_path / "chosen.json", "--out", tmp_path / "figure.pdf"]
    inside("plot_curves", *words)
    drawn = pd.read_csv(tmp_path / "figure.csv")
    assert drawn["line"].unique().tolist() == [rows["label"][3]] and (drawn["seeds"] == 3).all()
    (tmp_path / "chosen.json").write_text(json.dumps({"cells": ["gone-seed0"]}))
    assert "chosen.json: expected cells of the summary, found ['gone-seed0']" in refused("plot_curves", *words)


def test_accuracies_are_in_per_cent(tmp_path):
    _, accuracies = drawn(tmp_path, study(blocks=["plain"], seeds=1))
    ticks = accuracies.get_yticklabels()
    assert [float(tick.get_text()) for tick in ticks] == pytest.approx([100 * tick.get_position()[1] for tick in ticks])


def test_a_cross_is_where_a_cell_diverged_and_nowhere_else(tmp_path):
    losses, _ = drawn(tmp_path, study(["vgg38"], ["rc"]), diverged={1}, end=2)
    crosses = [line.get_xdata().tolist() for line in losses.lines if line.get_marker() == "x"]
    assert crosses == [[1], [1]]  # its last epoch with a loss, for training and for validation
