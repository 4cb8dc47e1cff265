"""A study of ablations whose cells follow a closed form for the accuracy."""

import math

from workflow_scripts.engine.ablation import ablations
from workflow_scripts.engine.configuration import grids
from workflow_scripts.engine.configuration.studies import Study

DESIGN = {
    "base": {"model": "vgg08", "dataset": "digits", "epochs": 5, "seed": [0, 1, 2]},
    "ablations": {
        "width": {"width": [0.25, 1, 0.5, 2]},
        "block": {"block": ["plain", "bn", "bn_rc"]},
        "penalty": [{"l2": 5e-4}, {"l1": 1e-5}],
        "left_out": None,
    },
}
STUDY = Study(**DESIGN)
GAIN = {"plain": 0.0, "bn": 0.2, "bn_rc": 0.3}
WOBBLE = (0.0, 0.01, 0.03)  # by seed; smaller for wider networks


def accuracy(cell):
    return 0.5 + 0.05 * math.log2(cell.width) + GAIN[cell.block] + WOBBLE[cell.seed] / cell.width + cell.l2 * 10


def names(study, **values):
    """Names of a study's cells whose record has these values."""
    found = grids.expand("made", study).items()
    return [name for name, cell in found if all(getattr(cell, key) == value for key, value in values.items())]


def rows_of(folder, study):
    return ablations.rows(ablations.load(folder), study)


BROKEN = {  # names of cells that diverge
    "one seed of a level": names(STUDY, width=2, seed=1) + names(STUDY, block="bn"),
    "all": names(STUDY),
}
