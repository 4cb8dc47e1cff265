"""What theory predicts of gradient and signal at initialisation: networks at initialisation, and closed forms."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from models.blocks import ConvolutionalProcessingBlock
from models.course_vgg import _course_vgg
from models.registry import build_model
from tests.made_reports import DEEP, SHALLOW, course_layers, write_study
from workflow_scripts.engine.reports import findings, predictions
from workflow_scripts.engine.tables import flows, summary

STEP = np.arange(27)  # steps of three epochs of nine
# {schedule: (warm-up epochs, the sum of its rates from 0.1 to 0.01, by a closed form or an array)}
RATES = {
    "constant": (0, 27 * 0.1),
    "linear": (0, 27 * 0.1 - 0.09 / 27 * 26 * 27 / 2),
    "cosine": (0, 9 * (0.1 + (0.01 + 0.09 * 3 / 4) + (0.01 + 0.09 * 1 / 4))),
    "cosine_course_2023": (0, (0.01 + 0.045 * (1 + np.cos(np.pi * STEP / 3))).sum()),
    "constant after a warm-up": (1, 0.1 * (5 + 18)),  # a ninth, two ninths, ... of the rate
}


def row_with(shown, schedule="constant", warmup=0):
    """A row of 27 steps with these flows, of a network for which no gradient is predicted."""
    row = SimpleNamespace(flows=shown, initial=None, width=1, block="bn", init="own", activation=None, cells=["a"])
    row.facts, row.batch_size, row.lr, row.supervision = {"train_images": 95}, 10, 0.1, 0.0
    row.precision = "fp32"
    row.schedule, row.final_lr, row.warmup_epochs, row.epochs = schedule, 0.01, warmup, 3
    return row


@pytest.mark.parametrize("schedule", RATES)
def test_what_adam_can_make_of_gradients_that_grow(schedule):
    """Layers count as below epsilon if they are in every epoch and seed; a step is that of the largest gradient."""
    warmup, rates = RATES[schedule]
    sizes = np.array([[1e-9, 1e-9, 1e-4], [3e-8, 2e-9, 1e-4], [1e-8, 5e-9, 1e-4]])
    shown = [flows.Flow(("a", "b", "c"), epoch / 9, epoch, 5.0, 0.0, (), 1.0) for epoch in sizes]
    found = predictions.theory(row_with(shown, schedule.split()[0], warmup))
    assert (found.below_epsilon, found.steps, found.predicted) == (1, 27, None)
    assert found.adam_step == pytest.approx(0.1 * 3 / 4) and found.adam_total == pytest.approx(rates * 3 / 4)


@pytest.mark.parametrize(
    ("orders", "stages", "within", "staircase"),
    [(5, 3, 9, True), (5, 3, 11, False), (3, 3, 9, False), (5, 2, 9, False)],
)
def test_a_staircase_falls_far_and_is_level_within_its_stages(orders, stages, within, staircase):
    sizes = np.array([10.0**-orders, 1.0])
    flow = flows.Flow(("a", "b"), sizes, sizes, orders, 0.0, (0.1,) * stages, within)
    assert predictions.theory(row_with([flow])).staircase == staircase


@pytest.mark.parametrize("size", [16, 32])
def test_the_prediction_is_that_of_its_variances(size):
    """Half the orders of the mean squares: of what reaches the last layer, and of what each layer passes back."""

    def inside(size):
        ones = torch.ones(1, 1, size, size)
        return torch.nn.functional.conv2d(ones, torch.ones(1, 1, 3, 3), padding=1).mean().item() / 9

    slopes = 1 + 0.01**2
    sizes = [size >> stage + (layer == 3) for stage in range(3) for layer in range(4)]
    squares = [slopes / 2 / (3 * 9 * 32), *(6 / slopes / inside(size) for size in sizes)]
    predicted = predictions.predicted_orders(course_layers(1)[:-1], size, 32)
    assert predicted == pytest.approx(sum(map(math.log10, squares)) / 2, rel=1e-6)
    squares[0] = 1 / (3 * 9 * 32)  # beside the biases is what tells images apart, which the activation halves like them
    signal = predictions.forward_orders(course_layers(1)[:-1], size, 32)
    assert signal.low == pytest.approx(sum(map(math.log10, squares)) / 2, rel=1e-6)
    assert signal.high == pytest.approx(signal.low + math.log10(size))  # of size^2 independent positions


def test_the_gradient_at_initialisation_is_as_predicted():
    """To within one and a half of up to fourteen orders of magnitude, without a fitted constant."""
    for model, size in (("vgg08", 32), ("vgg38", 16), ("vgg38", 32)):
        torch.manual_seed(0)
        network = build_model(model, num_classes=10, image_shape=(3, size, size))
        loss = torch.nn.functional.cross_entropy(network(torch.randn(20, 3, size, size)), torch.arange(20) % 10)
        loss.backward()
        means = {
            name.removesuffix(".weight"): weight.grad.double().abs().mean()
            for name, weight in network.named_parameters()
            if weight.ndim > 1
        }
        layers = list(means)[:-1]
        assert layers == course_layers(0 if model == "vgg08" else 5)[:-1]
        measured = math.log10(means[layers[-1]] / means[layers[0]])
        assert predictions.predicted_orders(layers, size, 32) == pytest.approx(measured, abs=1.5)


@pytest.mark.parametrize(("blocks", "size"), [(1, 16), (2, 16), (2, 32)])
def test_the_signal_at_initialisation_is_as_estimated(blocks, size):
    """Images of noise are independent from position to position, which is the estimate's end `high`; a network whose
    images are of one colour each, with what the padding does to them, lies nearer to `low`. In double precision."""
    estimate = predictions.forward_orders(course_layers(blocks)[:-1], size, 32)
    deficits = {"noise": [], "plain": []}
    for seed in range(2):
        torch.manual_seed(seed)
        network = _course_vgg(blocks, ConvolutionalProcessingBlock, 10, (3, size, size), 1.0, None, None).double()
        seen = []
        network.dropout.register_forward_pre_hook(lambda _, features, seen=seen: seen.append(features[0]))
        noise = torch.randn(20, 3, size, size, dtype=torch.float64)
        for kind, images in {"noise": noise, "plain": noise[..., :1, :1].expand_as(noise)}.items():
            with torch.no_grad():
                network(images)
            mean = seen[-1].mean(0)
            deficits[kind].append(math.log10(mean.norm() / (seen[-1] - mean).norm(dim=1).mean()))
    assert np.mean(deficits["noise"]) == pytest.approx(estimate.high, abs=0.5)
    assert estimate.low - 0.2 < np.mean(deficits["plain"]) < np.mean(deficits["noise"]) - 0.3


@pytest.mark.parametrize("precision", predictions.ARITHMETIC)
def test_the_signal_is_lost_to_the_arithmetic_from_the_estimated_depth_on(digits, precision):
    """Whether what tells images apart is that of double precision, or rounding: at and below the estimated depths."""
    bits, dtype = predictions.ARITHMETIC[precision][1], {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    assert torch.finfo(dtype).eps == 2.0 ** (1 - bits)
    first, last = predictions.critical_depths(8, 32, bits * math.log10(2))
    images = torch.from_numpy(digits.train_images[:40]).permute(0, 3, 1, 2).float() / 128 - 1

    def apart(network, images):
        seen = []
        network.dropout.register_forward_pre_hook(lambda _, features: seen.append(features[0].double()))
        with torch.no_grad():
            network(images)
        return (seen[-1] - seen[-1].mean(0)).flatten()

    for blocks, found in ((first - 1, True), (last + 1, False)):
        torch.manual_seed(0)
        network = _course_vgg(blocks, ConvolutionalProcessingBlock, 10, (3, 8, 8), 1.0, None, None)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            rounded = apart(network, images)
        exact = apart(network.double(), images.double())
        agreement = torch.dot(rounded, exact) / (rounded.norm() * exact.norm() + 1e-300)
        assert agreement > 0.5 if found else abs(agreement) < 0.2


@pytest.mark.parametrize(
    "other",
    [{}, {"init": "kaiming"}, {"activation": "tanh"}, {"supervision": 0.3}, {"l1": 1e-5}, {"l2": 5e-4}],
)
def test_the_estimate_is_made_of_the_network_that_it_holds_for(tmp_path, other):
    folder = write_study(tmp_path)
    cells = pd.read_csv(folder / "cells.csv", dtype=object).assign(**other)
    cells.to_csv(folder / "cells.csv", index=False)
    theory = findings.context(summary.load(folder), SHALLOW, DEEP)["theory"]
    assert (theory.predicted is None) == bool(other)
    assert theory.initial.orders == pytest.approx(theory.flow.orders)
