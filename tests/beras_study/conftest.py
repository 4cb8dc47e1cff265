"""The study of Beras on real digits, trained once for all files here."""

import pytest

from tests.conftest import command, inside
from workflow_scripts.engine.beras import figures, names, runs, summary
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.figures import style


@pytest.fixture(scope="session")
def data_file(tmp_path_factory):
    """The digits as the study takes them: 28 x 28 grey levels."""
    path = tmp_path_factory.mktemp("data") / "digits28.npz"
    described = ["--name", "digits28", "--source", "digits", "--image-size", 28, "--channels", 1]
    inside("fetch_data", *described, "--out", path)
    return path


@pytest.fixture(scope="session")
def data(data_file):
    return datasets.load(data_file)


@pytest.fixture(scope="session")
def results(tmp_path_factory, data_file, data):
    """results/beras with every variant, three seeds and two epochs, and everything table and report need."""
    folder = tmp_path_factory.mktemp("results") / "beras"
    planned = names.runs(config.Beras(seeds=[0, 1, 2]))
    for name, (variant, seed) in planned.items():
        runs.write(runs.train(variant, data, epochs=2, batch_size=50, seed=seed), folder / name)
    summary.gather([folder / name for name in planned], folder / "summary")
    measured = folder / "initializers.csv", folder / "check.json"
    command("probe_initializers", "--data", data_file, "--images", 300, "--seeds", 0, 1, 2, "--out", measured[0])
    command("check_beras", "--data", data_file, "--steps", 3, "--out", measured[1])
    for name, draw in figures.FIGURES.items():
        drawing, table = draw(folder, data)
        style.save(drawing, folder / f"figures/{name}.pdf", table)
    return folder
