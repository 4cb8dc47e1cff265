"""Runs that the tests of the captured step make with and without graphs, and which of their state must be identical."""

import contextlib

import pytest
import torch
from torch.optim import rmsprop

from workflow_scripts.engine.runs import checkpoints
from workflow_scripts.engine.training import optimizers
from workflow_scripts.engine.training.optimizers import OPTIMIZERS
from workflow_scripts.engine.training.trainer import Training

CPU = torch.device("cpu")
TINY = {"model": "vgg08", "block": "bn_rc", "width": 0.125, "batch_size": 25, "train_items": 100, "epochs": 2}
MEASURED = {"lags": [1, 2], "walk": {"step_sizes": [0.5, 4], "every": 3}, "covariate_shift": {"every": 3}}


def trained(cell, data, device=CPU, **options):
    training = Training(cell, data, device, **options)
    while not training.finished:
        training.run_epoch()
    return training


def bits(thing):
    """Everything a run's state holds, except its times, in a form that can be compared."""
    if isinstance(thing, torch.Tensor):
        return str(thing.dtype), tuple(thing.shape), thing.detach().cpu().contiguous().numpy().tobytes()
    if isinstance(thing, dict):
        return {key: bits(value) for key, value in thing.items() if key not in ("seconds", "epoch_seconds", "history")}
    return [bits(value) for value in thing] if isinstance(thing, (list, tuple)) else repr(thing)


def state(training):
    return bits(training.state_dict()), [repr(row[:-1]) for row in training.history]


def plain(cell, data, device=CPU, **options):
    training = trained(cell, data, device, cuda_graphs=False, **options)
    assert training.captured.path == "plain"
    return state(training)


SAME = [
    *({"model": "vgg38", "block": block} for block in ("plain", "bn", "bn_rc_proj", "bn_dense_pre", "gn_rc")),
    *({"optimizer": name, "weight_decay": 0.01, "clip": 0.5} for name in OPTIMIZERS),
    *({"loss": loss, "l1": 1e-4, "l2": 1e-3} for loss in ("label_smoothing", "mse", "focal")),
    {"precision": "bf16", "augmentation": "crop+flip+erase", "schedule": "linear"},
    {"model": "cifar_net", "optimizer": "nesterov", "init": "lsuv"},
    {"optimizer": "sgd", "lr": 1000},  # diverges: NaN equals NaN
    {"dropout": 0.2},  # draws random numbers
    {"supervision": 0.3},  # whose weight changes from epoch to epoch
]


class Killed(Exception):
    """Stands for a SIGKILL: whatever is not in the checkpoint is lost."""


def resumed(cell, data, path, device=CPU, first=True, second=True):
    """A run killed in its second epoch and resumed by another; `first` and `second`: whether each uses graphs."""
    training = Training(cell, data, device, cuda_graphs=first)

    def kill():
        if (training.progress.epoch, training.progress.step) == (1, 2):
            checkpoints.save(path, "key", training.state_dict())
            raise Killed

    with pytest.raises(Killed):
        while True:
            training.run_epoch(kill)
    other = Training(cell, data, device, cuda_graphs=second)
    other.load_state_dict(checkpoints.load(path, "key")[0])
    while not other.finished:
        other.run_epoch()
    return other


# optimisers whose updates can be captured on a GPU
CAPTURED = ("adam", "adamw", "sgd", "momentum", "nesterov", "rmsprop", "muon")


@contextlib.contextmanager
def as_on_a_gpu():
    """Let the CPU use the optimisers of a GPU, which PyTorch's RMSprop would otherwise refuse."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optimizers, "GPUS", {"cpu"})
        patch.setattr(rmsprop, "_get_capturable_supported_devices", lambda: ["cpu"])
        yield
