"""Learning rates that change with the step, as in Keras: `Adam(CosineDecay(0.001, decay_steps=6000))`.

A schedule is called with the number of steps made so far (0 at the first) and returns the rate for the next one.
"""

from bisect import bisect_left
from math import cos, floor, pi


class ExponentialDecay:
    """initial_learning_rate * decay_rate^(step / decay_steps); `staircase` rounds the exponent down."""

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase

    def __call__(self, step):
        exponent = step / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (floor(exponent) if self.staircase else exponent)


class CosineDecay:
    """Half a cosine from initial_learning_rate down to alpha times it at decay_steps, then constant."""

    def __init__(self, initial_learning_rate, decay_steps, alpha=0.0):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha

    def __call__(self, step):
        falling = 0.5 * (1 + cos(pi * min(step / self.decay_steps, 1.0)))  # 1 at the first step, 0 at the last
        return self.initial_learning_rate * (self.alpha + (1 - self.alpha) * falling)


class PiecewiseConstantDecay:
    """values[0] up to and including step boundaries[0], then values[1] up to and including boundaries[1], and so on.

    Raises ValueError unless there is one value more than boundaries.
    """

    def __init__(self, boundaries, values):
        if len(values) != len(boundaries) + 1:
            raise ValueError(f"one value more than boundaries is needed, found {len(values)} and {len(boundaries)}")
        self.boundaries = boundaries
        self.values = values

    def __call__(self, step):
        return self.values[bisect_left(self.boundaries, step)]
