"""The dense (fully connected) layer."""

import numpy as np

from .core import Diffable, checked_object, floating

# Standard deviation of the initial weights, by name. In a layer of n inputs the variance of a sum is n times that of
# its terms: `xavier` (Glorot and Bengio, 2010) keeps the variance level forward and backward, `kaiming` (He et al.,
# 2015) makes up for what a ReLU takes away. (Keras's `glorot_normal` and `he_normal` have the same deviations, but no
# values beyond about two of them.) With `zero` all hidden units stay alike, so they learn nothing of use.
INITIALIZERS = {
    "zero": lambda inputs, outputs: 0.0,
    "normal": lambda inputs, outputs: 1.0,
    "xavier": lambda inputs, outputs: (2 / (inputs + outputs)) ** 0.5,
    "kaiming": lambda inputs, outputs: (2 / inputs) ** 0.5,
}


class Dense(Diffable):
    """outputs = inputs @ w + b: (batch, input_size) -> (batch, output_size).

    `w` is (input_size, output_size), `b` (output_size,), both float32. `kernel_regularizer`, one of `regularizers`,
    penalises large entries of `w`. Raises ValueError for sizes below 1, an unknown initialiser, what is no
    regulariser, such as a number, and inputs of another shape.
    """

    def __init__(self, input_size, output_size, initializer="kaiming", kernel_regularizer=None):
        super().__init__()
        self.w, self.b = self._initialize_weight(initializer, input_size, output_size)
        if kernel_regularizer is not None:
            checked_object("kernel_regularizer", kernel_regularizer, "gradient", "L2(0.01)")
        self.kernel_regularizer = kernel_regularizer
        self.inputs = None
        self.outputs = None

    @property
    def weights(self):
        return [self.w, self.b]

    @weights.setter
    def weights(self, weights):
        self.w, self.b = weights

    def forward(self, inputs):
        inputs = floating(inputs)
        if inputs.ndim != 2 or inputs.shape[1] != len(self.w):
            size = " x ".join(map(str, self.w.shape))
            raise ValueError(f"Dense {size} takes inputs (batch, {len(self.w)}), found shape {inputs.shape}")
        self.inputs = inputs
        self.outputs = inputs @ self.w + self.b
        return self.outputs

    def input_gradients(self):
        """(input_size, output_size): output_o = sum_i input_i w_io + b_o, so d output_o / d input_i is w_io."""
        return self.w

    def weight_gradients(self):
        """[(batch, input_size, 1), (output_size,)]: d output_o / d w_io is input_i, d output_o / d b_o is 1."""
        return [self.inputs[:, :, None], np.ones_like(self.b)]

    # The two methods below return what Diffable's own would, from the same derivatives. But those build an array
    # (batch, input_size, output_size) only to sum over the batch; a matrix product sums as it goes.

    def compose_to_input(self, J):
        """dL/dx_bi = sum_o J_bo w_io."""
        return J @ self.w.T

    def compose_to_weight(self, J):
        """dL/dw_io = mean_b x_bi J_bo, dL/db_o = mean_b J_bo, plus the penalty's gradient if there is a penalty."""
        J = J / len(J)
        dw = self.inputs.T @ J
        if self.kernel_regularizer:
            dw += self.kernel_regularizer.gradient(self.w)
        return [dw, J.sum(axis=0)]

    @property
    def losses(self):
        """[the penalty on w], or [] without one. A frozen layer has none, as in Keras: nothing can make it smaller."""
        return [self.kernel_regularizer(self.w)] if self.kernel_regularizer and self.trainable else []

    @staticmethod
    def _initialize_weight(initializer, input_size, output_size):
        """(w, b) with w drawn from a normal distribution (NumPy's global generator: `np.random.seed`) and b zero."""
        key = initializer.lower() if isinstance(initializer, str) else initializer
        if key not in INITIALIZERS:
            raise ValueError(f"unknown initializer {initializer!r}; known: {', '.join(INITIALIZERS)}")
        for label, size in (("input_size", input_size), ("output_size", output_size)):
            if not isinstance(size, (int, np.integer)) or size < 1:
                raise ValueError(f"{label} of Dense should be a positive whole number, found {size!r}")
        std = INITIALIZERS[key](input_size, output_size)
        w = std * np.random.standard_normal((input_size, output_size))
        return w.astype(np.float32), np.zeros(output_size, np.float32)
