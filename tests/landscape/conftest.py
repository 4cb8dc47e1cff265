"""The landscape study made from closed forms: the folder of its tables, its design, and what is loaded from them."""

import pytest

from tests.made_landscapes import STUDY, write_study
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.landscape import runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def study():
    return config.parse(Study, STUDY, "--study")


@pytest.fixture(scope="module")
def landscape(folder, study):
    return runs.load(folder, study)
