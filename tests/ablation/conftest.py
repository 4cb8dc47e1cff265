"""The study of ablations made from a closed form: its summary, its rows, and a way to run commands on it."""

import pytest

from tests.made_ablations import STUDY, accuracy, rows_of
from tests.made_cells import write_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("made"), STUDY, accuracy)


@pytest.fixture(scope="module")
def rows(folder):
    return rows_of(folder, STUDY)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a command's main() in this process on a summary; returns the folder or file it wrote to."""

    def run(module, folder, study, out="out"):
        out = tmp_path / out
        flags = ["--summary", folder, "--study", study.model_dump_json(exclude_unset=True), "--out", out]
        monkeypatch.setattr("sys.argv", [module.__name__, *map(str, flags)])
        module.main()
        return out

    return run
