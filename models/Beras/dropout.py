"""Dropout (Srivastava et al., 2014)."""

import numpy as np

from .core import Diffable, floating


class Dropout(Diffable):
    """In training each input is set to 0 with probability `rate`, and the others are divided by 1 - rate.

    This keeps the expectation the same, and at inference (`Diffable.training` False) the layer does nothing at all.
    The draws are from NumPy's global generator (`np.random.seed`). Raises ValueError for a rate outside [0, 1).
    """

    def __init__(self, rate):
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"the rate of Dropout should be at least 0 and below 1, found {rate}")
        self.rate = rate
        self.inputs = None
        self.outputs = None

    def forward(self, inputs):
        self.inputs = floating(inputs)
        self._kept = None
        if Diffable.training and self.rate > 0:
            kept = np.random.random_sample(self.inputs.shape) >= self.rate
            self._kept = kept * self.inputs.dtype.type(1 / (1 - self.rate))
        self.outputs = self.inputs if self._kept is None else self.inputs * self._kept
        return self.outputs

    def input_gradients(self):
        """(batch, n): the factor each input was multiplied by."""
        return np.ones_like(self.inputs) if self._kept is None else self._kept

    def compose_to_input(self, J):
        """Elementwise: each output depends only on its own input."""
        return J if self._kept is None else J * self._kept
