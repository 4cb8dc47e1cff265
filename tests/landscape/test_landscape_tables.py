"""A landscape study in numbers: its tables, its envelopes and its findings, from closed forms."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from tests.made_landscapes import (
    END,
    LAGS,
    LAYERS,
    RATES,
    SCALE,
    SIZES,
    STEPS,
    STUDY,
    loss,
    network,
    records,
    write_study,
)
from workflow_scripts import make_landscape_table
from workflow_scripts.engine.landscape import figures, findings, names, protocols, runs, tables

# Tables


def test_tables_hold_what_was_measured(folder):
    steps, lags, walks, shifts = (pd.read_csv(folder / name) for name in names.TABLES)
    cells = len(SCALE) * (len(RATES) + 1)
    assert len(steps) == cells * STEPS
    assert len(lags) == cells * sum(STEPS - lag for lag in LAGS)  # no row if there is nothing to compare with
    assert len(walks) == len(SCALE) * STEPS // 5 * len(SIZES)
    assert len(shifts) == len(SCALE) * STEPS // 5 * len(LAYERS)
    row = lags[(lags["cell"] == "cell1") & (lags["step"] == 7) & (lags["lag"] == 3)].iloc[0]
    assert (row["gradient_distance"], row["weight_distance"]) == pytest.approx(
        (4 * 0.002 * 3 * 8, 0.002 * 3**0.5), 1e-5
    )
    row = walks[(walks["cell"] == "cell6") & (walks["step"] == 10) & (walks["step_size"] == 4)].iloc[0]
    assert (row["loss"], row["loss_here"], row["gradient_distance"]) == (60, 1, 176)
    row = shifts[(shifts["cell"] == "cell7") & (shifts["step"] == 5) & (shifts["depth"] == 2)].iloc[0]
    assert (row["layer"], row["l2"], row["cosine"]) == ("features.6", 2, 0.8)


def test_large_tables_keep_every_nth_step(tmp_path, monkeypatch, study):
    monkeypatch.setattr(tables, "MOST_ROWS", 8 * STEPS * len(LAGS) // 3)
    folder = write_study(tmp_path)
    kept = list(range(0, STEPS, 4))  # keeping every third would give a few rows too many
    steps, lags, walks, _ = (pd.read_csv(folder / name) for name in names.TABLES)
    assert sorted(steps["step"].unique()) == kept and sorted(lags["step"].unique()) == kept[1:]
    assert sorted(walks["step"].unique()) == list(range(0, STEPS, 5))  # there are few probes
    assert sorted(runs.loss_envelope(runs.load(folder, study).steps)["step"].unique()) == kept


# Envelopes


@pytest.mark.parametrize("block", SCALE)
def test_min_and_max_curves_are_those_over_the_rates(landscape, block):
    found = runs.loss_envelope(landscape.steps)
    found = found[found["network"] == network(landscape, block)].set_index("step")
    curves = np.array([loss(block, lr, np.arange(STEPS)) for lr in RATES])
    assert found["min_curve"].to_numpy() == pytest.approx(curves.min(axis=0), rel=1e-5)
    assert found["max_curve"].to_numpy() == pytest.approx(curves.max(axis=0), rel=1e-5)
    assert set(found["runs"]) == {len(RATES)}


@pytest.mark.parametrize("lag", LAGS)
def test_gradient_distances_of_a_lag(landscape, lag):
    found = runs.VGG_Grad_Pred(landscape.lags, lag)
    found = found[found["network"] == network(landscape, "plain")]
    steps = np.arange(lag, STEPS)
    assert found["step"].tolist() == steps.tolist()
    assert found["min_curve"].to_numpy() == pytest.approx(4 * RATES[0] * lag * (1 + steps), rel=1e-5)
    assert found["max_curve"].to_numpy() == pytest.approx(4 * RATES[-1] * lag * (1 + steps), rel=1e-5)


def test_beta_is_the_largest_quotient_over_the_lags(landscape):
    found = runs.VGG_Beta_Smooth(landscape.lags)
    found = found[found["network"] == network(landscape, "bn")].set_index("step")
    steps = found.index.to_numpy()
    expected = np.where(steps >= 3, 3**0.5, 1) * (1 + steps)  # lag / sqrt(lag) grows with the lag, once there is one
    assert found["max_curve"].to_numpy() == pytest.approx(expected, rel=1e-5)
    assert found["min_curve"].to_numpy() == pytest.approx(expected, rel=1e-5)


def test_a_diverged_rate_leaves_the_envelope_where_it_ended(tmp_path, study):
    landscape = runs.load(write_study(tmp_path, diverged={2}), study)
    found = runs.loss_envelope(landscape.steps)
    plain = found[found["network"] == network(landscape, "plain")].set_index("step")
    assert plain["runs"].tolist() == [3] * END + [2] * (STEPS - END)
    rest = [loss("plain", lr, np.arange(END, STEPS)) for lr in RATES[:2]]
    assert plain["max_curve"][END:].to_numpy() == pytest.approx(np.max(rest, axis=0), rel=1e-5)
    assert landscape.ends.to_dict("records") == [
        {"protocol": "rates", "network": network(landscape, "plain"), "lr": 0.004, "seed": 0, "step": END}
    ]
    figure, _ = figures.loss_envelope(tmp_path / "summary", study)
    assert "VGG-A diverged: lr 0.004 at step 17" in [text.get_text() for text in figure.legends[0].texts]
    (cross,) = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert cross.get_xdata() == [END]


def test_a_run_that_stands_still_for_a_step_goes_on(tmp_path, study):
    """As with `cosine_course_2023` and `final_lr: 0`, where the rate is 0 now and then."""

    def change(cell, found):
        if cell["block"] == "plain" and cell["lr"] == RATES[-1]:
            found["weight_distance"][:, 10] = 0
        return found

    landscape = runs.load(write_study(tmp_path, change=change), study)
    found = runs.VGG_Beta_Smooth(landscape.lags)
    plain = found[found["network"] == network(landscape, "plain")]
    assert plain.set_index("step")["runs"].to_dict() == {step: 2 if step == 10 else 3 for step in range(1, STEPS)}


def test_a_range_of_one_run_is_no_range(tmp_path, study):
    landscape = runs.load(write_study(tmp_path, diverged={1, 2}), study)
    values = runs.per_step(landscape)
    ranges = values[(values["quantity"] == "loss_range") & (values["protocol"] == "rates")]
    plain = ranges[ranges["network"] == network(landscape, "plain")]
    assert plain["step"].tolist() == list(range(END))


def test_a_walk_into_infinity_is_wider_than_any_other(tmp_path, study):
    def change(cell, found):
        if "walk_loss" in found and cell["block"] == "plain":
            found["walk_loss"][0, -1] = math.inf
            found["walk_loss"][1, -1] = math.nan
        return found

    landscape = runs.load(write_study(tmp_path, change=change), study)
    table = protocols.quantiles(runs.per_step(landscape))
    rows = table[(table["protocol"] == "walk") & (table["quantity"] == "loss_range")].set_index("network")
    assert rows["maximum"].tolist() == [math.inf, 3.5]
    assert rows["median"].tolist() == [4 * 3.5, 3.5]
    facts = findings.context(landscape)
    assert facts["beyond"] == {"VGG-A": (2, 8), "VGG-A BN": (0, 8)}
    assert protocols.formatted(table, landscape.networks)["Maximum"].str.contains("∞").any()
    assert r"$\infty$" in protocols.tabular(table, landscape.networks)
    figures.walks(tmp_path / "summary", study)


def test_a_walk_that_led_nowhere_is_left_out(tmp_path, study):
    """With `cosine_course_2023` and `final_lr: 0`, the rate is 0 now and then."""

    def change(cell, found):
        if "walk_loss" in found and cell["block"] == "plain":
            found["walk_gradient_distance"][-1], found["walk_beta"][-1] = 0, math.nan
        return found

    table = protocols.quantiles(runs.per_step(runs.load(write_study(tmp_path, change=change), study)))
    rows = table[table["protocol"] == "walk"]
    assert np.isfinite(rows["maximum"]).all() and rows["steps"].tolist() == [7, 8] * 3


@pytest.mark.parametrize("points", [7, STEPS, 1000])
def test_windows_are_medians_and_extremes(landscape, points):
    curves = runs.loss_envelope(landscape.steps)
    curves = curves.assign(min_curve=curves["step"] ** 2.0, max_curve=1000.0 + 2.0 ** curves["step"])
    found = runs.windows(curves, points)
    assert found.groupby("network").size().max() <= points
    size = -(-STEPS // points) if points < STEPS else 1
    group = curves[curves["network"] == 0].iloc[:size]
    low, high = group["min_curve"], group["max_curve"]
    first = found[found["network"] == 0].iloc[0]
    assert first[["step", "steps"]].tolist() == [0, size]
    assert first[["low", "high", "lowest", "highest"]].tolist() == [
        np.median(low),
        np.median(high),
        min(low),
        max(high),
    ]


def test_widths_of_infinite_and_of_single_curves():
    curves = pd.DataFrame(
        {"min_curve": [1, 1, math.inf, 1], "max_curve": [3, math.inf, math.inf, 3], "runs": [2, 2, 2, 1]}
    )
    np.testing.assert_array_equal(runs.width(curves), [2, math.inf, math.inf, math.nan])


# Both protocols in numbers


def test_numbers_have_three_digits_or_are_powers_of_ten(landscape):
    row = {"protocol": "walk", "quantity": "beta", "network": 0, "steps": 20}
    table = pd.DataFrame([{**row, "minimum": 0.0, "low": 0.5, "median": 999.4, "high": 999.7, "maximum": 1234.0}])
    said = protocols.formatted(table, landscape.networks).iloc[0]
    assert said[list(protocols.HEADINGS.values())].tolist() == ["999", "0", "0.500", "1000", "1234"]


def test_of_few_steps_there_are_no_quantiles(landscape):
    """They would just be the minimum and the maximum."""
    table = protocols.quantiles(runs.per_step(landscape))
    few = table["steps"] < protocols.ENOUGH
    assert few.tolist() == (table["protocol"] == "walk").tolist()
    assert (table["low"] == table["minimum"])[few].all() and (table["high"] == table["maximum"])[few].all()
    shown = protocols.formatted(table, landscape.networks)
    for heading, left_out in {"Minimum": few & False, "5 %": few, "95 %": few, "Maximum": few & False}.items():
        assert ((shown[heading] == "–") == left_out).all(), heading
    assert protocols.reach(table) == "5 to 95 % of the steps (of fewer than 20: all)"
    assert protocols.reach(table[~few]) == "5 to 95 % of the steps"


def test_quantiles_are_of_the_steps(landscape):
    table = protocols.quantiles(runs.per_step(landscape)).set_index(["protocol", "quantity", "network"])
    assert len(table) == 12
    row = table.loc["walk", "gradient_distance", network(landscape, "plain")]
    values = 4 * 4 * (1.0 + np.arange(0, STEPS, 5))
    assert (row["steps"], row["median"], row["maximum"]) == (8, np.median(values), values.max())
    row = table.loc["rates", "loss_range", network(landscape, "bn")]
    widths = np.abs(20 - np.arange(STEPS)) * (RATES[-1] - RATES[0])
    low, high = np.quantile(widths, (0.05, 0.95), method="inverted_cdf")
    assert row[["low", "median", "high"]].tolist() == pytest.approx([low, np.median(widths), high], rel=1e-3)


def test_findings_say_which_is_larger(landscape):
    facts = findings.context(landscape)
    assert (facts["first"].label, [other.label for other in facts["others"]]) == ("VGG-A", ["VGG-A BN"])
    assert (facts["rates"], facts["step_sizes"], facts["probed"]) == (list(RATES), list(SIZES), 8)
    for quantities in facts["protocols"].values():
        for quantity in quantities.values():
            found = quantity.compared["VGG-A BN"]
            assert (found.verdict, found.opposed) == ("larger", False)
            assert found.ratio == pytest.approx(4, rel=1e-3)
            assert found.opening is None
            assert found.above >= found.steps - 1  # where the rates cross, both ranges are 0
    assert facts["protocols"]["rates"]["loss_range"].compared["VGG-A BN"].above == STEPS - 1
    assert facts["agree"] == dict.fromkeys(runs.QUANTITIES, True)
    assert facts["lags"][3].spread["VGG-A"].steps == STEPS - 3
    assert [row.depth for row in facts["shift"]] == [1, 2, 3]
    assert facts["shift"][2].cosine["VGG-A BN"].median == pytest.approx(0.7)
    assert facts["norms"] == {"VGG-A": 0.4, "VGG-A BN": 0.4}


@pytest.mark.parametrize(
    ("one", "two", "verdict", "ratio"),
    [
        (1.0, 1.05, "alike", 1 / 1.05),
        (1.05, 1.0, "alike", 1.05),
        (1.0, 1.2, "smaller", 1 / 1.2),
        (1.2, 1.0, "larger", 1.2),
        (0.0, 0.0, "alike", 1),
        (1.0, 0.0, "larger", math.inf),
        (math.inf, 1.0, "larger", math.inf),
        (1.0, math.inf, "smaller", 0),
        (math.inf, math.inf, "alike", 1),
    ],
)
def test_verdicts_of_two_numbers(one, two, verdict, ratio):
    assert findings._verdict(one, two) == (verdict, pytest.approx(ratio))


def test_a_median_and_a_maximum_may_contradict_each_other(tmp_path, study):
    def change(cell, found):
        if cell["block"] == "bn":
            found["gradient_distance"][:, -1] *= 1000
        return found

    facts = findings.context(runs.load(write_study(tmp_path, change=change), study))
    found = facts["protocols"]["rates"]["gradient_distance"].compared["VGG-A BN"]
    assert (found.verdict, found.opposed) == ("larger", True)
    assert (found.above, found.steps) == (STEPS - 2, STEPS - 1)


def test_the_first_steps_may_be_the_other_way_round(tmp_path, study):
    def change(cell, found):
        if cell["block"] == "bn":
            found["gradient_distance"][:, np.delete(np.arange(9), 5)] *= 1000
            found["gradient_distance"][:, 5] *= SCALE["plain"]  # a tie, which ends no opening
        return found

    facts = findings.context(runs.load(write_study(tmp_path, change=change), study))
    found = facts["protocols"]["rates"]["gradient_distance"].compared["VGG-A BN"]
    assert (found.verdict, found.opening, found.above) == ("larger", 8, STEPS - 9)


def test_the_table_is_written_three_times(folder, run):
    out = run(make_landscape_table, folder, "--study", json.dumps(STUDY), out="landscape_table.csv")
    numbers = pd.read_csv(out)
    assert numbers["network"].unique().tolist() == ["VGG-A", "VGG-A BN"]
    assert numbers.groupby("protocol").size().to_dict() == {"rates": 6, "walk": 6}
    assert out.with_suffix(".txt").read_text(encoding="utf-8").count("VGG-A BN") == 6
    tex = out.with_suffix(".tex").read_text(encoding="utf-8")
    assert r"$\beta$" in tex and tex.count(r"\midrule") == 6 and "β" not in tex


def test_networks_that_differ_in_an_option_are_told_apart_by_it(tmp_path, study):
    found = runs.load(write_study(tmp_path, records() + records(width=0.5)), study).networks
    assert sorted(found["label"]) == ["VGG-A BN, width 0.5", "VGG-A BN, width 1", "VGG-A, width 0.5", "VGG-A, width 1"]
