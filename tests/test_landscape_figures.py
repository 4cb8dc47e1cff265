"""Tables, figures and findings of a landscape study: from closed forms, and from a small study really trained."""

import json
import math
import re
import sys

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT, command
from tests.made_summaries import record, write_summary
from workflow_scripts import make_landscape_table, plot_landscape, train_cell
from workflow_scripts.engine import (
    cells,
    config,
    landscape_bands,
    landscape_figures,
    landscape_findings,
    landscape_names,
    landscape_protocols,
    landscape_runs,
    landscape_tables,
    style,
    tables,
)
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.studies import Study

STEPS, END = 40, 17  # of a run; where `write_summary` says that a diverged one ended
RATES, LAGS, SIZES = (0.001, 0.002, 0.004), (1, 3), (0.5, 1.0, 4.0)
LAYERS = ("features.0", "features.3", "features.6", "classifier.4")
STUDY = {
    "grids": [{"model": "vgg_a"}],
    "landscape": {"rates": {"optimizer": "adam"}, "walk": {"optimizer": "sgd"}},
}
SCALE = {"plain": 4.0, "bn": 1.0}  # plain is so many times worse in every closed form
NAMES = {"plain": "VGG-A", "bn": "VGG-A BN"}


def loss(block, lr, step):
    """Losses of the rates cross: the lowest rate is best at first, the highest at the end."""
    return SCALE[block] * (1 + lr * (20 - step))


def arrays(cell, diverged=False, walked=True, every=5):
    """What the observers of a cell with this record would leave, in closed form."""
    scale, lr, steps, lags = SCALE[cell["block"]], cell["lr"], np.arange(STEPS), np.array(LAGS)
    known = np.where(diverged & (steps >= END), math.nan, 1.0)
    past = np.where(steps >= lags[:, None], known, math.nan)
    found = {
        "train_loss": known * loss(cell["block"], lr, steps),
        "lags": lags,
        "gradient_norm": known * 5.0,
        "last_gradient_norm": known * 2.0,
        "gradient_distance": past * scale * lr * lags[:, None] * (1 + steps),
        "weight_distance": past * lr * np.sqrt(lags[:, None]),
    }
    if cell["optimizer"] == "sgd" and walked:
        probed, sizes = steps[::every], np.array(SIZES)
        here = known[::every, None]
        found |= {"walk_steps": probed, "step_sizes": sizes}
        found |= {"walk_loss_here": here[:, 0], "walk_gradient_norm": here[:, 0] * scale}
        found["walk_loss"] = here * scale * (1 + sizes + probed[:, None])
        found["walk_gradient_distance"] = here * scale * sizes * (1 + probed[:, None])
        found["walk_beta"] = here * scale * (1 + probed[:, None]) / lr + 0 * sizes
        found |= {"shift_steps": probed, "shift_layers": np.array(LAYERS)}
        depth = np.arange(len(LAYERS))
        found["shift_l2"] = here * scale * depth
        found["shift_cosine"] = here * (1 - 0.1 * scale**0.5 * depth)
    return found


def records(**values):
    of_rates = [record(block, model="vgg_a", lr=lr, **values) for block in SCALE for lr in RATES]
    return of_rates + [record(block, model="vgg_a", lr=0.1, optimizer="sgd", **values) for block in SCALE]


def write_study(folder, found=None, diverged=(), change=lambda cell, arrays: arrays, **options):
    """The summary of these records (`records()`), with the tables of the landscape; cells are called cell0, cell1..."""
    found = found or records()
    write_summary(folder / "summary", found, diverged)
    for place, cell in enumerate(found):
        (folder / f"cell{place}").mkdir()
        content = change(cell, arrays(cell, diverged=place in diverged, **options))
        np.savez(folder / f"cell{place}" / "steps.npz", **content)
    landscape_tables.gather([folder / f"cell{place}" for place in range(len(found))], folder / "summary")
    return folder / "summary"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def study():
    return config.parse(Study, STUDY, "--study")


