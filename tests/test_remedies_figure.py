"""All remedies in one figure and one table, from cells made from closed forms."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from tests import student
from tests.conftest import command
from tests.made_cells import write_study
from workflow_scripts.engine.ablation import ablation_figure, ablations, remedies, remedies_figure
from workflow_scripts.engine.configuration import grids
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.figures import grad_flow, style
from workflow_scripts.engine.tables import statistics, summary

BLOCKS = ["rc", "rc_pool", "rc_proj", "preact_rc", "skipinit_rc", "dense"]
STUDY = Study(
    base={"model": "vgg38", "dataset": "digits", "epochs": 5, "seed": [0, 1, 2]},
    ablations={
        "shorter_paths": {"block": BLOCKS},
        "normalisation": {"block": ["bn", "gn", "ln"]},
        "both": {"block": ["bn_rc", "bn_rc_pool", "bn_rc_proj", "bn_preact_rc", "bn_dense", "gn_rc", "ln_rc"]},
        "initialisation": {"init": ["kaiming", "orthogonal", "lsuv"]},
        "optimisation": [{"clip": 1.0}, {"warmup_epochs": 2}],
    },
)
GAIN = {"plain": 0.0, "rc": 0.2, "bn": 0.1, "bn_rc": 0.3}
WOBBLE = (0.0, 0.01, 0.03)  # by seed; in a different order for each block, so that differences have a spread
LAYERS = 12


def accuracy(cell):
    place = list(GAIN).index(cell.block) if cell.block in GAIN else len(cell.block)
    return 0.3 + GAIN.get(cell.block, 0.15) + WOBBLE[(cell.seed + place) % 3]


def orders(cell, epoch):
    """How many powers of ten the first layer's gradient lies below the last's."""
    return (12 if cell.block == "plain" else len(cell.block)) / (1 + epoch)


def size(cell, epoch, depth):
    return 1e-3 * 10 ** (-orders(cell, epoch) * (1 - depth / (LAYERS - 1)))


def write_gradients(folder, study):
    rows = [
        (name, epoch, f"layer{depth}", depth, *(size(cell, when, depth) for when in (epoch, epoch - 0.5)))
        for name, cell in grids.expand("made", study).items()
        for epoch in range(cell.epochs)
        for depth in range(LAYERS)
    ]
    pd.DataFrame(rows, columns=["cell", "epoch", "layer", "depth", "mean_abs", "first_batch_mean_abs"]).to_csv(
        folder / "gradients.csv", index=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    lost = ["vgg38-ln_rc-digits-epochs5-lr0.001-seed1", *(f"vgg38-gn-digits-epochs5-lr0.001-seed{n}" for n in range(3))]
    path = write_study(tmp_path_factory.mktemp("made"), STUDY, accuracy, diverged=lost)
    write_gradients(path, STUDY)
    return path


@pytest.fixture(scope="module")
def found(folder):
    return ablations.load(folder)


@pytest.fixture(scope="module")
def rows(found):
    return ablations.rows(found, STUDY)


def test_every_remedy_is_there_once_with_the_base_first(found, rows):
    table = remedies.compared(found, rows)
    assert len(table) == 1 + 6 + 3 + 7 + 3 + 2 and table["base"].tolist() == [True] + [False] * 21
    assert remedies.names(table)[:3] == ["VGG38", "RC", "RC (pool)"]


def test_a_remedy_that_is_a_number_is_named_with_its_key(tmp_path):
    study = Study(base=STUDY.base, ablations={"size": {"width": [0.5, 2]}, "blocks": {"block": "rc"}})
    found = ablations.load(write_study(tmp_path, study, accuracy))
    table = remedies.compared(found, ablations.rows(found, study))
    assert remedies.names(table) == ["VGG38", "width 0.5", "width 2", "RC"]


def test_differences_are_paired_over_the_seeds_and_corrected_by_holm(found, rows):
    table = remedies.compared(found, rows).set_index("level")
    values = {
        level: list(summary.by_seed(found.cells, names)["best_val_acc"].values())
        for level, names in table["finished"].items()
    }
    for reference, suffix in (("plain", ""), ("BN+RC", "_other")):
        base = values.get(reference, values["BN+RC"]) if suffix else values[table.index[0]]
        expected = {
            level: student.paired(found, base)
            for level, found in values.items()
            if len(found) == 3 and found is not base and len(set(np.subtract(found, base).round(12))) > 1
        }
        assert len(expected) > 10
        for level, (difference, low, _, _) in expected.items():
            row = table.loc[level]
            assert row[f"difference{suffix}"] == pytest.approx(difference)
            assert row[f"low{suffix}"] == pytest.approx(low)
        raw = [
            statistics.difference(dict(enumerate(found)), dict(enumerate(base)), images=1000).p
            if len(found) == 3 and found is not base
            else math.nan
            for found in values.values()
        ]
        lost = table.index[
            table["finished"].map(len) == 2
        ]  # two of whose seeds finished, and are compared with the same
        assert table.loc[lost, f"low{suffix}"].notna().all() and len(lost)
        assert table[f"p{suffix}"].tolist() == pytest.approx(statistics.holm(raw), nan_ok=True)


def test_the_table_says_what_the_seeds_can_tell(folder, tmp_path):
    study = STUDY.model_dump_json(exclude_unset=True)
    out = tmp_path / "remedies_statistics.csv"
    command("make_remedies_table", "--summary", folder, "--study", study, "--out", out)
    text = out.with_suffix(".txt").read_text()
    lines = {line[:18].strip(): line for line in text.splitlines()}
    assert "vs. BN+RC" in text.splitlines()[0] and "†" in lines["BN+RC"]
    measures = r"51\.3 ± 1\.5 +\+20\.0†? +−10\.0†? +3\.0 ± 0\.0 +5\.0 ± 0\.0 +1,600 +2\.00 ± 0\.00"
    assert re.fullmatch(f"RC +{measures} *", lines["RC"])
    assert "3 of 3 diverged" in lines["GN"] and "1 of 3 diverged" in lines["LN+RC"]
    assert "corrected for the number of comparisons (Holm)" in text
    assert "Fewer than 3 seeds are too few to mark a difference." in text  # as of LN+RC
    table = pd.read_csv(out)
    assert {"p", "p_other", "low", "high", "epochs_to_50", "epochs_to_90", "parameters"} <= set(table)
    assert out.with_suffix(".tex").read_text().count("midrule") == 1 + 5


# base, ablations, whether a level differs from the base only by BN+RC
SECOND = {
    "the base has it": ({"block": "bn_rc", "optimizer": "muon"}, [{"optimizer": "adam"}, {"block": "bn"}], False),
    "another key differs too": ({}, [{"block": "bn"}, {"block": "bn_rc", "clip": 1.0}], False),
    "a cell of a grid alone": ({}, [{"width": 0.5}], False),
    "a level": ({"width": 2}, [{"block": ["bn_rc", "bn"]}, {"block": "bn_rc", "clip": 1.0}], True),
}


@pytest.mark.parametrize(("base", "levels", "there"), SECOND.values(), ids=SECOND)
def test_the_second_reference_is_the_level_that_differs_by_it_alone(tmp_path, base, levels, there):
    base = {**STUDY.model_dump(exclude_unset=True)["base"], **base}
    study = Study(base=base, grids=[{"block": "bn_rc", "lr": 0.01}], ablations={"made": levels})
    found = ablations.load(write_study(tmp_path, study, accuracy))
    table = remedies.compared(found, ablations.rows(found, study))
    remedies.write(tmp_path / "a.csv", table)
    assert ("vs. BN+RC" in (tmp_path / "a.txt").read_text()) == there
    if there:
        assert table.loc[table["other"], "level"].tolist() == ["BN+RC"]
        assert set(table.loc[table["other"], "verdict_other"]) == {"none"}
    else:
        assert not [column for column in table if column.endswith("other")]


def test_one_seed_cannot_tell(tmp_path):
    study = STUDY.model_copy(update={"base": STUDY.base.model_copy(update={"seed": [0]})})
    path = write_study(tmp_path, study, accuracy)
    found = ablations.load(path)
    table = remedies.compared(found, ablations.rows(found, study))
    assert set(table["verdict"]) == {"none", "single"}
    assert remedies.legend(table).endswith("it depends also on what else ran on the machine.")
    assert "cannot be told" in remedies.legend(table) and "†" not in remedies.formatted(table).to_string()


def test_the_flows_are_the_gradients_of_the_first_batch_and_the_last_epoch(found, rows):
    table = remedies_figure.flows(found, rows)
    plain = table[(table["factor"] == "both") & table["base"]]
    for moment, epoch, when in (("initial", 0, -0.5), ("last", 4, 4)):
        line = plain[plain["moment"] == moment]
        assert set(line["epoch"]) == {epoch} and line["relative_depth"].tolist() == pytest.approx(np.linspace(0, 1, 12))
        cell = Cell(block="plain")
        assert math.log10(line["mean_abs"].iloc[-1] / line["mean_abs"].iloc[0]) == pytest.approx(orders(cell, when))


def test_a_relative_depth_is_the_same_layer_with_and_without_companions(tmp_path):
    base = {**STUDY.model_dump(exclude_unset=True)["base"], "seed": [0]}
    study = Study(base=base, ablations={"loss": {"supervision": 0.3}})
    layers = ["entry.conv", "stages.0.reduction.conv0", "stages.0.companion", "classifier"]
    path = write_study(tmp_path, study, accuracy)
    rows = [
        (name, 0, layer, depth, 1.0, 1.0)
        for name, cell in grids.expand("made", study).items()
        for depth, layer in enumerate(layer for layer in layers if cell.supervision or "companion" not in layer)
    ]
    columns = ["cell", "epoch", "layer", "depth", "mean_abs", "first_batch_mean_abs"]
    pd.DataFrame(rows, columns=columns).to_csv(path / "gradients.csv", index=False)
    found = ablations.load(path)
    table = remedies_figure.flows(found, ablations.rows(found, study))
    depths = table[table["moment"] == "last"].set_index(["level", "layer"])["relative_depth"]
    assert depths["supervision 0.3"].to_dict() == dict(zip(layers, (0, 0.5, 0.75, 1), strict=True))
    assert depths["VGG38"].to_dict() == dict(zip((layers[0], layers[1], layers[3]), (0, 0.5, 1), strict=True))
    axes = remedies_figure.draw(table).axes[1]
    assert [line.get_xdata().tolist() for line in axes.lines if line.get_linestyle() == "None"] == [
        [],
        [0.75],
        [],
    ]  # between the triangles


def test_every_remedy_has_a_band_over_its_seeds(found, rows):
    table = remedies_figure.flows(found, rows)
    table = table.assign(mean_abs_min=table["mean_abs"] / 2, mean_abs_max=table["mean_abs"] * 50)
    bands = [
        band.get_datalim(axes.transData).intervaly
        for axes in remedies_figure.draw(table).axes
        for band in axes.collections
    ]
    lines = table.groupby(["factor", "level", "moment"])
    expected = lines.agg({"mean_abs_min": "min", "mean_abs_max": "max"}).to_numpy()
    assert np.sort(bands, axis=0) == pytest.approx(np.sort(expected, axis=0))


def test_lines_of_one_family_can_be_told_apart(found, rows):
    table = remedies_figure.flows(found, rows)
    for _, family in table.groupby("factor"):
        looks = ablation_figure.looks(family)
        assert len(set(map(str, looks.values()))) == len(looks)
    assert ablation_figure.looks(table[table["factor"] == "shorter_paths"])["RC"][0] == style.colour("rc")
    figure = remedies_figure.draw(table)
    colours = {}  # in all families, a level has one look, which no other level has
    for legend in figure.legends:
        for text, line in zip(legend.texts, legend.get_lines(), strict=True):
            colours.setdefault(text.get_text(), set()).add((line.get_color(), str(line.get_linestyle())))
    assert len(set.union(*colours.values())) == len(colours) == sum(map(len, colours.values()))
    assert colours["VGG38"] == {(style.colour("plain"), "--")}  # the base of every family


def test_the_figure(folder, tmp_path):
    study = STUDY.model_dump_json(exclude_unset=True)
    out = tmp_path / "remedies.pdf"
    command("plot_remedies", "--summary", folder, "--study", study, "--out", out)
    assert out.read_bytes().startswith(b"%PDF")
    drawn = pd.read_csv(out.with_suffix(".csv"))
    assert set(drawn["factor"]) == set(STUDY.ablations) and set(drawn["moment"]) == {"initial", "last"}


def test_the_figure_of_nothing_but_divergence_says_so(tmp_path):
    source = write_study(tmp_path / "made", STUDY, accuracy, diverged=list(grids.expand("made", STUDY)), end=0)
    columns = (source / "gradients.csv").read_text().splitlines()[0]
    (source / "gradients.csv").write_text(f"{columns}\n")  # as of cells that diverged in their first epoch
    found = ablations.load(source)
    (axes,) = remedies_figure.draw(remedies_figure.flows(found, ablations.rows(found, STUDY))).axes
    assert [text.get_text() for text in axes.texts] == [grad_flow.NOTHING]


def test_one_family_is_a_column_wide(found, rows):
    table = remedies_figure.flows(found, rows[rows["factor"] == "both"])
    assert remedies_figure.draw(table).get_figwidth() == style.COLUMN


def test_a_table_is_a_csv_file(folder, tmp_path, refused):
    study = STUDY.model_dump_json(exclude_unset=True)
    message = refused("make_remedies_table", "--summary", folder, "--study", study, "--out", tmp_path / "a.txt")
    assert message == f"error: {tmp_path}/a.txt: expected a name that ends in .csv" and not any(tmp_path.iterdir())
