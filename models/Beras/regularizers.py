"""Penalties on large weights, as in Keras: `Dense(784, 10, kernel_regularizer=L2(1e-4))`.

Calling a regulariser with a weight returns the penalty, which is added to the loss (`Model.losses`); the layer adds its
`gradient` to the weight's gradient.
"""

import numpy as np


class L1L2:
    """l1 sum |w| + l2 sum w^2. L1 drives weights to exactly zero, L2 shrinks large ones most."""

    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = l1
        self.l2 = l2

    def __call__(self, w):
        return float(self.l1 * np.abs(w).sum() + self.l2 * (w * w).sum())

    def gradient(self, w):
        """d penalty / dw, of w's shape; the derivative of |w| at w = 0 is taken as 0."""
        return self.l1 * np.sign(w) + 2 * self.l2 * w


class L1(L1L2):
    """l1 sum |w|."""

    def __init__(self, l1=0.01):
        super().__init__(l1=l1)


class L2(L1L2):
    """l2 sum w^2."""

    def __init__(self, l2=0.01):
        super().__init__(l2=l2)
