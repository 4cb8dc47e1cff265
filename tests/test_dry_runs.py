"""What a run would do, without doing it, and what stops a run before anything is done."""

import copy
import json
import re
import shlex

import pytest

from tests.workflow_runs import CELL, TINY, dry_run, snakemake, write_config
from workflow_scripts.engine.tables import selections

SUMMARY = "results/cw2/summary/cells.csv"


def test_dry_run_of_the_full_configuration(tmp_path):
    said = dry_run(tmp_path)
    assert ["train_cell", str(48 + 75 + 32 + 96 + 10)] in [line.split() for line in said.splitlines()]
    summary = " ".join(said[said.index("Gradscape's work:") :].split())
    assert "cw2 48 cells, 48 to train, 4,800 epochs, 1.1e+17 FLOP" in summary
    assert "search 192 cells, 32 to train, 480 epochs" in summary  # the first rung; what it keeps is not known yet
    assert "Snakemake" not in summary  # these are the last lines
    assert "cells done" not in said
    assert not (tmp_path / "results/logs").exists()  # what a run in progress keeps there for `make watch`


def test_a_selection_may_ask_for_null(tmp_path):
    config = copy.deepcopy(TINY)
    config["studies"]["cw2"]["grids"][1]["clip"] = [None, 1.0]
    config["studies"]["cw2"]["compare"]["deep"]["clip"] = None
    write_config(tmp_path, config)
    said = dry_run(tmp_path, "-p", "results/cw2/figures/grad_flow_deep.pdf")
    words = re.search(r"plot_grad_flow .*--select (.*) --out", said)[1].split()
    assert selections.parse(words) == {"model": "vgg38", "block": "plain", "clip": None}


def test_images_are_drawn_as_the_cells_on_their_data_are_given_them(tmp_path):
    config = {"datasets": {"one": {"source": "digits"}, "two": {"source": "digits", "title": "Another"}}, "studies": {}}
    other = {"dataset": "two", "normalize": "dataset", "batch_size": 25}
    config["studies"]["net"] = {"base": {"model": "vgg08", "dataset": "one"}, "ablations": {"data": other}}
    write_config(tmp_path, config)
    said = dry_run(tmp_path, "-p", *(f"results/net/figures/samples_{name}.pdf" for name in ("one", "two")))
    assert "one.npz --normalize course --batch-size 100" in said
    assert """two.npz --normalize dataset --batch-size 25 --titles '{"two": "Another"}' --out""" in said


def test_images_that_no_cell_is_trained_on_are_not_drawn(tmp_path):
    """They are not among the nearest names either."""
    config = {"datasets": {"one": {"source": "digits"}, "two": {"source": "digits"}}, "studies": {}}
    config["studies"]["net"] = {"base": {"model": "vgg08", "dataset": "one"}, "ablations": {"rate": {"lr": 0.1}}}
    write_config(tmp_path, config)
    status, said = snakemake(tmp_path, "-n", "results/net/figures/samples_two.pdf", check=False)
    assert status and "samples_two.pdf; the nearest: results/net/figures/samples_one.pdf" in said


def test_reports_are_given_what_is_said_of_their_author(tmp_path):
    author = {"author": "Li Hua, 22307130001", "code_url": "https://example.org/a?b&c"}
    targets = ["report/project2.pdf", "report/beras.pdf"]
    said = dry_run(tmp_path, "-p", *targets, "--config", f"report={json.dumps(author)}")
    beras, project2 = (
        shlex.split(re.search(rf"{name} .* (--student-number=.*) --out", said)[1])
        for name in ("fill_beras_report", "fill_project2")
    )
    assert beras == ["--student-number=s1234567", "--author=Li Hua, 22307130001"]
    assert project2 == [*beras, "--code-url=https://example.org/a?b&c"]


