"""The figure and the table of a search: what its rungs kept, read back and drawn."""

import itertools
import json
import math

import pandas as pd
import pytest

from tests.conftest import command
from tests.made_searches import read_back, rung_files, study, write_summary
from workflow_scripts.engine.configuration import cells
from workflow_scripts.engine.configuration.record import Range
from workflow_scripts.engine.figures import search_figure, style
from workflow_scripts.engine.tables import search_table


@pytest.mark.parametrize(
    "changes",
    [{}, {"halving": None}, {"halving": {"epochs": [1, 2, 4]}}, {"seeds": [5]}, {"halving": None, "seeds": [5]}],
    ids=str,
)
def test_the_rungs_are_read_back_from_the_summary(tmp_path, changes):
    searched = study(**{"max_cells": 16, **changes})
    plan, best = write_summary(tmp_path / "summary", searched, diverged=[1])
    table = read_back(tmp_path, searched)
    for rung, (epochs, size) in enumerate(zip(plan.epochs, plan.sizes, strict=True)):
        found = table[table["rung"] == rung + 1]
        assert len(found) == size and set(found["epochs"]) == {epochs}
        assert found["kept"].sum() == plan.kept(rung)
    final = table[table["rung"] == "final"]
    assert sorted(final["seed"]) == sorted(plan.seeds) and set(final["lr"]) == {best.lr}


def test_the_figure_follows_what_the_rungs_kept(tmp_path):
    """The rungs decide who trains on; by the summary's numbers another candidate might look better."""
    searched = study(max_cells=4, halving={"epochs": [4]})
    plan, _ = write_summary(tmp_path / "summary", searched)
    names = [cells.cell_name(cell) for cell in plan.rung(0, plan.recipes)]
    for place, name in enumerate(names):
        (tmp_path / "search/rung0.json").write_text(json.dumps({"kept": [name]}))
        table = read_back(tmp_path, searched)
        assert table.loc[table["kept"] & (table["rung"] == 1), "cell"].tolist() == [name]
        assert set(table.loc[table["rung"] == "final", "candidate"]) == {place + 1}


def test_a_value_that_is_null_has_a_place_in_the_figure_and_a_word(tmp_path):
    searched = study(space={"clip": [None, 1.0], "growth_rate": [12, None]})
    write_summary(tmp_path / "summary", searched)
    table = read_back(tmp_path, searched)
    growth, clip = search_figure.draw(table, searched.search.keys).axes
    assert [label.get_text() for label in growth.get_xticklabels()] == ["12", "network's own"]
    assert [label.get_text() for label in clip.get_xticklabels()] == ["none", "1"]
    words = search_table.survivors(table, list(searched.search.keys))
    assert set(words["Clip"]) <= {"none", "1"} and set(words["Growth rate"]) <= {"12", "network's own"}


def test_a_candidate_that_diverged_has_a_cross_even_where_its_accuracy_is_not_known():
    known = {"epochs": 1, "rung": 1}
    lost = [
        {**known, "lr": lr, "status": "diverged", "val_acc": accuracy} for lr, accuracy in ((1, 0.5), (2, math.nan))
    ]
    found = [{**known, "lr": 0.1, "status": "finished", "val_acc": accuracy} for accuracy in (0.4, 0.9)]
    table = pd.DataFrame(lost + found).assign(candidate=range(4))
    (axes,) = search_figure.draw(table, {"lr": Range(low=0.01, high=10, log=True)}).axes
    crosses = [marks.get_offsets().tolist() for marks in axes.collections if len(marks.get_offsets()) == 2]
    assert crosses == [[[1, 0.5], [2, 0.4]]]  # the latter at the lowest that is known


def test_stars_hide_nothing_and_say_how_many_they_are():
    known = {"candidate": 1, "epochs": 1, "status": "finished", "lr": 0.1}
    finals = [{**known, "rung": "final", "val_acc": accuracy} for accuracy in (1.0, 1.0, 0.9)]
    table = pd.DataFrame([{**known, "rung": 1, "val_acc": 1.0}, *finals])
    (axes,) = search_figure.draw(table, {"lr": [0.1]}).axes
    hollow = [marks for marks in axes.collections if not len(marks.get_facecolor())]
    assert [len(marks.get_offsets()) for marks in hollow] == [3]
    assert [(text.get_text(), text.xy[1]) for text in axes.texts] == [("×2", 1.0)]


