"""What rows are called next to others: no two different rows of a study have the same name."""

import pandas as pd
import pytest

from tests.made_summaries import record, write_summary
from workflow_scripts import plot_grad_flow
from workflow_scripts.engine.tables import labels, names, result_table, summary

SIZES = {"parameters": 1, "num_classes": 2, "largest_class": 0.5, "val_images": 100}
PAIR = [record("bn", lr=0.1, growth_rate=12), record("bn", lr=0.01, weight_decay=0.5)]


def rows_of(records):
    """The rows of `over_seeds` for records with one seed; the last diverged."""
    cells = pd.DataFrame(records).assign(**SIZES, diverged_step=None)
    cells["cell"] = [f"cell{place}" for place in range(len(cells))]
    cells["status"] = ["finished"] * (len(cells) - 1) + ["diverged"]
    return summary.over_seeds(cells.assign(**dict.fromkeys(summary.METRICS, 0.5)))


def test_values_have_the_names_that_the_tables_of_ablations_give_them():
    rows = rows_of([record(optimizer="own_adam", loss="mse"), record(optimizer="sgd", loss="cross_entropy")])
    table = result_table.formatted(rows)
    assert {*table["Optimiser"], *table["Loss"]} == {"own Adam", "SGD", "squared error", "cross-entropy"}
    assert sorted(names.in_study(rows)) == [
        "VGG38, loss cross-entropy, optimiser SGD",
        "VGG38, loss squared error, optimiser own Adam",
    ]


def test_a_legend_tells_rows_apart_by_what_differs():
    assert names.in_legend(rows_of(PAIR[::-1])) == [
        "VGG38 BN, lr 0.01, growth rate network's own, wd 0.5",
        "VGG38 BN, lr 0.1, growth rate 12, wd 0, diverged",
    ]


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([record("bn"), record("rc", width=2)], ["VGG38 BN", "VGG38 RC"]),
        ([record("bn", width=1), record("bn", width=2)], ["VGG38 BN, width 1", "VGG38 BN, width 2"]),
        ([record("bn", lr=1), record("bn", lr=2)], ["VGG38 BN, lr 1", "VGG38 BN, lr 2"]),
    ],
)
def test_a_row_is_told_from_those_of_its_label_alone(records, said):
    assert names.in_study(rows_of(records)) == said


def test_a_title_says_the_rate_and_what_else_tells_a_row_from_its_namesakes():
    rows = rows_of([*PAIR, record("rc", dropout=0.5)])
    assert [names.title(row, rows) for _, row in rows.iterrows()] == [
        "VGG38 BN, lr 0.01, growth rate network's own, wd 0.5",
        "VGG38 BN, lr 0.1, growth rate 12, wd 0",
        "VGG38 RC, lr 0.001, diverged",
    ]


def test_figures_of_two_networks_that_differ_in_an_option_have_different_titles(tmp_path, run, monkeypatch):
    source = write_summary(tmp_path / "summary", [record(growth_rate=rate) for rate in (2, 8)])
    titles = []
    draw = plot_grad_flow.grad_flow.draw_epochs
    monkeypatch.setattr(plot_grad_flow.grad_flow, "draw_epochs", lambda *what: titles.append(what[1]) or draw(*what))
    for rate in (2, 8):
        run(plot_grad_flow, source, "--select", f"growth_rate={rate}")
    assert titles == ["VGG38, lr 0.001, growth rate 2", "VGG38, lr 0.001, growth rate 8"]


@pytest.mark.parametrize(
    ("key", "said"),
    [("growth_rate", "network's own"), ("activation", "network's own"), ("clip", "none"), ("train_items", "all")],
)
def test_what_null_means_has_one_word_everywhere(key, said):
    value = {"growth_rate": 12, "activation": "relu", "clip": 1.0, "train_items": 500}[key]
    rows = rows_of([record(), record(**{key: value})])
    (column,) = (name for name in result_table.formatted(rows) if name.lower().replace(" ", "_") == key)
    assert result_table.formatted(rows)[column][0] == said
    assert (
        names.in_study(rows)[0] == f"VGG38, {labels.readable(key)} {said}" == f"VGG38, {labels.readable(f'{key} None')}"
    )
