"""Training runs of a few seconds on the digits, for the tests of training."""

import json

import torch

from workflow_scripts.engine.configuration import cells
from workflow_scripts.engine.configuration.record import Cell

TINY = {"model": "vgg08", "width": 0.25, "dataset": "digits", "augmentation": "none", "epochs": 3}
CPU = torch.device("cpu")


def tiny(**changes):
    return Cell(**{**TINY, **changes})


def flags(**record):
    return [word for key, value in {**TINY, **record}.items() for word in (f"--{key.replace('_', '-')}", str(value))]


def stamps(folder):
    """What changes if a cell's files are written again."""
    return {file: (folder / file).stat().st_mtime_ns for file in cells.FILES}


MEASURED = {"lags": [1, 2], "walk": {"step_sizes": [0.5, 4], "every": 9}, "covariate_shift": {"every": 9}}
RECORD = {"block": "bn_rc", "epochs": 4, "augmentation": "crop+flip+erase", "measure": json.dumps(MEASURED)}
