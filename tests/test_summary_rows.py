"""Rows of a summary: means over seeds, the best, what a selection finds, and incomplete tables."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from tests.made_summaries import LAYERS, record, study, write_summary
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.tables import gathering, labels, machines, selections, summary


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_summary(tmp_path_factory.mktemp("full") / "summary", study())


def test_means_and_deviations_over_seeds_are_those_of_numpy(folder):
    study = summary.load(folder)
    rows = summary.over_seeds(study.cells)
    assert list(rows["label"]) == [
        "VGG08", "VGG08 BN", "VGG08 RC", "VGG08 BN+RC", "VGG38", "VGG38 BN", "VGG38 RC", "VGG38 BN+RC",
    ]  # fmt: skip
    for _, row in rows.iterrows():
        cells = study.cells[study.cells["cell"].isin(row["cells"])]
        assert (row["seeds"], row["diverged"], row["finished"]) == (3, 0, row["cells"])
        for metric in summary.METRICS:
            assert row[metric] == pytest.approx(np.mean(cells[metric]))
            assert row[f"{metric}_std"] == pytest.approx(np.std(cells[metric], ddof=1))


def test_no_key_of_a_cell_has_the_name_of_a_column_beside_it(folder):
    """With two columns of one name a table would show the wrong one: a new key whose name is taken is caught here."""
    measured = (*gathering.MEASURED, *gathering.LAST_EPOCH, *gathering.BEST_EPOCH, *machines.COLUMNS)
    beside = {"cell", "group", "label", "network", "colour", *measured, *summary.outcome(summary.load(folder).cells)}
    assert not beside & set(summary.RECORD)


def test_a_single_seed_has_a_mean_and_no_deviation(tmp_path):
    rows = summary.over_seeds(summary.load(write_summary(tmp_path, study(seeds=1))).cells)
    assert rows["val_acc"].notna().all()
    assert rows["val_acc_std"].isna().all()


def test_keys_that_are_null_in_some_cells_lose_no_row(tmp_path):
    records = [record(train_items=items, seed=seed) for items in (None, 500) for seed in (0, 1)]
    rows = summary.over_seeds(summary.load(write_summary(tmp_path, records)).cells)
    assert [row["cells"] for _, row in rows.iterrows()] == [["cell0", "cell1"], ["cell2", "cell3"]]
    assert summary.varying(rows) == ["train_items"]
    assert summary.select(rows, {"train_items": None})["group"].tolist() == [0]


def test_means_leave_out_cells_that_diverged(tmp_path):
    cells = summary.load(write_summary(tmp_path, study(["vgg38"], ["rc", "bn"]), {1, 3, 4, 5})).cells
    steps = cells["diverged_step"] + cells["seed"]  # a later one for each seed
    bn, rc = (row for _, row in summary.over_seeds(cells.assign(diverged_step=steps)).iterrows())
    assert (rc["diverged"], rc["finished"], rc["diverged_step"]) == (1, ["cell0", "cell2"], 18)
    assert rc["val_acc"] == pytest.approx((0.70 + 0.72) / 2)
    assert (bn["diverged"], bn["finished"], bn["diverged_step"]) == (3, [], 17)
    assert math.isnan(bn["val_acc"])


def test_gradients_are_those_of_cells_that_finished_in_epochs_that_all_layers_have(tmp_path):
    folder = write_summary(tmp_path, study(["vgg38"], ["rc"]), diverged={1})
    table = pd.read_csv(folder / "gradients.csv")
    table.loc[(table["epoch"] == 2) & (table["depth"] == 1), "mean_abs"] = math.inf
    table.to_csv(folder / "gradients.csv", index=False)
    found = summary.load(folder)
    means = summary.gradients_of(found, summary.over_seeds(found.cells).iloc[0])
    assert means["epoch"].unique().tolist() == [0, 1]
    assert means["mean_abs"].iloc[0] == pytest.approx(math.sqrt(1 * 5) * 10.0 ** -len(LAYERS))


def test_means_over_epochs_are_of_what_is_finite():
    losses = [1.0, math.inf, -math.inf, 2.0, 4.0, math.nan]
    table = pd.DataFrame({"cell": [*"abcabc"], "epoch": [0, 0, 0, 1, 1, 1], "loss": losses})
    found = summary.over_epochs(table, ["a", "b", "c"], ["loss"])
    assert found["loss"].tolist() == [1, 3]
    assert found["loss_std"].tolist() == pytest.approx([math.nan, math.sqrt(2)], nan_ok=True)


def test_rows_stand_in_the_order_of_networks_then_blocks_then_rates(tmp_path):
    networks, blocks, rates = ("vgg08", "vgg38"), ("plain", "bn"), (0.01, 0.1)
    expected = [*itertools.product(networks, blocks, rates)]
    records = [record(block, model=model, lr=lr) for model, block, lr in reversed(expected)]
    rows = summary.over_seeds(summary.load(write_summary(tmp_path, records)).cells)
    assert [*rows[["model", "block", "lr"]].itertuples(index=False, name=None)] == expected


def test_best_is_the_highest_validation_accuracy_then_the_lowest_loss():
    def row(accuracy, loss, diverged=0, kind="cross_entropy"):
        return {"val_acc": accuracy, "val_loss": loss, "diverged": diverged, "loss": kind}

    assert summary.best(pd.DataFrame([row(0.4, 1), row(0.5, 2), row(0.5, 1.5), row(0.5, 1.6)])).name == 2
    unlike = [row(0.4, 1), row(0.5, 2), row(0.5, 0.1, kind="mse")]  # losses on no common scale
    assert summary.best(pd.DataFrame(unlike)).name == 1
    assert summary.best(pd.DataFrame([row(0.4, 0.1, kind="mse"), row(0.5, 2), row(0.5, 1.5)])).name == 2
    assert summary.best(pd.DataFrame([row(0.4, 1), row(0.9, 1, diverged=2)])).name == 0
    with pytest.raises(UserError, match="diverged"):
        summary.best(pd.DataFrame([row(math.nan, math.nan, diverged=1)]))


def test_best_is_one_that_finished_even_if_those_with_fewer_diverged_seeds_have_none():
    rows = pd.DataFrame({"diverged": [1, 2, 2], "val_acc": [math.nan, 0.5, 0.6], "val_loss": [math.nan, 1.0, 1.0]})
    rows["loss"] = "cross_entropy"
    assert summary.best(rows).name == 2
    with pytest.raises(UserError, match="only diverged ones"):
        summary.best(rows[:1])


def test_pick_stays_where_it_was_when_a_grid_grows():
    records = [record("plain", weight_decay=decay, model="vgg38") for decay in (1e-4, 0.0, 1e-3)]
    cells = pd.DataFrame(records).assign(
        cell="c", **dict.fromkeys(summary.SIZES, 1), status="finished", diverged_step=None
    )
    rows = summary.over_seeds(cells.assign(**dict.fromkeys(summary.METRICS, 0.5)))
    assert summary.pick(rows, {"model": "vgg38"})["weight_decay"] == 0
    with pytest.raises(
        UserError, match="--select: expected cells with block=rc, found none; there are: VGG38 lr=0.001"
    ):
        summary.pick(rows, {"block": "rc"}, "--select")


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"dataset": "cifar100", "width": 1}, ""),
        (
            {"width": 1},
            "note: --select leaves growth_rate, dataset open; "
            "chosen from 2: growth_rate network's own, dataset cifar100\n",
        ),
        ({}, "note: --select leaves width, growth_rate, dataset open; "),
    ],
)
def test_pick_says_what_a_selection_leaves_open_and_what_is_taken(tmp_path, capsys, chosen, said):
    records = [record(), record(dataset="digits", growth_rate=8), record(width=2)]
    rows = summary.over_seeds(summary.load(write_summary(tmp_path, records)).cells)
    assert summary.pick(rows, chosen, "--select")["cells"] == ["cell0"]
    found = capsys.readouterr().err
    assert found.startswith(said) and found.count("\n") == bool(said)


@pytest.mark.parametrize(
    ("model", "block", "label"),
    [
        ("vgg08", "plain", "VGG08"),
        ("vgg38", "bn_rc", "VGG38 BN+RC"),
        ("vgg38", "bn_tanh", "VGG38 BN+TANH"),
        ("vgg_a", "plain", "VGG-A"),
    ],
)
def test_labels(model, block, label):
    assert labels.label({"model": model, "block": block}) == label


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["block=bn", "lr"], "expected KEY=VALUE, for example lr=0.001, but found 'lr'"),
        (["=1"], "expected KEY=VALUE, for example lr=0.001, but found '=1'"),
        (["block=bn", "lr=fast"], "--select block=bn lr=fast is not valid:\n  lr: 'fast'"),
        (["lr=1=2"], "lr: '1=2'"),
        (["rate=1"], "rate: unknown key"),
        (["block=nothing"], "block: 'nothing': unknown block; known: plain"),
    ],
)
def test_selections_that_mean_nothing_are_refused(words, message):
    with pytest.raises(UserError, match=message):
        selections.parse(words)


def test_selections_are_typed_by_the_record():
    assert selections.parse(["lr=1e-3", "epochs=10", "train_items=null", "block=bn"]) == {
        "lr": 0.001, "epochs": 10, "train_items": None, "block": "bn",
    }  # fmt: skip


def test_rows_are_chosen_once_each_in_the_order_in_which_they_are_asked_for(tmp_path):
    records = [record(block, lr=lr) for block in ("plain", "bn") for lr in (0.01, 0.1)]
    rows = summary.over_seeds(summary.load(write_summary(tmp_path, records)).cells)
    words = [["block=bn", "lr=0.1"], ["block=plain", "lr=0.01"], ["lr=0.1", "block=bn"], ["block=bn", "lr=0.01"]]
    assert selections.chosen(rows, words, False)["group"].tolist() == [3, 0, 2]
    assert selections.chosen(rows, words[:2], True)["group"].tolist() == [3, 0, 2]  # among equals the first is the best


@pytest.mark.parametrize("missing", ["cells.csv", "history.csv", "gradients.csv", "dataset.json"])
def test_a_missing_table_is_named(tmp_path, missing):
    (write_summary(tmp_path, study(seeds=1)) / missing).unlink()
    with pytest.raises(UserError, match=missing):
        summary.load(tmp_path)


@pytest.mark.parametrize("damaged", ["cells.csv", "history.csv", "gradients.csv", "dataset.json"])
def test_a_damaged_table_is_named(tmp_path, damaged):
    (write_summary(tmp_path, study()) / damaged).write_text("")
    with pytest.raises(UserError, match=f"{damaged} is damaged .*; run summarise again"):
        summary.load(tmp_path)


def test_a_table_without_a_cell_is_named(tmp_path):
    cells = pd.read_csv(write_summary(tmp_path, study(seeds=1)) / "cells.csv")
    cells[:0].to_csv(tmp_path / "cells.csv", index=False)
    with pytest.raises(UserError, match=r"cells\.csv: expected at least one cell, found none"):
        summary.load(tmp_path)


def test_a_missing_column_is_named(tmp_path):
    cells = pd.read_csv(write_summary(tmp_path, study(seeds=1)) / "cells.csv")
    cells.drop(columns="schedule").to_csv(tmp_path / "cells.csv", index=False)
    with pytest.raises(UserError, match="cells.csv: expected the columns schedule"):
        summary.load(tmp_path)
