"""A GPU computes what the CPU does: gradients, updates, surfaces, insight and bundles, to rounding.

Without a GPU, the CPU is compared with itself, which checks that the tests themselves are right.
"""

import json

import numpy as np
import pytest
import torch

from tests.conftest import inside
from tests.variants import TINY, VARIANTS, name
from workflow_scripts.engine.configuration import cells
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.training.optimizers import OPTIMIZERS
from workflow_scripts.engine.training.trainer import Training

CPU = torch.device("cpu")
STEPS = 5


@pytest.mark.parametrize("record", VARIANTS, ids=name)
def test_the_gradients_of_a_first_step(large_digits, device, record):
    """In float64, as float32's rounding would hide errors in deep networks; dropout draws differently and is left out.

    On the device the images of the batch are in another order, so that the CPU too has something to compare. The
    gradient of a bias before batch norm is pure rounding, and is measured against that of its layer's weight.
    """
    here, there = (Training(Cell(**record), large_digits, where, cuda_graphs=False) for where in (CPU, device))
    there.model.load_state_dict(here.model.state_dict())  # LSUV scales its weights in float32, on either device
    losses = [first_step(training, order) for training, order in ((here, range(25)), (there, range(24, -1, -1)))]
    if record.get("dropout"):
        return
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-6, atol=0)
    for path, module in here.model.named_modules():
        expected = {key: parameter.grad for key, parameter in module.named_parameters(recurse=False)}
        layer = torch.cat([torch.zeros(1), *(gradient.flatten() for gradient in expected.values())]).norm()
        for key, gradient in expected.items():
            found = there.model.get_submodule(path).get_parameter(key).grad.cpu()
            assert (found - gradient).norm() <= 1e-4 * gradient.norm() + 1e-9 * layer, f"{path}.{key}"


def first_step(training, order):
    """Compute the gradients of the first batch in this order; returns its losses."""
    training.model.double()
    images, labels = next(training.train_batches.epoch(0, 0, 25))
    return training._gradient_step(images.double()[list(order)], labels[list(order)]).cpu()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_updates_of_an_optimizer(device, optimizer):
    """Muon's only to the rounding of its bfloat16 products, which may happen before or after they are summed."""
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(shape, generator=generator) for shape in ((8, 3, 3, 3), (8,), (16, 8), (16,), (10, 16))]
    gradients = [[torch.randn(weight.shape, generator=generator) for weight in start] for _ in range(STEPS)]
    moved = []
    for where in (CPU, device):
        weights = [torch.nn.Parameter(weight.to(where, copy=True)) for weight in start]
        made = OPTIMIZERS[optimizer](weights, 0.01, 0.1)
        for of_step in gradients:
            for weight, gradient in zip(weights, of_step, strict=True):
                weight.grad = gradient.to(where, copy=True)
            made.step()
        moved.append([weight.detach().cpu() - before for weight, before in zip(weights, start, strict=True)])
    for there, here in zip(*moved[::-1], strict=True):
        assert (there - here).norm() <= (0.06 if optimizer == "muon" else 1e-5) * here.norm()


def test_the_commands(large_digits_file, device, tmp_path):
    """A bundle of two cells, the second of which draws random numbers; then what is made from the first."""
    made = {where: commands(large_digits_file, where, tmp_path / where) for where in {"cpu", device.type}}
    for there, here in zip(made[device.type], made["cpu"], strict=True):
        np.testing.assert_allclose(there, here, rtol=0.01, atol=0.01)


def commands(file, device, out):
    """(last validation loss, losses of the surface, probabilities of the predictions) of a cell, on a device."""
    records = {"bn": TINY, "dropout": TINY | {"dropout": 0.2}}
    lines = [
        {"cell": cell, "record": cells.shown(Cell(**record)), "checkpoint": str(out / cell), "measured": {}}
        for cell, record in records.items()
    ]
    study = out / "results"
    bundle = ["--data", file, "--logs", out / "logs", "--out", study / "bundles/first.txt", "--device", device]
    inside("train_bundle", *bundle, stdin="\n".join(map(json.dumps, lines)))
    of_cell = ["--cell", study / "bn", "--data", file, "--device", device]
    inside("measure_surface", *of_cell, "--points", 3, "--images", 50, "--out", out / "surface.csv")
    inside("inspect_cell", *of_cell, "--images", 2, "--out", out / "insight")
    assert json.loads((study / "dropout/cell.json").read_text())["device"] == device
    history, surface, predictions = (
        np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8")
        for path in (study / "bn/history.csv", out / "surface.csv", out / "insight/predictions.csv")
    )
    return history["val_loss"], surface["loss"], predictions["confidence"]
