"""Landscape studies that cannot work give one clear message each."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.made_landscapes import STUDY, records, write_study
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.landscape import names, runs, tables


def test_a_study_without_a_landscape_is_refused(folder, tmp_path, refused):
    words = ["--study", json.dumps({"grids": [{}]}), "--summary", folder, "--out", tmp_path / "f.pdf"]
    for name, more in (("plot_landscape", ["--figure", "walks"]), ("plot_landscape", ["--figure", "landscape_curves"])):
        assert "expected a study with a section `landscape`" in refused(name, *words, *more)
    words[-1] = tmp_path / "f.csv"
    assert "expected a study with a section `landscape`" in refused("make_landscape_table", *words)


def test_selections_that_find_nothing_or_too_much_are_refused(folder, tmp_path, study):
    wrong = {**STUDY, "landscape": {"rates": {"block": "rc"}, "walk": {"lr": 0.1}}}
    with pytest.raises(UserError, match="landscape.rates: expected cells with block=rc, found none"):
        runs.load(folder, config.parse(Study, wrong, "--study"))
    twice = write_study(tmp_path, records() + records(batch_size=50))
    with pytest.raises(
        UserError, match="landscape.rates: expected one cell for each of network, lr, seed, found alike"
    ):
        runs.load(twice, study)


@pytest.mark.parametrize("name", names.TABLES)
def test_missing_tables_and_columns_are_named(tmp_path, study, name):
    folder = write_study(tmp_path)
    table = pd.read_csv(folder / name)
    table.drop(columns="step").to_csv(folder / name, index=False)
    with pytest.raises(UserError, match=f"{name}: expected the columns step, found none"):
        runs.load(folder, study)
    (folder / name).unlink()
    with pytest.raises(
        UserError, match=f"{name}: expected a file that `python -m workflow_scripts.summarise_landscape`"
    ):
        runs.load(folder, study)


def test_a_cell_without_steps_is_named(tmp_path, study):
    folder = write_study(tmp_path)
    table = pd.read_csv(folder / names.TABLES[0])
    cell = table["cell"][0]
    table[table["cell"] != cell].to_csv(folder / names.TABLES[0], index=False)
    with pytest.raises(UserError, match=f"{names.TABLES[0]}: expected the cell {cell}, found none of its steps"):
        runs.load(folder, study)


def test_cells_without_measurements_are_refused(tmp_path):
    (tmp_path / "cell").mkdir()
    with pytest.raises(UserError, match=r"steps.npz is missing; delete .*/cell/cell.json and run"):
        tables.gather([tmp_path / "cell"], tmp_path)
    np.savez(tmp_path / "cell" / "steps.npz", train_loss=np.ones(3))
    with pytest.raises(UserError, match="expected the arrays lags, gradient_norm"):
        tables.gather([tmp_path / "cell"], tmp_path)
    (tmp_path / "cell" / "steps.npz").write_bytes(b"PK no archive")
    with pytest.raises(UserError, match=r"steps.npz is damaged .*delete .*/cell/cell.json and run"):
        tables.gather([tmp_path / "cell"], tmp_path)
