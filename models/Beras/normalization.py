"""Batch normalisation (Ioffe and Szegedy, 2015)."""

import numpy as np

from .core import Diffable, floating


class BatchNormalization(Diffable):
    """outputs = gamma * (inputs - mean) / sqrt(variance + epsilon) + beta, for each of `size` features.

    In training, mean and variance are those of the batch, and running means of both are kept (Keras's formula and
    defaults: moving = momentum moving + (1 - momentum) batch's, with the variance divided by the batch size). At
    inference, and whenever the layer is not trainable, the running means take their place. Raises ValueError for inputs
    of another shape than (batch, size).
    """

    def __init__(self, size, momentum=0.99, epsilon=1e-3):
        super().__init__()
        self.momentum = momentum
        self.epsilon = epsilon
        self.gamma = np.ones(size, np.float32)
        self.beta = np.zeros(size, np.float32)
        self.moving_mean = np.zeros(size, np.float32)
        self.moving_variance = np.ones(size, np.float32)
        self.inputs = None
        self.outputs = None

    @property
    def weights(self):
        return [self.gamma, self.beta]

    @property
    def variables(self):
        return [self.gamma, self.beta, self.moving_mean, self.moving_variance]

    def forward(self, inputs):
        inputs = floating(inputs)
        size = len(self.gamma)
        if inputs.ndim != 2 or inputs.shape[1] != size:
            raise ValueError(f"BatchNormalization({size}) takes inputs (batch, {size}), found shape {inputs.shape}")
        self.inputs = inputs
        self._of_batch = Diffable.training and self.trainable
        if self._of_batch:
            mean, variance = inputs.mean(axis=0), inputs.var(axis=0)
            self.moving_mean += (1 - self.momentum) * (mean - self.moving_mean)
            self.moving_variance += (1 - self.momentum) * (variance - self.moving_variance)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        self._scale = 1 / np.sqrt(variance + self.epsilon)  # (size,)
        self._normalized = (inputs - mean) * self._scale  # (batch, size)
        self.outputs = self.gamma * self._normalized + self.beta
        return self.outputs

    def input_gradients(self):
        """(size, size), diagonal; at inference only: in training an output depends on all samples of the batch."""
        if self._of_batch:
            raise RuntimeError(
                "in training BatchNormalization has no Jacobian sample by sample, since the batch's mean and variance "
                "tie its samples together: use compose_to_input(J)"
            )
        return np.diag(self.gamma * self._scale)

    def weight_gradients(self):
        """[(batch, 1, size), (size,)]: for gamma it is the normalised input, for beta 1."""
        return [self._normalized[:, None, :], np.ones_like(self.beta)]

    def compose_to_input(self, J):
        """The chain rule through x, and in training through the mean and the variance as well.

        Those two paths subtract from J, column by column, its mean and its component along the normalised input:
        shifting all inputs of a column together, or stretching them, does not change the output.
        """
        if self._of_batch:
            along = (J * self._normalized).mean(axis=0)
            J = J - J.mean(axis=0) - self._normalized * along
        return J * (self.gamma * self._scale)
