"""Figures of a landscape study: from closed forms, and from a small study that is really trained."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from tests import made_landscapes
from tests.conftest import ROOT, command, inside
from tests.made_landscapes import SCALE, STEPS, STUDY, network, records, write_study
from workflow_scripts import plot_landscape
from workflow_scripts.engine.configuration import cells, config, grids
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.landscape import bands, figures, findings, names, protocols, runs
from workflow_scripts.engine.tables import gathering

# Figures


def test_the_workflow_knows_all_figures():
    assert tuple(figures.FIGURES) == names.FIGURES


@pytest.mark.parametrize("ends", [(8, 36), (1.3, 75), (8, 5000)])
def test_a_logarithmic_axis_has_two_labels_or_more(ends):
    figure = style.figure(2, 2)
    axes = figure.subplots()
    axes.plot(ends)
    bands.logarithmic(axes)
    figure.draw_without_rendering()
    low, high = axes.get_ylim()
    assert len([tick for tick in axes.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]) > 1


@pytest.mark.parametrize("name", names.FIGURES)
def test_a_figure_is_a_small_vector_pdf(folder, run, name):
    words = ["--figure", name, "--study", json.dumps(STUDY)]
    first = run(plot_landscape, folder, *words).read_bytes()
    assert first.startswith(b"%PDF-") and b"/Subtype /Image" not in first
    assert len(first) < 300_000
    if name == "walks":
        assert first == run(plot_landscape, folder, *words, out="again.pdf").read_bytes()


@pytest.mark.parametrize("name", names.FIGURES)
def test_nothing_was_probed(tmp_path, study, name):
    """A figure of the rates is still drawn; one of the walk says that nothing was probed."""
    folder = write_study(tmp_path, walked=False)
    figure, _ = figures.FIGURES[name](folder, study)
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert (figures.NOTHING in said) == (name in ("walks", "covariate_shift"))
    facts = findings.context(runs.load(folder, study))
    assert facts["protocols"]["walk"]["beta"].compared["VGG-A BN"].verdict == "none"
    assert facts["agree"]["beta"] is None


@pytest.mark.parametrize("end", [0, 1])
def test_a_study_whose_runs_all_diverged_at_once(tmp_path, study, monkeypatch, end):
    monkeypatch.setattr(made_landscapes, "END", end)
    folder = write_study(tmp_path, diverged=set(range(8)))
    cells = pd.read_csv(folder / "cells.csv", keep_default_na=False)
    cells.assign(diverged_step=end).to_csv(folder / "cells.csv", index=False)
    landscape = runs.load(folder, study)
    assert len(runs.load(folder, study, first_seed=True).ends) == 8
    assert "beta" not in set(runs.per_step(landscape).query("protocol == 'rates'")["quantity"])
    facts = findings.context(landscape)
    assert facts["protocols"]["rates"]["beta"].compared["VGG-A BN"].verdict == "none" and len(facts["ended"]) == 8
    for name in ("gradient_predictiveness", "beta_smoothness"):
        _, table = figures.FIGURES[name](folder, study)
        assert table.empty


@pytest.mark.parametrize("name", names.FIGURES)
@pytest.mark.parametrize(
    ("diverged", "networks"),
    [({0, 6}, {"VGG-A"}), (set(range(8)), {"VGG-A", "VGG-A BN"})],
    ids=["a rate and a walk", "all"],
)
def test_figures_say_which_runs_diverged_and_mark_where(tmp_path, study, name, diverged, networks):
    figure, table = figures.FIGURES[name](write_study(tmp_path, diverged=diverged), study)
    (legend,) = figure.legends
    said = [text.get_text() for text in legend.get_texts() if "diverged" in text.get_text()]
    crosses = [line for axes in figure.axes for line in axes.lines if line.get_marker() == "x"]
    if name == "protocols":  # quantiles over all steps: the end of a run has no place there
        networks = set()
    assert {re.split(", | diverged", text)[0] for text in said} == networks and bool(crosses) == bool(networks)
    style.save(figure, tmp_path / "figure.pdf", table)
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF-")
    assert len(pd.read_csv(tmp_path / "figure.csv")) == len(table) > 0


def test_curves_are_told_apart_by_colour_and_line_and_have_common_axes(folder, study):
    figure, _ = figures.landscape_curves(folder, study)
    (legend,) = figure.legends
    lines = {text.get_text(): line for text, line in zip(legend.texts, legend.get_lines(), strict=True)}
    assert len({line.get_color() for line in lines.values()}) == len(lines) == 2 * len(made_landscapes.RATES)
    solid = [name for name, line in lines.items() if line.get_linestyle() == "-"]
    assert solid == ["VGG-A, lr 0.004", "VGG-A BN, lr 0.004"]
    train_loss, val_loss, train_acc, val_acc = figure.axes
    assert train_loss.get_ylim() == val_loss.get_ylim() and train_acc.get_ylim() == val_acc.get_ylim()
    for axes in figure.axes:
        low, high = axes.get_ylim()
        assert all(low <= line.get_ydata().min() and line.get_ydata().max() <= high for line in axes.lines)


def test_as_many_rates_as_the_text_says_have_line_styles_of_their_own():
    text = (ROOT / "report/captions/landscape-curves.rst").read_text()
    assert len(set(figures.DASHES)) == 8 and "up to eight rates" in text


@pytest.mark.parametrize("name", ["walks", "covariate_shift", "loss_envelope"])
def test_few_steps_have_marks(folder, study, name):
    """Eight steps are probed, but the loss is known at all 40."""
    figure, _ = figures.FIGURES[name](folder, study)
    marked = {len(line.get_xdata()) for axes in figure.axes for line in axes.lines if line.get_marker() == "o"}
    assert marked == (set() if name == "loss_envelope" else {8})


def test_the_figure_says_which_gap_its_logarithmic_axis_cannot_show(folder, study):
    """All rates have the same loss at step 20."""
    figure, _ = figures.loss_envelope(folder, study)
    assert [axes.get_title() for axes in figure.axes] == ["", "(not drawn: 0 at step 20)"]


def test_each_panel_of_predictiveness_says_which_lags_and_values_it_shows(folder, study):
    figure, _ = figures.gradient_predictiveness(folder, study)
    titles = [axes.get_title().replace("\n", " ") for axes in figure.axes]
    assert titles == [
        "$k = 1$: from the least to the largest over the rates",
        "the largest over the rates: median and 5 to 95 % of the steps",
    ]
    assert figure.axes[0].get_ylabel().startswith(r"$\|g_i - g_{i-k}\|_2$")


def test_an_axis_within_a_power_of_ten_has_three_labels():
    with style.look():
        axes = style.figure(2, 2).subplots()
        axes.plot([7.9, 36])
        figures._logarithmic(axes)
    low, high = axes.get_ylim()
    assert sum(low <= place <= high for place in axes.yaxis.get_major_locator()()) >= 3


def test_blocks_keep_their_colours(landscape):
    colours = figures.coloured(landscape).networks.set_index("block")["colour"]
    assert {block: colours[block] for block in SCALE} == {
        block: pytest.approx(style.tint(style.colour(block), 1)) for block in SCALE
    }


def test_figures_show_the_lowest_seed_and_numbers_all(tmp_path, study):
    folder = write_study(tmp_path, records() + records(seed=1))
    assert runs.load(folder, study, first_seed=True).steps["seed"].unique() == [0]
    landscape = runs.load(folder, study)
    assert len(runs.loss_envelope(landscape.steps)) == 2 * 2 * STEPS
    assert protocols.quantiles(runs.per_step(landscape))["steps"].max() == 2 * STEPS


@pytest.mark.parametrize("name", names.FIGURES)
def test_protocols_and_networks_may_have_seeds_of_their_own(tmp_path, study, folder, name):
    found = [cell | {"seed": 2 * (cell["optimizer"] == "adam") + (cell["block"] == "bn")} for cell in records()]
    _, table = figures.FIGURES[name](write_study(tmp_path, found), study)
    _, expected = figures.FIGURES[name](folder, study)
    assert len(table) == len(expected) > 0


@pytest.mark.parametrize(
    ("values", "top", "said"),
    [
        ([*[1.0] * 199, 50.0, math.inf], 1.1, "(peaks up to 50 cut off)"),
        ([2.0, 1.5, 1.2, 1.0, 2.3, 1e5, 1e35], 1.1 * 2.3, "(peaks up to 1e+35 cut off)"),  # of few, many explode
        ([0.0, 0.0, 0.0, 0.0, 5.0], None, ""),
        ([2.3, 1.6, 1.0, 0.5, 0.2, 0.01, 0.001], None, ""),
    ],
)
def test_what_explodes_is_cut_off_and_the_figure_says_so(values, top, said):
    with style.look():
        axes = style.figure(2, 2).subplots()
        axes.plot([0.5, 50])
        before = axes.get_ylim()
        bands.cut(axes, pd.Series(values))
    # not down to where a twentieth of the peak would be
    assert axes.get_ylim() == (pytest.approx((-top / 11, top)) if top else before)
    assert axes.get_title() == said


# The real thing


def test_a_small_study_from_training_to_figures(digits_file, tmp_path):
    """Real runs: tables, figures and findings can read what the observers leave."""
    tiny = {"model": "vgg08", "width": 0.125, "dataset": "digits", "augmentation": "none", "epochs": 1}
    parts = [{**tiny, "block": ["plain", "bn"], "lr": [0.001, 0.01]}]
    parts.append({**tiny, "block": ["plain", "bn"], "lr": 0.1, "optimizer": "sgd"})
    design = {**STUDY, "grids": parts}
    design["landscape"] = design["landscape"] | {"every": 4, "lags": [1, 2], "step_sizes": [0.5, 4]}
    study = config.parse(Study, design, "study")
    folders = []
    for name, cell in grids.expand("study", study).items():
        folders.append(tmp_path / name)
        measured = json.dumps(grids.measured(study, cell))
        words = ["--data", digits_file, "--out", folders[-1], "--device", "cpu", "--measure", measured]
        inside("train_cell", *words, *cells.flags(cell))
    out = tmp_path / "summary"
    gathering.gather(folders, out)
    command("summarise_landscape", "--out", out, input="\n".join(map(str, folders)))
    landscape = runs.load(out, study)
    with np.load(folders[0] / "steps.npz") as one, np.load(folders[1] / "steps.npz") as two:
        both = np.stack([one["train_loss"], two["train_loss"]])
    found = runs.loss_envelope(landscape.steps)
    plain = found[found["network"] == network(landscape, "plain")]
    assert plain["min_curve"].to_numpy() == pytest.approx(both.min(axis=0), rel=1e-4)
    assert plain["max_curve"].to_numpy() == pytest.approx(both.max(axis=0), rel=1e-4)
    facts = findings.context(landscape)
    assert facts["probed"] == -(-len(plain) // 4) and len(facts["shift"]) == 7
    for name, draw in figures.FIGURES.items():
        assert len(draw(out, study)[1]), name
