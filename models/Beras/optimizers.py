"""Optimisers: what to do to the weights, given their gradients.

`apply_gradients(weights, grads)` changes the arrays in place. `learning_rate` is a number (Keras's by default) or one
of `schedules`. What an optimiser remembers about a weight (its moments) is stored by the weight's place in the list, so
it refuses any other weights than before, even those of a second model with the same shapes, or of the same model after
a layer was frozen.
"""

from math import sqrt

import numpy as np


class Optimizer:
    """What the optimisers share. A subclass says how many arrays it keeps per weight, and how it makes one step."""

    memories = 0  # arrays of a weight's shape kept for each weight, initially zero

    def __init__(self, learning_rate):
        self.learning_rate = learning_rate
        self.iterations = 0  # steps made so far

    def apply_gradients(self, weights, grads):
        """Make one step: weights and grads are lists of arrays of matching shapes.

        Raises ValueError for shapes that do not match, and for other weights than those of the first step.
        """
        shapes = [np.shape(weight) for weight in weights], [np.shape(grad) for grad in grads]
        if shapes[0] != shapes[1]:
            raise ValueError(f"a gradient of the same shape for every weight is needed, found {shapes[0]}, {shapes[1]}")
        if self.iterations == 0:
            self._memory = [[np.zeros_like(weight) for _ in range(self.memories)] for weight in weights]
            self._weights = list(weights)
        elif list(map(id, weights)) != list(map(id, self._weights)):
            began = [weight.shape for weight in self._weights]
            raise ValueError(
                f"the optimiser began with other weights, of shapes {began}, found {shapes[0]}: "
                "make a new one for every model, and compile again with a new one after a layer was frozen or unfrozen "
                "or its `weights` were replaced"
            )
        rate = self.learning_rate(self.iterations) if callable(self.learning_rate) else self.learning_rate
        self.iterations += 1
        for weight, grad, memory in zip(weights, grads, self._memory, strict=True):
            self._step(weight, np.asarray(grad), float(rate), *memory)


class BasicOptimizer(Optimizer):
    """Gradient descent: w -= rate g. (Keras's SGD.)"""

    def __init__(self, learning_rate=0.01):
        super().__init__(learning_rate)

    def _step(self, w, g, rate):
        w -= rate * g


class RMSProp(Optimizer):
    """Gradient descent with a separate step size for every weight (Hinton, 2012).

    v, the running mean of g^2, says how large a weight's gradients usually are; they are divided by its root:

        v = beta v + (1 - beta) g^2,    w -= rate g / (sqrt(v) + epsilon)

    This is the brief's formula, and that of PyTorch and Keras up to 2.10 (which call beta alpha and rho); newer Keras
    puts epsilon under the root.
    """

    memories = 1

    def __init__(self, learning_rate=0.001, beta=0.9, epsilon=1e-6):
        super().__init__(learning_rate)
        self.beta = beta
        self.epsilon = epsilon

    def _step(self, w, g, rate, v):
        v += (1 - self.beta) * (g * g - v)
        w -= rate * g / (np.sqrt(v) + self.epsilon)


class Adam(Optimizer):
    """RMSProp with momentum, and with the running means corrected for starting at zero (Kingma and Ba, 2015).

        m = beta_1 m + (1 - beta_1) g,    v = beta_2 v + (1 - beta_2) g^2,
        w -= rate sqrt(1 - beta_2^t) / (1 - beta_1^t)  m / (sqrt(v) + epsilon)      at step t = 1, 2, ...

    `amsgrad` uses the largest v so far (Reddi et al., 2018). Epsilon is added to the uncorrected root, as in Keras
    (the paper's "epsilon hat"); PyTorch adds it to the corrected one, which differs only in the first steps.
    """

    memories = 3

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False):
        super().__init__(learning_rate)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    def _step(self, w, g, rate, m, v, v_max):
        t = self.iterations
        rate *= sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        m += (1 - self.beta_1) * (g - m)
        v += (1 - self.beta_2) * (g * g - v)
        if self.amsgrad:
            v = np.maximum(v_max, v, out=v_max)
        w -= rate * m / (np.sqrt(v) + self.epsilon)
