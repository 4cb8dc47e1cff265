"""The study of ablations made from a closed form: its summary, its rows, and a way to run commands on it."""

import pytest

from tests.conftest import call
from tests.made_ablations import STUDY, accuracy, rows_of
from tests.made_cells import write_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("made"), STUDY, accuracy)


@pytest.fixture(scope="module")
def rows(folder):
    return rows_of(folder, STUDY)


@pytest.fixture
def run(tmp_path):
    """Run a command's main() in this process on a summary; returns the folder or file it wrote to."""

    def run(module, folder, study, out="out"):
        out = tmp_path / out
        call(module, "--summary", folder, "--study", study.model_dump_json(exclude_unset=True), "--out", out)
        return out

    return run
