"""How much of the gradient reaches the first layer, as it was recorded."""

import math
from dataclasses import dataclass

import numpy as np

from workflow_scripts.engine.tables import main_path, summary

LEVEL = 4  # orders of magnitude between first and last gradient: fewer are called level, more are called steep


@dataclass(frozen=True)
class Flow:
    """Mean |gradient| per weight in an epoch or a batch, of the convolutions on the main path from the first on.

    The geometric mean over seeds. `orders`: how many orders of magnitude the first convolution lies below the last;
    infinite where the first is zero, NaN where the last alone is, which is then `closed` and compares with nothing.
    `orders_std`: its sample standard deviation over the seeds (NaN with one seed).
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
    def closed(self):
        """The layers whose gradient is zero although the first has one: those of branches that start at 0.

        SkipInit has such branches, and so has whatever is initialised by `zero_residual`. The gradient goes past them
        at the first step, and into them from the second on. Where the reductions have shortcuts, too, the last
        convolution may be one of them.
        """
        return [layer for layer, size in zip(self.layers, self.mean_abs, strict=True) if self.first > 0 and size == 0]

    @property
    def smallest(self):
        """The smallest of those that are not `closed`."""
        return float(self.mean_abs[self.mean_abs > 0].min()) if self.first > 0 else 0.0

    @property
    def span(self):
        """The ratio of the largest to the smallest; infinite where that is zero."""
        return float(self.mean_abs.max() / self.smallest) if self.smallest > 0 else math.inf


def flows(gradients):
    """The `Flow` of each epoch of a table from `summary.gradients_by_cell`.

    There are none for cells that diverged in their first epoch, or of a network without a layer before its classifier.
    """
    gradients = gradients[~main_path.aside(gradients["layer"])]
    if gradients["depth"].nunique() < 2:
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
        orders=_orders(first, last),
        orders_std=spread,
        stages=tuple(groups.median()),
        within=max((run.max() / run.min() if run.min() > 0 else math.inf for _, run in runs), default=math.inf),
    )


def _orders(first, last):
    if first > 0:
        return math.log10(last / first) if last > 0 else math.nan
    return math.inf
