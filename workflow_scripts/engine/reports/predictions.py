"""What the initialisation predicts of the gradient that reaches the first layer, and how far Adam gets with it; and of
the signal that reaches the last layer."""

import itertools
import math
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd

from workflow_scripts.engine.tables.flows import LEVEL
from workflow_scripts.engine.training import schedules
from workflow_scripts.engine.training.step_sizes import SMALLEST

SLOPE = 0.01  # of the course networks' LeakyReLU
ARITHMETIC = {"fp32": ("single precision", 24), "bf16": ("bfloat16", 8)}  # of a cell's precision: its name, its bits
FILTERS = 32  # of the course networks at width 1


def predicted_orders(layers, image_size, filters):
    """How many orders of magnitude the first convolution's weight gradient lies below the last's at initialisation.

    For the plain course networks under PyTorch's default initialisation, Var(w) = 1 / (3 fan_in). Each convolution
    passes the error back as `_lost` says. The activation that multiplies the error is the image (about 1) in the first
    layer; in the last it is what the reduction block's biases, of variance 1 / (3 fan_in), sustain. `layers` are the
    convolutions' names in order; the result is None where they are not those of a course network.
    """
    lost = _lost(layers, image_size)
    return None if lost is None else lost + math.log10((1 + SLOPE**2) / 2 / (3 * 9 * filters)) / 2


def forward_orders(layers, image_size, filters):
    """How many orders of magnitude, `low` to `high`, what distinguishes two images lies below the rest of the features.

    For the networks of `predicted_orders`, whose result is not None. What distinguishes two images leaves the entry,
    standardised and then rectified, with a mean square of (1 + slope^2) / 2, and loses in each later convolution what
    the error loses; the rest is what the last biases sustain, as there. Pooling averages over image_size^2 positions in
    all. Where neighbouring positions agree, that costs nothing (`low`); where they are independent, it divides by
    image_size (`high`).
    """
    low = predicted_orders(layers, image_size, filters) - math.log10((1 + SLOPE**2) / 2) / 2
    return SimpleNamespace(low=low, high=low + math.log10(image_size))


def _lost(layers, image_size):
    """By how many orders of magnitude the convolutions after the first reduce the root mean square of what they pass.

    Each multiplies the mean square by (1 + slope^2) / 6 times the share of its taps that does not fall on zero padding.
    """
    lost = 0.0
    for name in layers[1:]:
        found = re.fullmatch(r"stages\.(\d+)\.(?:blocks\.\d+\.conv\d|reduction\.conv(\d))", name)
        if not found:
            return None
        size = image_size // 2 ** (int(found[1]) + int(found[2] or 0))
        inside = ((3 * size - 2) / (3 * size)) ** 2
        lost += math.log10(6 / ((1 + SLOPE**2) * inside)) / 2
    return lost


def critical_depths(image_size, filters, resolution):
    """The fewest processing blocks per stage with which `high`, and with which `low`, of `forward_orders` exceeds this
    many orders of magnitude."""
    found = []
    for blocks in itertools.count(1):
        layers = ["entry.conv"]
        for stage in range(3):
            layers += [f"stages.{stage}.blocks.{block}.conv{i}" for block in range(blocks) for i in (0, 1)]
            layers += [f"stages.{stage}.reduction.conv{i}" for i in (0, 1)]
        forward = forward_orders(layers, image_size, filters)
        found += [blocks] if not found and forward.high > resolution else []
        if forward.low > resolution:
            return found[0], blocks


def theory(row):
    """The deep network's first epoch, what was predicted and found at initialisation, and how far Adam can get.

    `row`: a row of `evidence.rows_of`. `flow` is None where no gradient was recorded, and `predicted` where the
    estimate does not hold for the network; `initial` is the flow that it is compared with, `forward` the estimate for
    the signal, and `signal_lost` says whether that is beyond the `resolution`, in orders of magnitude, of the
    `arithmetic` with so many `bits`. `adam_step` and `adam_total` are how far a weight of the first layer moves at most
    without weight decay, in one step and in all steps of the epochs of `row.flows`.
    """
    filters = max(1, round(FILTERS * row.width))
    arithmetic, bits = ARITHMETIC[row.precision]
    resolution = bits * math.log10(2)
    found = SimpleNamespace(
        flow=None,
        initial=row.initial,
        predicted=None,
        signal_lost=False,
        filters=filters,
        vanishes=False,
        staircase=False,
        arithmetic=arithmetic,
        bits=bits,
        resolution=resolution,
    )
    if not row.flows:
        return found
    found.flow = first = row.flows[0]
    found.convolutions = len(first.layers)
    found.vanishes = first.orders > LEVEL
    found.staircase = found.vanishes and len(first.stages) == 3 and first.within < 10
    found.attenuation = 6 ** (-(found.convolutions - 1) / 2)
    # the networks that the estimate is valid for; a penalty's gradient reaches every layer, past all others
    own = row.block == "plain" and row.init == "own" and pd.isna(row.activation)
    if own and not (row.supervision or row.l1 or row.l2):
        found.predicted = predicted_orders(first.layers, int(row.facts["image_size"]), filters)
    if found.predicted:
        found.forward = forward_orders(first.layers, int(row.facts["image_size"]), filters)
        found.signal_lost = found.forward.low > resolution
        found.critical = critical_depths(int(row.facts["image_size"]), filters, resolution)
    largest = np.max([flow.largest for flow in row.flows], axis=0)
    found.below_epsilon = int((largest < SMALLEST["adam"]).sum())
    steps = row.facts["train_images"] // row.batch_size  # the trainer drops a short last batch
    # |m| / (sqrt(v) + epsilon) for a gradient of constant sign and size
    share = largest[0] / (largest[0] + SMALLEST["adam"])
    found.steps = steps * len(row.flows)
    found.adam_step = row.lr * share
    places = itertools.product(range(len(row.flows)), range(steps))
    found.adam_total = share * math.fsum(schedules.learning_rate(row, *place, steps) for place in places)
    return found
