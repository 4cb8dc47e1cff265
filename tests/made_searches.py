"""A study with a search, for tests."""

from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.studies import Study

SPACE = {"lr": {"low": "1e-4", "high": 0.1, "log": True}, "batch_size": [50, 100], "clip": {"low": 0.1, "high": 5}}


def study(**changes):
    """A `studies.Study` with a search; `changes` replace or add keys of the search."""
    searched = {"space": SPACE, "max_cells": 8, "halving": {"epochs": [1, 2], "keep": 0.5}, **changes}
    mapping = {"base": {"model": "vgg08", "epochs": 4}, "test": "chosen", "search": searched}
    return config.parse(Study, mapping, "studies.s")
