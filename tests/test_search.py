"""A search: candidates that stay the same, rungs that keep the best by validation, one test at the end."""

import itertools
import json
import math
import zipfile

import pandas as pd
import pytest
import yaml

from tests.made_searches import SPACE, study
from tests.workflow_runs import dry_run, snakemake
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config, grids, search
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.tables import rungs


@pytest.mark.parametrize("sampler", ["grid", "random", "halton"])
def test_more_samples_leave_the_first_ones_as_they_are(sampler):
    space = (
        {"lr": [0.1, 0.01, 0.001], "batch_size": [50, 100], "block": ["plain", "bn"]} if sampler == "grid" else SPACE
    )
    few, many = (search.samples(study(space=space, sampler=sampler, max_cells=count).search) for count in (3, 11))
    assert len(few) == 3 and len(many) == 11 and many[:3] == few
    assert len({tuple(sample.values()) for sample in many}) == 11
    fewer, more = (grids.expand("s", study(space=space, sampler=sampler, max_cells=count)) for count in (3, 11))
    assert fewer.items() <= more.items()


@pytest.mark.parametrize("sampler", ["random", "halton"])
def test_samples_lie_in_their_ranges_and_follow_the_seed(sampler):
    found = search.samples(study(sampler=sampler, max_cells=64).search)
    assert found == search.samples(study(sampler=sampler, max_cells=64).search)
    assert found != search.samples(study(sampler=sampler, max_cells=64, seed=1).search)
    rates = [sample["lr"] for sample in found]
    assert all(1e-4 <= rate <= 0.1 and rate == float(f"{rate:.3g}") for rate in rates)
    # uniform in the logarithm: a third of them in each of the three decades
    assert all(10 <= sum(10**-end <= 10 * rate < 10 ** (1 - end) for rate in rates) <= 33 for end in (1, 2, 3))
    assert {sample["batch_size"] for sample in found} == {50, 100}
    assert all(0.1 <= sample["clip"] <= 5 for sample in found)


def test_a_range_of_whole_numbers_gives_whole_numbers():
    found = search.samples(study(space={"batch_size": {"low": 10, "high": 12}}, max_cells=50).search)
    assert sorted(sample["batch_size"] for sample in found) == [10, 11, 12]  # and no more, however many are requested


@pytest.mark.parametrize("log", [False, True])
def test_the_ends_of_a_range_of_whole_numbers_are_drawn_as_often_as_the_others(log):
    space = study(space={"batch_size": {"low": 1, "high": 3, "log": log}}).search.keys
    drawn = [sample["batch_size"] for sample in itertools.islice(search.uniform(space, 0), 3000)]
    ends = [math.log(end) if log else end for end in (0.5, 1.5, 2.5, 3.5)]
    expected = [3000 * (end - start) / (ends[-1] - ends[0]) for start, end in itertools.pairwise(ends)]
    assert [drawn.count(value) for value in (1, 2, 3)] == pytest.approx(expected, abs=100)  # four deviations


def test_a_draw_does_not_depend_on_the_other_keys():
    rates = [sample["lr"] for sample in search.samples(study().search)]
    assert rates == [sample["lr"] for sample in search.samples(study(space={"lr": SPACE["lr"]}).search)]


def test_a_grid_within_its_budget_is_every_point_once():
    found = search.samples(study(space={"lr": [0.1, 0.01], "batch_size": [10, 20]}, sampler="grid").search)
    assert sorted((sample["lr"], sample["batch_size"]) for sample in found) == [
        (0.01, 10),
        (0.01, 20),
        (0.1, 10),
        (0.1, 20),
    ]


def test_a_plan_halves():
    found = grids.candidates(study(max_cells=8, halving={"epochs": [1, 2, 3], "keep": 0.3}))
    assert found.sizes == (8, 2, 1) and [found.kept(rung) for rung in range(3)] == [2, 1, 1]
    assert [cell.epochs for rung in range(3) for cell in found.rung(rung, found.recipes[:1])] == [1, 2, 3]
    final = found.final(found.recipes[0])
    assert [(cell.epochs, cell.seed) for cell in final] == [(4, 0), (4, 1), (4, 2)]
    assert {found.place(cell) for cell in final} == {0} and found.place(found.rung(1, found.recipes)[3]) == 3
    assert found.place(final[0].model_copy(update={"lr": 0.5})) is None
    found = grids.candidates(study(max_cells=100, halving={"epochs": [1, 2], "keep": 0.29}))
    assert found.sizes == (100, 29)  # 100 * 0.29 is 28.999...


def test_without_halving_every_candidate_is_trained_to_the_end():
    found = grids.candidates(study(halving=None, max_cells=5))
    assert found.epochs == (4,) and found.sizes == (5,) and found.kept(0) == 1
    names = grids.expand("s", study(halving=None, max_cells=5, seeds=[7]))
    assert len(names) == 5 and all(name.endswith("seed7") for name in names)


