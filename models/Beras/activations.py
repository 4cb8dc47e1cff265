"""Activations: functions without weights, between the dense layers and at the end."""

import numpy as np

from .core import Diffable, floating


class LeakyReLU(Diffable):
    """x where x > 0, alpha x elsewhere; elementwise, any shape. (Keras 3 calls it `negative_slope`, also 0.3.)"""

    def __init__(self, alpha=0.3):
        super().__init__()
        self.alpha = alpha
        self.inputs = None
        self.outputs = None

    def forward(self, inputs):
        self.inputs = floating(inputs)
        self.outputs = self.inputs * self.input_gradients()
        return self.outputs

    def input_gradients(self):
        """The slope at every entry, (batch, n). At the kink, 0, it is the slope on the left."""
        return np.array([self.alpha, 1], self.inputs.dtype).take(self.inputs > 0)  # much faster than np.where

    def compose_to_input(self, J):
        """Each output depends only on its own input: the Jacobian is diagonal, and the product is elementwise."""
        return J * self.input_gradients()


class ReLU(LeakyReLU):
    """x where x > 0, 0 elsewhere."""

    def __init__(self):
        super().__init__(alpha=0)


class Softmax(Diffable):
    """p_i = exp(x_i) / sum_j exp(x_j) along the last axis: scores to probabilities.

    Safe for scores of any size: the largest is subtracted first (which cancels, so the result is the same), so that no
    exp overflows; and a probability that would underflow to 0 is raised to the smallest normal number of its type.
    Otherwise the logarithm in a loss would be infinite, or its gradient lost: see `CategoricalCrossentropy`.
    """

    def __init__(self):
        super().__init__()
        self.inputs = None
        self.outputs = None

    def forward(self, inputs):
        self.inputs = floating(inputs)
        e = np.exp(self.inputs - self.inputs.max(axis=-1, keepdims=True))
        p = e / e.sum(axis=-1, keepdims=True)
        self.outputs = np.maximum(p, np.finfo(p.dtype).tiny)
        return self.outputs

    def input_gradients(self):
        """(batch, n, n): dp_o / dx_i = p_i (1 - p_i) where i = o, and -p_i p_o elsewhere."""
        p = self.outputs
        return p[..., :, None] * (np.eye(p.shape[-1], dtype=p.dtype) - p[..., None, :])

    def compose_to_input(self, J):
        """sum_o J_o dp_o/dx_i = p_i (J_i - sum_o J_o p_o): the product with the Jacobian, without building it."""
        p = self.outputs
        return p * (J - (J * p).sum(axis=-1, keepdims=True))
