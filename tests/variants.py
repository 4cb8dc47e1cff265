"""Cells of small networks that together cover everything registered and everything a training step can contain."""

from models.registry import list_blocks, list_models
from workflow_scripts.engine.data.augmentations import AUGMENTATIONS
from workflow_scripts.engine.training.initializations import INITS
from workflow_scripts.engine.training.objectives import LOSSES
from workflow_scripts.engine.training.optimizers import OPTIMIZERS

TINY = {"model": "vgg08", "block": "bn", "width": 0.25, "batch_size": 25, "train_items": 50, "epochs": 2}
VARIANTS = [
    TINY | keys
    for keys in (
        *({"model": model, "block": "plain", "width": 1} for model in list_models()),
        *({"model": "vgg38", "block": block} for block in list_blocks()),
        *({"loss": loss} for loss in LOSSES),
        *({"optimizer": optimizer} for optimizer in OPTIMIZERS),
        *({"augmentation": name} for name in AUGMENTATIONS),
        *({"model": "vgg38", "block": "bn_rc", "init": init} for init in INITS),
        {"l1": 0.1, "l2": 0.1},
        {"clip": 1.0},
        {"dropout": 0.1},
        {"supervision": 0.3},
    )
]


def name(record):
    """What differs from `TINY`, as the id of a test."""
    return "-".join(f"{key}={value}" for key, value in record.items() if TINY.get(key) != value) or "tiny"