BAD = {
    "no space": ({"space": {}}, "space: expected at least one key with values"),
    "nothing but null": ({"space": {"lr": None}}, "space: expected at least one key with values"),
    "a key without values": ({"space": {"lr": []}}, "space.lr.values: expected at least one value"),
    "max_cells: 0": ({"max_cells": 0}, "search.max_cells: 0: Input should be greater than or equal to 1"),
    "low above high": (
        {"space": {"lr": {"low": 0.1, "high": 0.01}}},
        "space.lr.range: expected low below high, found 0.1 and 0.01",
    ),
    "low equals high": ({"space": {"lr": {"low": 0.1, "high": 0.1}}}, "expected low below high"),
    "a logarithm of zero": (
        {"space": {"weight_decay": {"low": 0, "high": 0.1, "log": True}}},
        "expected low above 0 on a logarithmic scale, found 0",
    ),
    "a rate of zero": ({"space": {"lr": {"low": 0, "high": 0.1}}}, "space.lr.range.low: 0: Input should be greater"),
    "a limit of zero, where null is allowed": (
        {"space": {"clip": {"low": 0, "high": 1}}},
        "space.clip.range.low: 0: Input should be greater",
    ),
    "an open range": ({"space": {"lr": {"low": 0.1}}}, "space.lr.range.high: missing"),
    "a range of words": ({"space": {"block": {"low": 1, "high": 2}}}, "space.block.values[0]: expected text"),
    "an unknown value": ({"space": {"block": ["bm"]}}, "space.block.values[0]: 'bm': unknown block; known: plain"),
    "an unknown key": ({"space": {"learning_rate": [1]}}, "space.learning_rate: unknown key"),
    "a misspelt key": ({"space": {"batchsize": [1]}}, "space.batchsize: unknown key; did you mean 'batch_size'?"),
    "the seed": ({"space": {"seed": [1]}}, "space.seed: cannot be searched; see `seeds`"),
    "keep: 1": ({"halving": {"epochs": [1], "keep": 1}}, "halving.keep: 1: Input should be less than 1"),
    "keep: 0": ({"halving": {"epochs": [1], "keep": 0}}, "halving.keep: 0: Input should be greater than 0"),
    "rungs that fall": ({"halving": {"epochs": [2, 1]}}, "expected epochs that rise from rung to rung, found [2, 1]"),
    "rungs that stay": ({"halving": {"epochs": [2, 2]}}, "expected epochs that rise from rung to rung, found [2, 2]"),
    "rungs beyond the end": ({"halving": {"epochs": [1, 9]}}, "expected at most the 4 of the base, found 9"),
    "a grid of a range": ({"sampler": "grid"}, "space.lr: a grid takes lists of values"),
    "a grid too large": (
        {"sampler": "grid", "space": {"weight_decay": [n / 999 for n in range(999)], "batch_size": [*range(1, 102)]}},
        "space: a grid of 100,899 points, expected at most 100,000",
    ),
    "an unknown sampler": ({"sampler": "tpe"}, "'tpe': unknown sampler; known: grid, random, halton"),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_clear_message(changes, message):
    with pytest.raises(UserError) as error:
        study(**changes)
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 2  # the heading, and the one mistake


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base": {"lr": [0.1, 0.01]}}, "base.lr: expected one value, around which `search` searches"),
        ({"test": "every"}, "test: expected `chosen`"),
    ],
)
def test_a_study_that_a_search_does_not_fit(changes, message):
    mapping = {"base": {"model": "vgg08"}, "test": "chosen", "search": {"space": {"lr": [0.1]}}, **changes}
    with pytest.raises(UserError, match=message):
        config.parse(Study, mapping, "studies.s")


def write_cells(folder, outcomes, losses=None):
    """Write cells with this (status, val_acc, val_loss) of the epoch whose weights were kept, if there is one.

    `losses` are the kinds of loss, by cell, other than the cross-entropy.
    """
    for name, (status, accuracy, loss) in outcomes.items():
        (folder / name).mkdir()
        kind = (losses or {}).get(name, "cross_entropy")
        (folder / name / "cell.json").write_text(json.dumps({"status": status, "record": {"loss": kind}}))
        kept = 0 if accuracy == accuracy else None
        (folder / name / "test.json").write_text(json.dumps({"epoch": kept}))
        later = f"1,9,0.1\n2,{loss / 2},{accuracy}\n"  # as accurate as the kept one, with a lower loss
        (folder / name / "history.csv").write_text(f"epoch,val_loss,val_acc\n0,{loss},{accuracy}\n{later}")
    return [folder / name for name in outcomes]


def test_the_survivors_are_the_best_that_finished(tmp_path):
    outcomes = {
        "a": ("finished", 0.5, 1.0),
        "b": ("diverged", 0.9, 0.1),
        "c": ("finished", 0.6, 2.0),
        "d": ("finished", 0.6, 1.5),
        "e": ("diverged", float("nan"), float("nan")),
    }
    folders = write_cells(tmp_path, outcomes)
    assert rungs.survivors(folders, 2)["kept"] == ["d", "c"]
    assert rungs.survivors(folders, 4)["kept"] == ["d", "c", "a"]
    ranked = rungs.survivors(folders, 1)["ranked"]
    assert [(cell["cell"], cell["val_loss"]) for cell in ranked[:3]] == [("d", 1.5), ("c", 2.0), ("a", 1.0)]
    with pytest.raises(UserError, match="all 2 cells of this rung diverged"):
        rungs.survivors([folders[1], folders[4]], 1)


