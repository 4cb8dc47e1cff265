"""Ablations: rows, tables and figures, from cells made from closed forms."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from tests import student
from tests.made_ablations import BROKEN, DESIGN, GAIN, STUDY, WOBBLE, accuracy, rows_of
from tests.made_cells import CURVE, PARAMETERS, SECONDS, write_study
from tests.workflow_runs import dry_run, write_config
from workflow_scripts import make_ablation_tables, plot_ablations, plot_pareto
from workflow_scripts.engine.ablation import (
    ablation_figure,
    ablation_table,
    ablations,
    pareto,
    remedies,
    remedies_figure,
)
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import grids
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.tables import labels, statistics

# Rows


def test_levels_stand_in_their_order_beside_the_base(rows):
    assert rows.groupby("factor", sort=False)["level"].agg(list).to_dict() == {
        "width": ["0.25", "0.5", "1", "2"],
        "block": ["plain", "BN", "BN+RC"],
        "penalty": ["L2 0", "L2 0.0005", "L1 1e-05"],
    }
    assert rows[rows["base"]][["factor", "level"]].to_numpy().tolist() == [
        ["width", "1"], ["block", "plain"], ["penalty", "L2 0"],
    ]  # fmt: skip
    assert rows["value"].notna().tolist() == [True] * 4 + [False] * 6
    assert rows["group"].nunique() == len(rows) - 2  # the base has one row in every factor


def test_means_and_deviations_are_those_of_numpy(rows):
    for row in rows.itertuples():
        values = [accuracy(cell) for name, cell in grids.expand("made", STUDY).items() if name in row.cells]
        assert len(values) == row.seeds == 3
        assert row.best_val_acc == pytest.approx(np.mean(values))
        assert row.best_val_acc_std == pytest.approx(np.std(values, ddof=1))
        assert row.parameters == PARAMETERS * row.width**2 == row.forward_flops / 4
        assert row.seconds_per_epoch == SECONDS
        assert (row.epochs_to_50, row.epochs_to_90) == (3, 5)


def test_differences_are_paired_by_seed(rows):
    width = rows[rows["factor"] == "width"].set_index("level")
    base = np.array([0.5 + wobble for wobble in WOBBLE])
    levels, p_values = ["0.25", "0.5", "2"], []
    for level in levels:
        values = np.array([0.5 + 0.05 * math.log2(float(level)) + wobble / float(level) for wobble in WOBBLE])
        *interval, p_value = student.paired(values, base)
        p_values.append(p_value)
        assert width.loc[level, ["difference", "low", "high"]].tolist() == pytest.approx(interval)
    order = np.argsort(p_values)
    holm = np.maximum.accumulate(np.sort(p_values) * [3, 2, 1]).clip(max=1)
    assert width.loc[np.array(levels)[order], "p"].tolist() == pytest.approx(holm)
    assert math.isnan(width.loc["1", "difference"])


def test_how_soon_is_counted_in_epochs():
    history = pd.DataFrame(
        [("a", epoch, value) for epoch, value in enumerate([0.1, 0.5, 0.85, 1.0, 0.9])]
        + [("chance", epoch, 0.1) for epoch in range(3)],
        columns=["cell", "epoch", "val_acc"],
    )
    guessing, ten, two = {"a": 0.1, "chance": 0.1}, {"a": 0.1, "chance": 0.1}, {"a": 0.5, "chance": 0.5}
    assert ablations.epochs_to(history, 0.5, ten, guessing).to_dict() == {"a": 2}
    assert ablations.epochs_to(history, 0.9, ten, guessing).to_dict() == {"a": 3}
    assert ablations.epochs_to(history, 0.5, two, guessing).to_dict() == {"a": 3}  # at 0.7 of 0.5 to 0.9
    assert ablations.epochs_to(history, 0.9, two, guessing).to_dict() == {"a": 4}


@pytest.mark.parametrize(("largest_class", "guess"), [(math.nan, 1 / 10), (0.3, 0.3)])  # the made-up cells have ten
def test_a_network_that_only_guesses_gets_nowhere(tmp_path, largest_class, guess):
    limit = statistics.chance(guess, 1000)  # for the made-up cells' number of validation images
    near = {"bn": limit - 0.01, "bn_rc": limit + 0.01}
    folder = write_study(tmp_path, STUDY, lambda cell: near.get(cell.block, 0.5))
    pd.read_csv(folder / "cells.csv").assign(largest_class=largest_class).to_csv(folder / "cells.csv", index=False)
    found = rows_of(folder, STUDY)
    stuck = found[found["level"] == "BN"]
    assert stuck["epochs_to_50"].isna().all() and found[found["level"] != "BN"]["epochs_to_50"].notna().all()
    assert ablation_table.formatted(found[found["factor"] == "block"])["Epochs to 90 %"].tolist()[1] == "–"


def test_one_seed_has_no_deviation_and_no_verdict(tmp_path):
    study = Study(**{**DESIGN, "base": {**DESIGN["base"], "seed": [0]}})
    rows = rows_of(write_study(tmp_path, study, accuracy), study)
    assert rows["best_val_acc_std"].isna().all()
    assert set(rows.loc[~rows["base"], "verdict"]) == {"single"}
    width = rows[rows["factor"] == "width"]
    assert "±" not in ablation_table.formatted(width).to_string()
    assert "cannot be told" in ablation_table.legend(width)
    assert ablation_table.formatted(width)["Difference"].tolist() == ["−10.0", "−5.0", "–", "+5.0"]


def test_two_seeds_have_an_interval_and_no_mark(tmp_path):
    study = Study(**{**DESIGN, "base": {**DESIGN["base"], "seed": [0, 1]}})
    width = rows_of(write_study(tmp_path, study, lambda cell: 0.3 + 0.2 * cell.width), study)
    width = width[width["factor"] == "width"]
    others = width[~width["base"]]
    assert (others["low"] * others["high"] > 0).all() and set(others["verdict"]) == {"alike"}
    assert "†" not in ablation_table.formatted(width).to_string()
    said = "Fewer than 3 seeds are too few to mark a difference."
    assert said in ablation_table.legend(width)
    three = rows_of(write_study(tmp_path / "three", STUDY, accuracy), STUDY)
    assert said not in ablation_table.legend(three[three["factor"] == "width"])


def test_a_base_of_several_values_gives_levels_that_can_be_told_apart(tmp_path):
    study = Study(base={"model": "vgg08", "lr": [0.1, 0.01]}, ablations={"width": {"width": [1, 2]}})
    rows = rows_of(write_study(tmp_path, study, accuracy), study)
    assert rows["level"].tolist() == ["1, lr 0.1", "1, lr 0.01", "2, lr 0.1", "2, lr 0.01"]
    assert rows["base"].tolist() == [True, False, False, False]


def test_levels_of_several_factors_say_of_which_key_they_are(tmp_path):
    """They do so in the table and figure of all remedies and in pareto; in those of one factor the heading does."""
    factors = {
        "sizes": {"width": [1, 2, 4]},
        "loss": {"supervision": 0.3},
        "penalty": [{"l2": 5e-4}, {"l1": 1e-5}],
        "shape": {"activation": [None, "relu"]},
    }
    study = Study(base={"model": "vgg08", "epochs": 5, "activation": "relu"}, ablations=factors)
    path = write_study(tmp_path, study, accuracy)
    found = ablations.load(path)
    rows = ablations.rows(found, study)
    said = ["width 2", "width 4", "supervision 0.3", "L2 0.0005", "L1 1e-05", "activation network's own"]
    assert rows.loc[~rows["base"], "name"].tolist() == said
    assert rows.loc[~rows["base"], "level"].tolist() == ["2", "4", "0.3", *said[3:5], "network's own"]
    assert rows["varied"].unique().tolist() == ["width", "supervision", "penalty", "activation"]
    assert ablation_table.formatted(rows[rows["factor"] == "loss"]).columns[0] == "Supervision"
    drawn = rows[rows["factor"] == "sizes"]
    axes, *_ = ablation_figure.draw(ablation_figure.drawn(found, drawn), drawn).axes
    assert axes.get_xlabel().startswith("width, with the number of parameters")
    assert remedies.formatted(remedies.compared(found, rows))["Remedy"].tolist() == ["VGG08", *said]
    assert set(pareto.points(found, study)["name"]) == {"base", *said}
    assert set(remedies_figure.flows(found, rows)["level"]) == {"VGG08", *said}


def test_words_of_levels():
    assert labels.readable("label_smoothing") == "label smoothing"
    assert labels.readable("bn_rc, silu, l2 0.0005") == "BN+RC, SiLU, L2 0.0005"
    assert labels.readable("None") == "network's own"
    assert labels.readable("activation relu, loss cross_entropy, block bn_rc, clip None") == (
        "activation ReLU, loss cross-entropy, block BN+RC, clip none"
    )


def test_a_level_without_a_value_is_none_but_where_it_is_the_networks_own():
    varied = {"clip": [None, 1], "activation": [None, "relu"]}
    factors = {**{key: [{key: values}] for key, values in varied.items()}, "both": [{"clip": 1}, {"warmup_epochs": 2}]}
    levels = grids.ablations(Study(base={"model": "vgg08"}, ablations=factors))
    said = {factor: [labels.readable(level) for level in found.values()] for factor, found in levels.items()}
    assert said == {
        "clip": ["clip none", "1"],
        "activation": ["network's own", "ReLU"],
        "both": ["clip none", "clip 1", "warm-up epochs 2"],
    }


# Tables


def test_tables_say_what_the_rows_say(folder, run):
    out = run(make_ablation_tables, folder, STUDY)
    assert sorted(path.name for path in out.iterdir()) == sorted(
        f"{factor}.{suffix}" for factor in ("width", "block", "penalty") for suffix in ("csv", "html", "tex", "txt")
    )
    table = pd.read_csv(out / "block.csv")
    assert table["best_val_acc"].tolist() == pytest.approx([0.5 + gain + np.mean(WOBBLE) for gain in GAIN.values()])
    assert table["difference"].tolist()[1:] == pytest.approx([0.2, 0.3])
    text = (out / "block.txt").read_text(encoding="utf-8")
    assert re.search(r"BN\+RC +81\.3 ± 1\.5 +\+30\.0† +1,600 +2\.00 ± 0\.00 +5\.0 ± 0\.0", text)
    assert "Times (s/epoch) also depend on what else ran on the machine." in text
    assert "paired by seed" in text and "difference from the base (plain)" in text
    tex = (out / "block.tex").read_text()
    assert r"\textbf{plain} & \textbf{51.3\,$\pm$\,1.5}" in tex
    assert r"$+$" not in tex and r"+30.0\textsuperscript{\dag}" in tex


@pytest.mark.parametrize("verdict", ["higher", "lower", "alike", "single"])
def test_differences_that_the_seeds_can_tell_are_marked(rows, verdict):
    block = rows[rows["factor"] == "block"]
    said = ablation_table.formatted(block.assign(verdict=verdict))["Difference"][1:]
    assert set(said.str.endswith("†")) == {verdict in ("higher", "lower")}


def test_accuracies_have_the_decimals_that_their_images_allow(rows):
    width = rows[rows["factor"] == "width"].assign(val_images=10_000)
    assert ablation_table.formatted(width)["Difference"].iloc[0] == "−6.00"
    few = ablation_table.formatted(width.assign(val_images=50, difference=-0.0004))
    assert few["Val. acc. (%)"].str.fullmatch(r"\d+ ± \d+").all() and few["Difference"].iloc[0] == "+0"


# Divergence


@pytest.mark.parametrize("end", [0, 2])
@pytest.mark.parametrize("diverged", [BROKEN["one seed of a level"], BROKEN["all"]], ids=["one seed", "all"])
def test_what_diverged_is_shown(tmp_path, run, diverged, end):
    folder = write_study(tmp_path / "made", STUDY, accuracy, diverged, end)
    out = run(make_ablation_tables, folder, STUDY)
    assert run(plot_ablations, folder, STUDY) == out
    for row in rows_of(folder, STUDY).itertuples():
        broken = len(set(row.cells) & set(diverged))
        table = pd.read_csv(out / f"{row.factor}.csv", dtype={"level": str}).set_index("level")
        assert table.loc[row.level, "diverged"] == broken
        assert math.isnan(table.loc[row.level, "best_val_acc"]) == (broken == 3)
        assert not broken or f"{broken} of 3 diverged" in (out / f"{row.factor}.txt").read_text(encoding="utf-8")
        drawn = pd.read_csv(out / f"{row.factor}-drawn.csv", dtype={"level": str})
        seeds = drawn[(drawn["kind"] == "seed") & (drawn["level"] == row.level)]
        assert seeds["diverged"].notna().sum() == broken


def test_a_seed_that_diverged_is_no_part_of_the_difference(tmp_path):
    rows = rows_of(write_study(tmp_path, STUDY, accuracy, BROKEN["one seed of a level"]), STUDY).set_index("level")
    gains = [0.05 - WOBBLE[seed] / 2 for seed in (0, 2)]
    assert rows.loc["2", "difference"] == pytest.approx(np.mean(gains))
    assert rows.loc["2", "pairs"] == 2


def test_what_shares_fewer_than_two_seeds_is_compared_and_said_not_to_be_paired(tmp_path):
    levels = [{"width": 2, "seed": [2, 3, 4]}, {"width": 0.5}]
    study = Study(base=DESIGN["base"], ablations={"width": levels})
    rows = rows_of(write_study(tmp_path, study, lambda cell: cell.width / 4 + cell.seed / 1000), study)
    assert rows.set_index("level")["pairs"].to_dict() == {"0.5": 3, "1": 0, "2": 0}
    assert set(rows.loc[~rows["base"], "verdict"]) == {"higher", "lower"}
    assert "paired by seed where two or more are shared." in ablation_table.legend(rows)


# Figures


def test_figures_show_every_seed_and_curve(folder, run):
    out = run(plot_ablations, folder, STUDY)
    drawn = pd.read_csv(out / "block-drawn.csv")
    seeds, curve = drawn[drawn["kind"] == "seed"], drawn[drawn["kind"] == "curve"]
    assert seeds[["level", "seed"]].to_numpy().tolist() == [
        [level, seed] for level in ("plain", "BN", "BN+RC") for seed in range(3)
    ]
    assert seeds["val_acc"].tolist() == pytest.approx([0.5 + g + w for g in GAIN.values() for w in WOBBLE])
    bn = curve[curve["level"] == "BN"]
    assert bn["val_acc"].tolist() == pytest.approx([share * (0.7 + np.mean(WOBBLE)) for share in CURVE])
    assert bn["val_acc_std"].tolist() == pytest.approx([share * np.std(WOBBLE, ddof=1) for share in CURVE])


@pytest.mark.parametrize("module", [plot_ablations, plot_pareto])
def test_a_figure_is_a_vector_pdf_with_the_same_bytes_each_time(folder, run, module):
    names = {plot_ablations: ("first", "second"), plot_pareto: ("first.pdf", "second.pdf")}[module]
    first, second = (run(module, folder, STUDY, out) for out in names)
    first, second = (path if path.is_file() else path / "width.pdf" for path in (first, second))
    content = first.read_bytes()
    assert content.startswith(b"%PDF-") and b"/Subtype /Image" not in content
    assert content == second.read_bytes()


def test_numbers_stand_on_an_axis_with_their_sizes_below(folder):
    found = ablations.load(folder)
    rows = ablations.rows(found, STUDY)
    width = rows[rows["factor"] == "width"]
    axes = ablation_figure.draw(ablation_figure.drawn(found, width), width).axes[0]
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.get_xticklabels()] == [
        "0.25\n100", "0.5\n400", "1 (base)\n1.6 k", "2\n6.4 k",
    ]  # fmt: skip


# Rules


def test_rules_name_every_file(tmp_path):
    design = {**DESIGN, "base": {**DESIGN["base"], "augmentation": "none"}}
    config = {"datasets": {"digits": {"source": "digits"}}, "studies": {"a": {**design, "test": "chosen"}, "b": design}}
    write_config(tmp_path, config)
    made = [f"ablations/{factor}.{kind}" for factor in ("width", "block", "penalty") for kind in ("tex", "pdf")]
    made += ["figures/pareto.pdf", "figures/samples_digits.pdf"]
    said = dry_run(tmp_path, "results/a/chosen.json", *(f"results/{study}/{name}" for study in "ab" for name in made))
    assert "Drawing all factors (a)" in said and "Choosing by validation accuracy" in said


# Mistakes


@pytest.mark.parametrize("name", ["make_ablation_tables", "plot_ablations", "plot_pareto"])
@pytest.mark.parametrize(
    ("study", "message"),
    [
        ("{", "--study"),
        ('{"base": {"widht": 2}, "grids": [{}]}', "base.widht: unknown key; did you mean 'width'?"),
        ('{"grids": [{}]}', "expected at least one factor in `ablations`"),
        ('{"ablations": {"width": {"width": [1, 7]}}}', "ablations.width: expected the cell vgg38-plain-lr0.001-seed0"),
    ],
)
def test_mistakes_get_one_line(folder, tmp_path, refused, name, study, message):
    assert message in refused(name, "--summary", folder, "--study", study, "--out", tmp_path / "out.pdf")
    assert not any(tmp_path.iterdir())


def test_a_summary_of_an_older_time_is_named(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    pd.read_csv(folder / "cells.csv").drop(columns="forward_flops").to_csv(tmp_path / "cells.csv")
    with pytest.raises(UserError, match="cells.csv: expected the columns forward_flops"):
        ablations.load(tmp_path)
