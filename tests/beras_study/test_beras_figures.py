"""The figures of the study of Beras."""

import shutil

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors

from tests.conftest import command
from workflow_scripts.engine.beras import figures, summary

FIGURES = {
    "initializers": {"initializer", "depth", "variance", "predicted"},
    "optimizers": {"variant", "step", "train_loss", "train_loss_std"},
    "models": {"variant", "epoch", "test_acc", "train_acc", "test_acc_std", "train_acc_std"},
    "ablation": {"variant", "seed", "test_acc"},
    "predictions": {"image", "label", "predicted", "probability"},
}


@pytest.mark.parametrize(("figure", "columns"), FIGURES.items(), ids=FIGURES)
def test_a_figure_is_drawn_with_its_data(results, figure, columns):
    assert (results / f"figures/{figure}.pdf").read_bytes().startswith(b"%PDF")
    assert set(pd.read_csv(results / f"figures/{figure}.csv")) == columns


def test_figures_show_what_came_after_each_epoch_and_first_what_is_right(results):
    models, predictions = (pd.read_csv(results / f"figures/{name}.csv") for name in ("models", "predictions"))
    assert set(models["epoch"]) == {0, 1}, "the first epoch is 0, as in the figures of every study"
    right = predictions["label"] == predictions["predicted"]
    assert right.tolist() == [True] * figures.SHOWN + [False] * (len(right) - figures.SHOWN)


def test_optimisers_that_go_alike_can_be_told_apart(results, data):
    figure, _ = figures.optimizers(results, data)
    adam, amsgrad = figure.axes[0].lines[-2:]  # their losses hardly differ
    assert adam.get_linestyle() != amsgrad.get_linestyle()
    brightness = [np.mean(colors.to_rgb(line.get_color())) for line in (adam, amsgrad)]
    assert abs(brightness[0] - brightness[1]) > 0.4


def test_the_legend_of_initialisers_has_only_what_is_drawn(results, data):
    figure, _ = figures.initializers(results, data)
    (legend,) = figure.legends
    told = {text.get_text().partition(" ")[0] for text in legend.get_texts()}
    assert told == {"normal", "xavier", "kaiming", "predicted"}


def test_a_mean_over_seeds_is_not_one_over_those_that_did_not_diverge(results, data, tmp_path):
    shutil.copytree(results / "summary", tmp_path / "summary")
    for table in ("losses", "runs"):
        path = tmp_path / f"summary/{table}.csv"
        frame = pd.read_csv(path)
        late = frame["step"] > 10 if table == "losses" else True
        frame.loc[(frame["run"] == "optimizer-adam-seed1") & late, "train_loss"] = np.nan
        frame.to_csv(path, index=False)
    _, shown = figures.optimizers(tmp_path, data)
    adam = shown[shown["variant"] == "optimizer-adam"]
    assert (adam["train_loss"].isna() == (adam["step"] > 10)).all()
    rows = summary.over_seeds(summary.load(tmp_path / "summary").runs).set_index("variant")
    assert rows["train_loss"].isna().sum() == 1 and np.isnan(rows.loc["optimizer-adam", "train_loss"])


def test_of_a_single_epoch_there_are_points(results, data, tmp_path):
    shutil.copytree(results / "summary", tmp_path / "summary")
    path = tmp_path / "summary/history.csv"
    pd.read_csv(path).query("epoch == 0").to_csv(path, index=False)
    figure, _ = figures.models(tmp_path, data)
    filled, hollow = ("o", False), ("o", True)
    assert [(line.get_marker(), line.get_markerfacecolor() == "white") for line in figure.axes[0].lines] == [
        *(filled, filled, filled, hollow, hollow, hollow),  # test and training accuracy of the three models
        *(filled, hollow),  # and the legend entries for both
    ]


def test_figures_are_drawn_by_their_command(results, data_file, tmp_path):
    flags = ["--results", results, "--data", data_file, "--out", tmp_path / "predictions.pdf"]
    command("plot_beras", "--figure", "predictions", *flags)
    assert (tmp_path / "predictions.pdf").read_bytes() == (results / "figures/predictions.pdf").read_bytes()
