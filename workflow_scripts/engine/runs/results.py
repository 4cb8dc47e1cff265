"""The files of a finished cell, as `results/<study>/<cell>/` holds them."""

import contextlib

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.training.gradients import COLUMNS

RECORD = "cell.json"
HISTORY = ("epoch", "lr", "train_loss", "train_acc", "val_loss", "val_acc", "seconds")


def measurements(training, data):
    """What `cell.json` says of the network, the data and the outcome of a `trainer.Training`."""
    progress, labels = training.progress, data.train_labels[training.train_indices]
    return {
        "status": "finished" if progress.diverged_step is None else "diverged",
        "diverged_step": progress.diverged_step,
        "epochs_run": progress.epoch,
        "parameters": sum(parameter.numel() for parameter in training.model.parameters()),
        "forward_flops": forward_flops(training.model, data.image_shape),
        "train_images": len(training.train_batches),
        "val_images": len(training.val_batches),
        "test_images": len(data.test_labels),
        "num_classes": data.num_classes,
        "largest_class": int(np.bincount(labels).max()) / len(labels),  # its share of the training images
        "image_shape": data.image_shape,
        "dataset": data.meta,
        "seconds": progress.seconds,
        "path": training.captured.path,
        "update_path": training.captured_update.path,
    }


def forward_flops(model, image_shape):
    """Floating-point operations of convolutions and linear layers in the forward pass of one image.

    A multiplication and an addition count as two, as in PyTorch's FlopCounterMode, which would import the compiler.
    """
    counts = []

    def count(layer, inputs, output):
        counts.append(2 * output.numel() * layer.weight[0].numel())  # a product for each weight of each output

    layers = [module for module in model.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    model.eval()
    with torch.no_grad(), contextlib.ExitStack() as hooks:
        for layer in layers:
            hooks.enter_context(layer.register_forward_hook(count))
        model(torch.zeros(1, *image_shape, device=next(model.parameters()).device))
    return sum(counts)


def write(training, out, facts, with_test=True):
    """Write all files of a finished `trainer.Training` to the folder `out`; `facts` is the content of cell.json.

    The test images are read here, once, with the weights of the epoch with the best validation accuracy; without
    `with_test`, not at all. A run that diverged before such an epoch has no test numbers, and its weights are the
    initial ones.
    """
    test = _tested(training, training.progress.best_epoch, with_test)
    weights = save({name: value.cpu().contiguous() for name, value in training.best.items()})
    arrays = {"train_loss": training.step_losses[: training.progress.epoch * training.steps].cpu().numpy()}
    for observer in training.observers.values():
        arrays |= observer.arrays()
    with _recorded(out, facts):
        whole_files.write_rows(out / "history.csv", [HISTORY, *training.history])
        whole_files.write_rows(out / "gradients.csv", [COLUMNS, *training.gradient_rows])
        whole_files.write_arrays(out / "steps.npz", arrays)
        whole_files.write_json(out / "test.json", test)
        whole_files.write(out / "model.safetensors", weights)


def write_test(training, out, facts, best_epoch, with_test):
    """Write to the folder of a finished cell only what depends on `with_test`, as `write` does.

    `training` is the cell as `trained.load` returns it, with the weights of `best_epoch`.
    """
    test = _tested(training, best_epoch, with_test)
    with _recorded(out, facts):
        whole_files.write_json(out / "test.json", test)


def _tested(training, best_epoch, with_test):
    loss, accuracy = training.test() if with_test and best_epoch is not None else (None, None)
    return {"epoch": best_epoch, "test_loss": loss, "test_acc": accuracy}


@contextlib.contextmanager
def _recorded(out, facts):
    """The context for writing a cell's other files: cell.json, which says that all are there, is written after them."""
    (out / RECORD).unlink(missing_ok=True)
    yield
    whole_files.write_json(out / RECORD, facts)
