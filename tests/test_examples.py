"""The examples in docstrings give what they show."""

import doctest
import importlib

import pytest

from tests.conftest import ROOT

PATHS = [path for package in ("models", "workflow_scripts") for path in sorted((ROOT / package).rglob("*.py"))]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in PATHS if ">>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name):
    assert not doctest.testmod(importlib.import_module(name)).failed