def test_a_study_of_your_own_is_made_to_its_last_figure_and_table(tmp_path):
    """Everything is made for a study with a new name and no report, including what the HTML report would show."""
    base = {"model": "vgg08", "dataset": "digits", "width": 0.25, "epochs": 4}
    grids = [{}, {"model": "vgg38"}]
    studies = {
        "deep": {"base": base, "grids": grids, "compare": TINY["studies"]["cw2"]["compare"]},
        "factors": {"base": base, "ablations": {"rate": {"lr": 0.01}}},
        "found": {"base": base, "search": {"space": {"lr": [0.01, 0.1]}}, "test": "chosen"},
    }
    write_config(tmp_path, {"datasets": TINY["datasets"], "studies": studies, "beras": None})
    said = dry_run(tmp_path)
    made = set(re.search(r"rule all:\n    input: (.+)", said)[1].split(", "))
    figures = ("curves_problem", "grad_flow_shallow", "grad_flow_deep", "curves_best", "grad_flow_best")
    expected = [f"results/deep/figures/{figure}.pdf" for figure in (*figures, "gradient_heatmap")]
    expected += [f"results/{study}/{name}.html" for study in studies for name in ("summary/cells", "tables/table1")]
    expected += ["results/factors/ablations/rate.pdf", "results/factors/ablations/rate.html"]
    expected += [
        "results/factors/figures/pareto.pdf",
        "results/found/figures/search.pdf",
        "results/found/chosen.json",
    ]
    assert set(expected) <= made
    assert "results/found/figures/filters.pdf" not in made  # only on request: not every network has filters
    # and the targets of each study are together what is made by default
    parts = {study: {file for file in made if file.startswith(f"results/{study}/")} for study in studies}
    assert set().union(*parts.values()) == made
    said = dry_run(tmp_path, *(f"study_{study}" for study in studies))
    for study, part in parts.items():
        assert set(re.search(rf"rule study_{study}:\n    input: (.+)", said)[1].split(", ")) == part


def test_own_words_of_a_report_under_a_mistyped_name(tmp_path):
    write_config(tmp_path, TINY)
    (tmp_path / "report").mkdir()
    (tmp_path / "report/mlp-cw2-questions.tex").touch()
    status, said = snakemake(tmp_path, "-n", "report/mlp-cw2.pdf", check=False)
    assert status and "\nerror: report/mlp-cw2-questions.tex: no report has a file of this name" in said


def test_a_cell_that_does_not_exist(tmp_path):
    write_config(tmp_path, TINY)
    status, said = snakemake(tmp_path, "results/cw2/vgg38-bm-lr0.001-seed0/history.csv", check=False)
    assert status != 0 and f"no cell vgg38-bm-lr0.001-seed0; the nearest: {CELL.format('vgg38', 'bn', 0)}" in said
    assert "Traceback" not in said


def test_a_misspelt_target_is_told_what_is_called_like_it(tmp_path):
    write_config(tmp_path, TINY)
    wrong = {"report/mlp_cw2.pdf": "report/mlp-cw2.pdf", "al": "all", "results/cw2/summary/cell.csv": SUMMARY}
    status, said = snakemake(tmp_path, "-n", *wrong, tmp_path / SUMMARY, check=False)
    for target, right in wrong.items():
        assert status and f"\nerror: nothing is called {target}; the nearest: {right}" in said
    assert f"\nerror: {tmp_path / SUMMARY}: targets are named as seen from this folder: {SUMMARY}\n" in said


def test_targets_that_are_no_mistake_are_not_explained(tmp_path):
    write_config(tmp_path, TINY)
    (tmp_path / "own.txt").touch()
    status, said = snakemake(tmp_path, "-n", "nothing-like-it", "results/data/digits.npz", "data", check=False)
    assert status and "\nerror: " not in said
    for target in ("own.txt", "train_cell"):
        assert "\nerror: " not in snakemake(tmp_path, "-n", target, check=False)[1]


def test_a_folder_that_is_there_is_no_target_either(tmp_path):
    """Snakemake says of it, as of all else that no rule makes, only that."""
    write_config(tmp_path, TINY)
    cell = f"results/cw2/{CELL.format('vgg08', 'plain', 0)}"
    (tmp_path / cell).mkdir(parents=True)
    said = [snakemake(tmp_path, "-n", folder, check=False)[1] for folder in ("results/cw2", cell)]
    assert "error: results/cw2 is a folder; everything of that study is made by the target study_cw2" in said[0]
    assert f"error: {cell}: ask for a file of it, such as {cell}/cell.json" in said[1]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("submission/s7654321.zip", "the report says s1234567"),
        ("report/mlp-cw3.pdf", "No rule to produce"),
    ],
)
def test_what_cannot_be_made_is_said_before_anything_is_done(tmp_path, target, message):
    write_config(tmp_path, TINY)
    status, said = snakemake(tmp_path, "-n", target, check=False)
    assert status == 1 and message in said and "Traceback" not in said
    assert "Gradscape's work" not in said  # which is not known


def test_no_core_is_none_to_wait_for(tmp_path):
    write_config(tmp_path, TINY)
    status, said = snakemake(tmp_path, "--cores", "0", "data", check=False)
    assert status == 1 and "--cores: expected at least 1, found 0" in said
