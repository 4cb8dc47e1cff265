"""How much of the gradient reaches the first layer: what was recorded, and what the initialisation predicts."""

import itertools
import math
import re
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd

from workflow_scripts.engine.tables import main_path, summary
from workflow_scripts.engine.training import schedules

# Adam divides by the gradient's size plus this, so it compensates for a small gradient, but not for one below this.
ADAM_EPSILON = 1e-8
LEVEL = 4  # orders of magnitude between first and last gradient: fewer are called level, more are called steep
SLOPE = 0.01  # of the course networks' LeakyReLU
SINGLE_PRECISION = 24 * math.log10(2)  # orders of magnitude that float32 resolves
FILTERS = 32  # of the course networks at width 1


@dataclass(frozen=True)
class Flow:
    """Mean |gradient| per weight in an epoch or a batch, of the convolutions on the main path from the first on.

    The geometric mean over seeds. `orders`: how many orders of magnitude the first convolution lies below the last,
    infinite where either is zero; `orders_std`: its sample standard deviation over the seeds (NaN with one seed).
    `stages`: the median over the layers of each stage. `within`: the largest factor between two layers of the
    processing blocks of one stage; infinite where a layer is zero or a network has no such blocks. `largest`: the
    largest over the seeds.
    """

    layers: tuple
    mean_abs: np.ndarray
    largest: np.ndarray
    orders: float
    orders_std: float
    stages: tuple
    within: float

    @property
    def below(self):
        """`orders` with its deviation, as a measure over the seeds."""
        return self.orders, self.orders_std

    @property
    def first(self):
        return self.mean_abs[0]

    @property
    def last(self):
        return self.mean_abs[-1]

    @property
    def span(self):
        """The ratio of the largest to the smallest; infinite where one is zero."""
        return float(self.mean_abs.max() / self.mean_abs.min()) if self.mean_abs.min() > 0 else math.inf


def flows(gradients):
    """The `Flow` of each epoch of a table from `summary.gradients_by_cell`.

    There are none for cells that diverged in their first epoch.
    """
    gradients = gradients[~main_path.aside(gradients["layer"])]
    if gradients.empty:
        return []
    spread = _spread(gradients)
    return [_flow(layers, spread[epoch]) for epoch, layers in summary.over_cells(gradients).groupby("epoch")]


def initial(gradients):
    """The `Flow` at initialisation, from the first batches in `summary.gradients_by_cell`; None if there are none."""
    return next(iter(flows(gradients[gradients["epoch"] == 0])), None)


def _spread(gradients):
    """The sample standard deviation over the cells of `Flow.orders`, by epoch."""
    layers = gradients.pivot(index=["epoch", "cell"], columns="depth", values="mean_abs")
    with np.errstate(divide="ignore", invalid="ignore"):
        orders = np.log10(layers.iloc[:, -2] / layers.iloc[:, 0])  # the last layer is the classifier
        return orders.groupby("epoch").std()


def _flow(layers, spread):
    convolutions = layers.sort_values("depth").iloc[:-1]
    values = convolutions["mean_abs"]
    groups = values.groupby(convolutions["layer"].str.extract(r"^stages\.(\d+)\.")[0])
    runs = values.groupby(convolutions["layer"].str.extract(r"^stages\.(\d+)\.blocks\.")[0])
    first, last = values.iloc[0], values.iloc[-1]
    return Flow(
        layers=tuple(convolutions["layer"]),
        mean_abs=values.to_numpy(),
        largest=convolutions["mean_abs_max"].to_numpy(),
        orders=math.log10(last / first) if first > 0 and last > 0 else math.inf,
        orders_std=spread,
        stages=tuple(groups.median()),
        within=max((run.max() / run.min() if run.min() > 0 else math.inf for _, run in runs), default=math.inf),
    )


def predicted_orders(layers, image_size, filters):
    """How many orders of magnitude the first convolution's weight gradient lies below the last's at initialisation.

    For the plain course networks under PyTorch's default initialisation, Var(w) = 1 / (3 fan_in). Each convolution
    multiplies the mean square of the error that it passes back by (1 + slope^2) / 6 times the share of its taps that
    does not fall on zero padding. The activation that multiplies the error is the image (about 1) in the first layer;
    in the last it is what the reduction block's biases, of variance 1 / (3 fan_in), sustain. `layers` are the
    convolutions' names in order; the result is None where they are not those of a course network.
    """
    held_up = math.sqrt((1 + SLOPE**2) / 2 / (3 * 9 * filters))
    orders = math.log10(held_up)
    for name in layers[1:]:
        found = re.fullmatch(r"stages\.(\d+)\.(?:blocks\.\d+\.conv\d|reduction\.conv(\d))", name)
        if not found:
            return None
        size = image_size // 2 ** (int(found[1]) + int(found[2] or 0))
        inside = ((3 * size - 2) / (3 * size)) ** 2
        orders += math.log10(6 / ((1 + SLOPE**2) * inside)) / 2
    return orders


def critical_depth(image_size, filters):
    """The fewest processing blocks per stage with which the prediction exceeds the resolution of single precision."""
    for blocks in itertools.count(1):
        layers = ["entry.conv"]
        for stage in range(3):
            layers += [f"stages.{stage}.blocks.{block}.conv{i}" for block in range(blocks) for i in (0, 1)]
            layers += [f"stages.{stage}.reduction.conv{i}" for i in (0, 1)]
        if predicted_orders(layers, image_size, filters) > SINGLE_PRECISION:
            return blocks


def theory(row):
    """The deep network's first epoch, what was predicted and found at initialisation, and how far Adam can get.

    `row`: a row of `findings`. `flow` is None where no gradient was recorded, and `predicted` where the estimate does
    not hold for the network; `initial` is the flow that it is compared with. `adam_step` and `adam_total` are how far a
    weight of the first layer moves at most, in one step and in all steps of the epochs of `row.flows`.
    """
    filters = max(1, round(FILTERS * row.width))
    found = SimpleNamespace(
        flow=None,
        initial=row.initial,
        predicted=None,
        filters=filters,
        vanishes=False,
        staircase=False,
        single_precision=SINGLE_PRECISION,
    )
    if not row.flows:
        return found
    found.flow = first = row.flows[0]
    found.convolutions = len(first.layers)
    found.vanishes = first.orders > LEVEL
    found.staircase = found.vanishes and len(first.stages) == 3 and first.within < 10
    found.attenuation = 6 ** (-(found.convolutions - 1) / 2)
    # the networks that the estimate is valid for
    if row.block == "plain" and row.init == "own" and pd.isna(row.activation) and not row.supervision:
        found.predicted = predicted_orders(first.layers, int(row.facts["image_size"]), filters)
    if found.predicted:
        found.critical = critical_depth(int(row.facts["image_size"]), filters)
    largest = np.max([flow.largest for flow in row.flows], axis=0)
    found.below_epsilon = int((largest < ADAM_EPSILON).sum())
    steps = row.facts["train_images"] // row.batch_size  # the trainer drops a short last batch
    # |m| / (sqrt(v) + epsilon) for a gradient of constant sign and size
    share = largest[0] / (largest[0] + ADAM_EPSILON)
    found.steps = steps * len(row.flows)
    found.adam_step = row.lr * share
    places = itertools.product(range(len(row.flows)), range(steps))
    found.adam_total = share * math.fsum(schedules.learning_rate(row, *place, steps) for place in places)
    return found