@pytest.fixture(scope="module")
def landscape(folder, study):
    return landscape_runs.load(folder, study)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a command's main() in this process; gives the path of what it wrote."""

    def run(module, summary_folder, *words, out="figure.pdf"):
        out, name = tmp_path / out, module.__name__.split(".")[-1]
        words = ["--summary", summary_folder, "--out", out, *words]
        monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
        module.main()
        return out

    return run


def network(landscape, block):
    (number,) = landscape.networks.loc[landscape.networks["block"] == block, "network"]
    return number


# Tables


def test_tables_hold_what_was_measured(folder):
    steps, lags, walks, shifts = (pd.read_csv(folder / name) for name in landscape_names.TABLES)
    cells = len(SCALE) * (len(RATES) + 1)
    assert len(steps) == cells * STEPS
    assert len(lags) == cells * sum(STEPS - lag for lag in LAGS)  # no row where there is nothing to compare with
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
    monkeypatch.setattr(landscape_tables, "MOST_ROWS", 8 * STEPS * len(LAGS) // 3)
    folder = write_study(tmp_path)
    kept = list(range(0, STEPS, 4))  # every third would be a few rows more than allowed
    steps, lags, walks, _ = (pd.read_csv(folder / name) for name in landscape_names.TABLES)
    assert sorted(steps["step"].unique()) == kept and sorted(lags["step"].unique()) == kept[1:]
    assert sorted(walks["step"].unique()) == list(range(0, STEPS, 5))  # probes are few
    assert sorted(landscape_runs.loss_envelope(landscape_runs.load(folder, study).steps)["step"].unique()) == kept


# Envelopes


@pytest.mark.parametrize("block", SCALE)
def test_min_and_max_curves_are_those_over_the_rates(landscape, block):
    found = landscape_runs.loss_envelope(landscape.steps)
    found = found[found["network"] == network(landscape, block)].set_index("step")
    curves = np.array([loss(block, lr, np.arange(STEPS)) for lr in RATES])
    assert found["min_curve"].to_numpy() == pytest.approx(curves.min(axis=0), rel=1e-5)
    assert found["max_curve"].to_numpy() == pytest.approx(curves.max(axis=0), rel=1e-5)
    assert set(found["runs"]) == {len(RATES)}


@pytest.mark.parametrize("lag", LAGS)
def test_gradient_distances_of_a_lag(landscape, lag):
    found = landscape_runs.VGG_Grad_Pred(landscape.lags, lag)
    found = found[found["network"] == network(landscape, "plain")]
    steps = np.arange(lag, STEPS)
    assert found["step"].tolist() == steps.tolist()
    assert found["min_curve"].to_numpy() == pytest.approx(4 * RATES[0] * lag * (1 + steps), rel=1e-5)
    assert found["max_curve"].to_numpy() == pytest.approx(4 * RATES[-1] * lag * (1 + steps), rel=1e-5)


def test_beta_is_the_largest_quotient_over_the_lags(landscape):
    found = landscape_runs.VGG_Beta_Smooth(landscape.lags)
    found = found[found["network"] == network(landscape, "bn")].set_index("step")
    steps = found.index.to_numpy()
    expected = np.where(steps >= 3, 3**0.5, 1) * (1 + steps)  # lag / sqrt(lag) grows with the lag, once there is one
    assert found["max_curve"].to_numpy() == pytest.approx(expected, rel=1e-5)
    assert found["min_curve"].to_numpy() == pytest.approx(expected, rel=1e-5)


def test_a_diverged_rate_leaves_the_envelope_where_it_ended(tmp_path, study):
    landscape = landscape_runs.load(write_study(tmp_path, diverged={2}), study)
    found = landscape_runs.loss_envelope(landscape.steps)
    plain = found[found["network"] == network(landscape, "plain")].set_index("step")
    assert plain["runs"].tolist() == [3] * END + [2] * (STEPS - END)
    rest = [loss("plain", lr, np.arange(END, STEPS)) for lr in RATES[:2]]
    assert plain["max_curve"][END:].to_numpy() == pytest.approx(np.max(rest, axis=0), rel=1e-5)
    assert landscape.ends.to_dict("records") == [
        {"protocol": "rates", "network": network(landscape, "plain"), "lr": 0.004, "seed": 0, "step": END}
    ]
    figure, _ = landscape_figures.loss_envelope(tmp_path / "summary", study)
    assert "VGG-A diverged: lr 0.004 at step 17" in [text.get_text() for text in figure.legends[0].texts]
    (cross,) = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert cross.get_xdata() == [END]


def test_a_range_of_one_run_is_no_range(tmp_path, study):
    landscape = landscape_runs.load(write_study(tmp_path, diverged={1, 2}), study)
    values = landscape_runs.per_step(landscape)
    ranges = values[(values["quantity"] == "loss_range") & (values["protocol"] == "rates")]
    plain = ranges[ranges["network"] == network(landscape, "plain")]
    assert plain["step"].tolist() == list(range(END))


def test_a_walk_into_infinity_is_wider_than_any_other(tmp_path, study):
    def change(cell, found):
        if "walk_loss" in found and cell["block"] == "plain":
            found["walk_loss"][0, -1] = math.inf
            found["walk_loss"][1, -1] = math.nan
        return found

    landscape = landscape_runs.load(write_study(tmp_path, change=change), study)
    table = landscape_protocols.quantiles(landscape_runs.per_step(landscape))
    rows = table[(table["protocol"] == "walk") & (table["quantity"] == "loss_range")].set_index("network")
    assert rows["maximum"].tolist() == [math.inf, 3.5]
    assert rows["median"].tolist() == [4 * 3.5, 3.5]
    facts = landscape_findings.context(landscape)
    assert facts["beyond"] == {"VGG-A": 0.25, "VGG-A BN": 0.0}
    assert facts["protocols"]["walk"]["loss_range"].compared["VGG-A BN"].ratio_maximum == math.inf
    assert "∞" in landscape_protocols.plain_text(table, landscape.networks)
    assert r"$\infty$" in landscape_protocols.tabular(table, landscape.networks)
    landscape_figures.walks(tmp_path / "summary", study)


@pytest.mark.parametrize("points", [7, STEPS, 1000])
def test_windows_are_medians_and_extremes(landscape, points):
    curves = landscape_runs.loss_envelope(landscape.steps)
    curves = curves.assign(min_curve=curves["step"] ** 2.0, max_curve=1000.0 + 2.0 ** curves["step"])
    found = landscape_runs.windows(curves, points)
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
    np.testing.assert_array_equal(landscape_runs.width(curves), [2, math.inf, math.inf, math.nan])


# Both protocols in numbers


def test_numbers_have_three_digits_or_are_powers_of_ten(landscape):
    row = {"protocol": "walk", "quantity": "beta", "network": 0, "steps": 1}
    table = pd.DataFrame([{**row, "low": 0.0, "median": 999.4, "high": 999.7, "maximum": 1234.0}])
    said = landscape_protocols.formatted(table, landscape.networks).iloc[0]
    assert said[list(landscape_protocols.HEADINGS.values())].tolist() == ["999", "0", "1000", "1234"]


def test_quantiles_are_of_the_steps(landscape):
    table = landscape_protocols.quantiles(landscape_runs.per_step(landscape)).set_index(
        ["protocol", "quantity", "network"]
    )
    assert len(table) == 12
    row = table.loc["walk", "gradient_distance", network(landscape, "plain")]
    values = 4 * 4 * (1.0 + np.arange(0, STEPS, 5))
    assert (row["steps"], row["median"], row["maximum"]) == (8, np.sort(values)[3], values.max())
    row = table.loc["rates", "loss_range", network(landscape, "bn")]
    widths = np.abs(20 - np.arange(STEPS)) * (RATES[-1] - RATES[0])
    expected = np.quantile(widths, (0.05, 0.5, 0.95), method="inverted_cdf")
    assert row[["low", "median", "high"]].tolist() == pytest.approx(expected, rel=1e-3)


def test_findings_say_which_is_larger(landscape):
    facts = landscape_findings.context(landscape)
    assert (facts["first"].label, [other.label for other in facts["others"]]) == ("VGG-A", ["VGG-A BN"])
    assert (facts["rates"], facts["step_sizes"], facts["probed"]) == (list(RATES), list(SIZES), 8)
    for quantities in facts["protocols"].values():
        for quantity in quantities.values():
            found = quantity.compared["VGG-A BN"]
            assert (found.verdict, found.verdict_maximum, found.opposed) == ("larger", "larger", False)
            assert found.ratio == pytest.approx(4, rel=1e-3)
            assert found.share > 0.97  # where the rates cross, both ranges are 0
    assert facts["protocols"]["rates"]["loss_range"].compared["VGG-A BN"].share == (STEPS - 1) / STEPS
    assert facts["agree"] == dict.fromkeys(landscape_runs.QUANTITIES, True)
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
    assert landscape_findings._verdict(one, two) == (verdict, pytest.approx(ratio))


def test_a_median_and_a_maximum_may_contradict_each_other(tmp_path, study):
    def change(cell, found):
        if cell["block"] == "bn":
            found["gradient_distance"][:, -1] *= 1000
        return found

    facts = landscape_findings.context(landscape_runs.load(write_study(tmp_path, change=change), study))
    found = facts["protocols"]["rates"]["gradient_distance"].compared["VGG-A BN"]
    assert (found.verdict, found.verdict_maximum, found.opposed) == ("larger", "smaller", True)
    assert found.share == (STEPS - 2) / (STEPS - 1)


def test_the_table_is_written_three_times(folder, run):
    out = run(make_landscape_table, folder, "--study", json.dumps(STUDY), out="landscape_table.csv")
    numbers = pd.read_csv(out)
    assert numbers["network"].unique().tolist() == ["VGG-A", "VGG-A BN"]
    assert numbers.groupby("protocol").size().to_dict() == {"rates": 6, "walk": 6}
    assert out.with_suffix(".txt").read_text(encoding="utf-8").count("VGG-A BN") == 6
    tex = out.with_suffix(".tex").read_text(encoding="utf-8")
    assert r"$\beta$" in tex and tex.count(r"\midrule") == 6 and "β" not in tex


# Figures


def test_the_workflow_knows_all_figures():
    assert tuple(landscape_figures.FIGURES) == landscape_names.FIGURES


@pytest.mark.parametrize("ends", [(8, 36), (1.3, 75), (8, 5000)])
def test_a_logarithmic_axis_has_two_labels_or_more(ends):
    figure = style.figure(2, 2)
    axes = figure.subplots()
    axes.plot(ends)
    landscape_bands.logarithmic(axes)
    figure.draw_without_rendering()
    low, high = axes.get_ylim()
    assert len([tick for tick in axes.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]) > 1


@pytest.mark.parametrize("name", landscape_names.FIGURES)
def test_a_figure_is_a_small_vector_pdf(folder, run, name):
    words = ["--figure", name, "--study", json.dumps(STUDY)]
    first = run(plot_landscape, folder, *words).read_bytes()
    assert first.startswith(b"%PDF-") and b"/Subtype /Image" not in first
    assert len(first) < 300_000
    if name == "walks":
        assert first == run(plot_landscape, folder, *words, out="again.pdf").read_bytes()


@pytest.mark.parametrize("name", landscape_names.FIGURES)
def test_nothing_was_probed(tmp_path, study, name):
    """A figure of the rates is drawn all the same, one of the walk says so."""
    folder = write_study(tmp_path, walked=False)
    figure, _ = landscape_figures.FIGURES[name](folder, study)
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert (landscape_figures.NOTHING in said) == (name in ("walks", "covariate_shift"))
    facts = landscape_findings.context(landscape_runs.load(folder, study))
    assert facts["protocols"]["walk"]["beta"].compared["VGG-A BN"].verdict == "none"
    assert facts["agree"]["beta"] is None


@pytest.mark.parametrize("end", [0, 1])
def test_a_study_whose_runs_all_diverged_at_once(tmp_path, study, monkeypatch, end):
    monkeypatch.setattr(sys.modules[__name__], "END", end)
    folder = write_study(tmp_path, diverged=set(range(8)))
    cells = pd.read_csv(folder / "cells.csv", keep_default_na=False)
    cells.assign(diverged_step=end).to_csv(folder / "cells.csv", index=False)
    landscape = landscape_runs.load(folder, study)
    assert len(landscape.first_seed().ends) == 8
    assert "beta" not in set(landscape_runs.per_step(landscape).query("protocol == 'rates'")["quantity"])
    facts = landscape_findings.context(landscape)
    assert facts["protocols"]["rates"]["beta"].compared["VGG-A BN"].verdict == "none" and len(facts["ended"]) == 8
    for name in ("gradient_predictiveness", "beta_smoothness"):
        _, table = landscape_figures.FIGURES[name](folder, study)
        assert table.empty


@pytest.mark.parametrize("name", landscape_names.FIGURES)
@pytest.mark.parametrize("diverged", [{0, 6}, set(range(8))], ids=["a rate and a walk", "all"])
def test_figures_of_diverged_runs(tmp_path, study, name, diverged):
    folder = write_study(tmp_path, diverged=diverged)
    figure, _ = landscape_figures.FIGURES[name](folder, study)
    style.save(figure, tmp_path / "figure.pdf", pd.DataFrame())


def test_curves_have_the_lines_that_the_caption_says(folder, study):
    """Training and validation have panels of their own, so that no line is dashed."""
    figure, _ = landscape_figures.landscape_curves(folder, study)
    assert {line.get_linestyle() for axes in figure.axes for line in axes.lines} == {"-"}
    assert not re.search("dashed|solid", (ROOT / "report/captions/landscape-curves.rst").read_text())


def test_blocks_keep_their_colours(landscape):
    colours = landscape.networks.set_index("block")["colour"]
    assert {block: colours[block] for block in SCALE} == {
        block: pytest.approx(style.tint(style.colour(block), 1)) for block in SCALE
    }


def test_figures_show_the_lowest_seed_and_numbers_all(tmp_path, study):
    landscape = landscape_runs.load(write_study(tmp_path, records() + records(seed=1)), study)
    assert landscape.first_seed().steps["seed"].unique() == [0]
    assert len(landscape_runs.loss_envelope(landscape.steps)) == 2 * 2 * STEPS
    assert landscape_protocols.quantiles(landscape_runs.per_step(landscape))["steps"].max() == 2 * STEPS


def test_what_explodes_is_cut_off_and_the_figure_says_so():
    with style.look():
        axes = style.figure(2, 2).subplots()
        axes.plot([0.5, 50])
        landscape_bands.cut(axes, pd.Series([*[1.0] * 199, 50.0, math.inf]))
    assert axes.get_ylim() == pytest.approx((-0.1, 1.1))  # not down to where a twentieth of the peak would be
    assert axes.get_title() == "(peaks up to 50 cut off)"


# Mistakes


def test_a_study_without_a_landscape_is_refused(folder, tmp_path, refused):
    words = ["--study", json.dumps({"grids": [{}]}), "--summary", folder, "--out", tmp_path / "f.pdf"]
    for name, more in (("plot_landscape", ["--figure", "walks"]), ("plot_landscape", ["--figure", "landscape_curves"])):
        assert "expected a study with a section `landscape`" in refused(name, *words, *more)
    words[-1] = tmp_path / "f.csv"
    assert "expected a study with a section `landscape`" in refused("make_landscape_table", *words)


def test_selections_that_find_nothing_or_too_much_are_refused(folder, tmp_path, study):
    wrong = {**STUDY, "landscape": {"rates": {"block": "rc"}, "walk": {"lr": 0.1}}}
    with pytest.raises(UserError, match="landscape.rates: expected cells with block=rc, found none"):
        landscape_runs.load(folder, config.parse(Study, wrong, "--study"))
    twice = write_study(tmp_path, records() + records(batch_size=50))
    with pytest.raises(
        UserError, match="landscape.rates: expected one cell for each of network, lr, seed, found alike"
    ):
        landscape_runs.load(twice, study)


@pytest.mark.parametrize("name", landscape_names.TABLES)
def test_missing_tables_and_columns_are_named(tmp_path, study, name):
    folder = write_study(tmp_path)
    table = pd.read_csv(folder / name)
    table.drop(columns="step").to_csv(folder / name, index=False)
    with pytest.raises(UserError, match=f"{name}: expected the columns step, found none"):
        landscape_runs.load(folder, study)
    (folder / name).unlink()
    with pytest.raises(
        UserError, match=f"{name}: expected a file that `python -m workflow_scripts.summarise_landscape`"
    ):
        landscape_runs.load(folder, study)


def test_cells_without_measurements_are_refused(tmp_path):
    (tmp_path / "cell").mkdir()
    with pytest.raises(UserError, match=r"steps.npz is missing; delete .*/cell/cell.json and run"):
        landscape_tables.gather([tmp_path / "cell"], tmp_path)
    np.savez(tmp_path / "cell" / "steps.npz", train_loss=np.ones(3))
    with pytest.raises(UserError, match="expected the arrays lags, gradient_norm"):
        landscape_tables.gather([tmp_path / "cell"], tmp_path)
    (tmp_path / "cell" / "steps.npz").write_bytes(b"PK no archive")
    with pytest.raises(UserError, match=r"steps.npz is damaged .*delete .*/cell/cell.json and run"):
        landscape_tables.gather([tmp_path / "cell"], tmp_path)


# The real thing


def test_a_small_study_from_training_to_figures(digits_file, tmp_path, monkeypatch):
    """Real runs: what the observers leave is what the tables, figures and findings read."""
    tiny = {"model": "vgg08", "width": 0.125, "dataset": "digits", "augmentation": "none", "epochs": 1}
    grids = [{**tiny, "block": ["plain", "bn"], "lr": [0.001, 0.01]}]
    grids.append({**tiny, "block": ["plain", "bn"], "lr": 0.1, "optimizer": "sgd"})
    design = {**STUDY, "grids": grids}
    design["landscape"] = design["landscape"] | {"every": 4, "lags": [1, 2], "step_sizes": [0.5, 4]}
    study = config.parse(Study, design, "study")
    folders = []
    for name, cell in cells.expand("study", study).items():
        folders.append(tmp_path / name)
        measured = json.dumps(cells.measured(study, cell))
        words = ["--data", digits_file, "--out", folders[-1], "--device", "cpu", "--measure", measured]
        monkeypatch.setattr(sys, "argv", ["train_cell", *map(str, words), *cells.flags(cell)])
        train_cell.main()
    out = tmp_path / "summary"
    tables.gather(folders, out)
    command("summarise_landscape", "--out", out, input="\n".join(map(str, folders)))
    landscape = landscape_runs.load(out, study)
    with np.load(folders[0] / "steps.npz") as one, np.load(folders[1] / "steps.npz") as two:
        both = np.stack([one["train_loss"], two["train_loss"]])
    found = landscape_runs.loss_envelope(landscape.steps)
    plain = found[found["network"] == network(landscape, "plain")]
    assert plain["min_curve"].to_numpy() == pytest.approx(both.min(axis=0), rel=1e-4)
    assert plain["max_curve"].to_numpy() == pytest.approx(both.max(axis=0), rel=1e-4)
    facts = landscape_findings.context(landscape)
    assert facts["probed"] == -(-len(plain) // 4) and len(facts["shift"]) == 7
    for name, draw in landscape_figures.FIGURES.items():
        assert len(draw(out, study)[1]), name
