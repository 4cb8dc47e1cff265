"""The landscape study of closed forms: the folder of its tables, its design, and what is found in them."""

import pytest

from tests.made_landscapes import STUDY, write_study
from workflow_scripts.engine import config, landscape_runs
from workflow_scripts.engine.studies import Study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def study():
    return config.parse(Study, STUDY, "--study")


@pytest.fixture(scope="module")
def landscape(folder, study):
    return landscape_runs.load(folder, study)