def test_losses_of_several_kinds_decide_nothing(tmp_path):
    """That of smoothed labels cannot fall below 0.5 with ten classes: between equals the cross-entropy always won."""
    outcomes = {"a": ("finished", 0.6, 1.5), "b": ("finished", 0.6, 1.0), "c": ("finished", 0.7, 2.0)}
    folders = write_cells(tmp_path, outcomes, {"a": "label_smoothing"})
    assert rungs.survivors(folders, 2)["kept"] == ["c", "a"]
    assert rungs.survivors(folders[1:], 2)["kept"] == ["c", "b"]


HARM = {
    "cell.json": ('{"status": "fin', r"a/cell.json is damaged .*delete .*a/cell.json and run the workflow again"),
    "test.json": ("[]", r"a is damaged .*delete .*a/cell.json and run the workflow again"),
    "history.csv": ("epoch,train_loss\n0,1\n", r"a is damaged .*val_acc.*delete .*a/cell.json"),
    "history.csv without an epoch": ("epoch,val_acc,val_loss\n", r"a is damaged .*delete .*a/cell.json"),
    "nothing": (None, r"a/history.csv: expected a file of a finished cell, found none"),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_candidate_is_named(tmp_path, harm):
    content, message = HARM[harm]
    folder = tmp_path / "a"
    folder.mkdir()
    whole = {
        "cell.json": '{"status": "finished", "record": {"loss": "cross_entropy"}}',
        "test.json": '{"epoch": 0}',
        "history.csv": "val_acc,val_loss\n1,1\n",
    }
    for name, text in whole.items():
        (folder / name).write_text(text)
    assert rungs.survivors([folder], 1)["kept"] == ["a"]
    if content is None:
        (folder / "history.csv").unlink()
    else:
        (folder / harm.split()[0]).write_text(content)
    with pytest.raises(UserError, match=message):
        rungs.survivors([folder], 1)


TINY = {
    "datasets": {"digits": {"source": "digits", "image_size": 8}},
    "studies": {
        "search": {
            "base": {"model": "vgg08", "block": "bn", "width": 0.1, "dataset": "digits", "augmentation": "none"}
            | {"epochs": 2, "val_fraction": 0.2, "train_items": 300},
            "search": {
                "space": {"lr": {"low": 1e-3, "high": 0.1, "log": True}, "batch_size": [50, 100]},
                "max_cells": 4,
                "halving": {"epochs": [1, 2], "keep": 0.5},
                "seeds": [0, 1],
            },
            "grids": [{"block": "plain"}],  # a cell beside the search, which no rung trains
            "test": "chosen",
        }
    },
}


def test_a_search_runs_rung_by_rung_and_only_grows(tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(TINY))
    results = tmp_path / "results/search"
    targets = ["results/search/chosen.json", "results/search/figures/search.pdf"]
    _, said = snakemake(tmp_path, *targets)
    assert "(8 of 8 cells done)" in said  # including those that were added once a rung had chosen
    trained = {path.name for path in results.glob("vgg08-*")}
    assert len(trained) == 4 + 2 + 1 + 1  # two rungs, the last one's best from another seed, and the grid's
    first, second = (json.loads((results / f"search/rung{rung}.json").read_text()) for rung in (0, 1))
    assert len(first["ranked"]) == 4 and len(first["kept"]) == 2
    assert [name.replace("epochs1", "epochs2") for name in first["kept"]] == sorted(
        (cell["cell"] for cell in second["ranked"]),
        key=lambda name: first["kept"].index(name.replace("epochs2", "epochs1")),
    )
    summary = pd.read_csv(results / "summary/cells.csv")
    assert set(summary["cell"]) == trained
    assert summary["test_acc"].isna().all()  # candidates never see the test images
    chosen = json.loads((results / "chosen.json").read_text())
    assert chosen["cells"] == [second["kept"][0], second["kept"][0].replace("seed0", "seed1")]
    assert len(chosen["test_acc"]["values"]) == 2
    snakemake(tmp_path, "--report", "report.zip", "--", *targets)
    with zipfile.ZipFile(tmp_path / "report.zip") as report:
        shown = {path.rpartition("/")[2] for path in report.namelist()}
    assert shown == {"report.html", "cells.html", "search.pdf", "search.html"}
    assert (results / "figures/search.pdf").exists() and "final" in (results / "tables/search.txt").read_text()

    wider = yaml.safe_load(yaml.safe_dump(TINY))
    wider["studies"]["search"]["search"]["max_cells"] = 5
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(wider))
    said = dry_run(tmp_path, "results/search/chosen.json")
    new = {line.split()[-2] for line in said.splitlines() if "Training vgg08" in line}
    assert len(new) == 1 and not new & trained
    assert "Not counted: what search trains after the next rung of its search, because that rung decides it" in said