@pytest.mark.parametrize(
    ("key", "values", "said"),
    [
        ("growth_rate", {"low": 2, "high": 4}, ["2", "3", "4"]),
        ("clip", {"low": 2, "high": 4}, ["2.0", "2.5", "3.0", "3.5", "4.0"]),
        ("lr", {"low": 0.001, "high": 0.05, "log": True}, ["0.001", "0.003", "0.01", "0.03"]),
        ("lr", {"low": 0.02, "high": 0.04, "log": True}, ["0.02", "0.03", "0.04"]),
        ("lr", {"low": 1e-6, "high": 0.1, "log": True}, [f"$10^{{{power}}}$" for power in range(-6, 0)]),
        ("lr", {"low": 1e-5, "high": 0.01, "log": True}, [f"$10^{{{power}}}$" for power in range(-5, -1)]),
        (
            "lr",
            {"low": 1e-5, "high": 5e-4, "log": True},
            ["$10^{-5}$", r"$3{\cdot}10^{-5}$", "$10^{-4}$", r"$3{\cdot}10^{-4}$"],
        ),
        ("batch_size", {"low": 8, "high": 512, "log": True}, ["10", "30", "100", "300"]),
        ("block", ["bn_rc", "bn_dense_pre"], ["BN+RC", "BN+dense (pre)"]),
        ("block", ["bn_rc", "plain", "bn", "bn_dense_pre"], ["BN+RC", "plain", "BN", "BN+dense\n(pre)"]),
        ("loss", ["mse", "label_smoothing"], ["squared error", "label smoothing"]),
    ],
)
def test_the_ticks_of_a_key_are_read_as_people_call_its_values_and_stand_apart(key, values, said):
    space = study(space={key: values}).search.keys
    ends = values if isinstance(values, list) else [values["low"], values["high"]]
    known = {"rung": 1, "epochs": 1, "status": "finished", "val_acc": 0.5}
    rows = [{**known, "candidate": place, key: value} for place, value in enumerate(ends)]
    spaces = {**space, "more": space[key], "most": space[key]}  # three panels in a row, the narrowest case
    table = pd.DataFrame(rows)
    figure = search_figure.draw(table.assign(more=table[key], most=table[key]), spaces)
    with style.look():
        figure.draw_without_rendering()
        axes = figure.axes[0]
        low, high = axes.get_xlim()
        shown = [label for label in axes.get_xticklabels() if low <= label.get_position()[0] <= high]
        boxes = [label.get_window_extent() for label in shown]
    assert [label.get_text() for label in shown] == said
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_the_figure_and_the_table_of_a_search(tmp_path):
    searched = study(max_cells=16, halving={"epochs": [1, 2, 3], "keep": 0.4})
    plan, best = write_summary(tmp_path / "summary", searched, diverged=[1])
    arguments = ["--summary", tmp_path / "summary", "--study", searched.model_dump_json(exclude_unset=True)]
    arguments += ["--rungs", *rung_files(tmp_path)]
    command("plot_search", *arguments, "--out", tmp_path / "search.pdf", "--table", tmp_path / "table.csv")
    assert (tmp_path / "search.pdf").read_bytes().startswith(b"%PDF")
    drawn, table = (pd.read_csv(tmp_path / name) for name in ("search.csv", "table.csv"))
    assert len(drawn) == len(table) == sum(plan.sizes) + len(plan.seeds)
    text = (tmp_path / "table.txt").read_text()
    *_, last, _, _ = text.splitlines()
    assert last.split()[:4] == ["final", "4", "3", str(plan.recipes.index(best) + 1)] and f"{best.lr:g}" in last
    assert len([line for line in text.splitlines() if line.startswith("1 ")]) == plan.kept(0)
    assert (tmp_path / "table.tex").read_text().count("midrule") == 4


def test_a_summary_of_another_study_is_refused(tmp_path, refused):
    searched = study()
    write_summary(tmp_path / "summary", searched)
    other = study(space={"lr": [0.5]}).model_dump_json(exclude_unset=True)
    flags = ["--summary", tmp_path / "summary", "--out", tmp_path / "a.pdf", "--table", tmp_path / "a.csv"]
    flags += ["--rungs", *rung_files(tmp_path)]
    assert "expected cells of the search" in refused("plot_search", *flags, "--study", other)
    three = study(halving={"epochs": [1, 2, 3]}).model_dump_json(exclude_unset=True)
    assert "--rungs: expected 3 files, one for each rung, found 2" in refused("plot_search", *flags, "--study", three)
