"""Losses: the last step of the forward pass, and the first of the backward pass.

`forward(y_pred, y_true)` returns one number, the mean of the samples' losses over the batch. `input_gradients()`
returns (batch, n), where row b is the gradient of *sample b's own* loss, not divided by the batch size: the mean over
the batch is taken once, in the layers' `compose_to_weight`. (Keras's losses take their arguments the other way round.)
"""

import numpy as np

from .core import Diffable, floating, name


class Loss(Diffable):
    """What the losses share: their two arguments, checked and kept as `y_pred` and `y_true`, both (batch, n).

    Raises ValueError for other shapes, and if a tape sees that the predictions come second, as they do in Keras.
    """

    def __init__(self):
        super().__init__()
        self.y_pred = None
        self.y_true = None
        self.outputs = None

    def __call__(self, y_pred, y_true):
        tape = Diffable.gradient_tape
        if tape is not None and y_true is tape.latest_outputs:  # its gradient would lead away from the labels
            raise ValueError(f"{name(self)} takes the predictions first and the labels second, found them swapped")
        return super().__call__(y_pred, y_true)

    def _take(self, y_pred, y_true):
        y_pred = floating(y_pred)
        y_true = np.asarray(y_true)
        if y_pred.ndim != 2 or y_pred.shape != y_true.shape:
            raise ValueError(
                f"{name(self)} takes predictions and labels (for classes: one-hot) of the same shape (batch, n), "
                f"found {y_pred.shape} and {y_true.shape}"
            )
        # labels in double precision would make the whole backward pass double precision, at twice the cost
        self.y_pred, self.y_true = y_pred, y_true.astype(y_pred.dtype, copy=False)


class MeanSquaredError(Loss):
    """Mean over the batch of the *sum* over the outputs of (y_pred - y_true)^2.

    Why the sum, where Keras takes the mean over the outputs as well? The course's Beras reports that mean but passes
    back 2 (p - t), which is the gradient of the sum: n times (for n outputs) the gradient of what it reports. Its
    learning rates are chosen for the larger gradient. With the brief's simple model (Dense 784 x 10, Softmax,
    BasicOptimizer(0.02), 10 epochs of batches of 100), 2 (p - t) reaches about 90.5 % on MNIST's test set; the exact
    gradient of the mean, 2 (p - t) / n, makes steps ten times too short and stops at about 80 to 83 %, below the 85 %
    that the brief asks for. A loss and its gradient have to agree, or a finite-difference check, a line search and a
    student are all misled. So the gradient is the one the brief needs, and the loss is the function it is the gradient
    of. For the number that Keras shows, divide by n.
    """

    def forward(self, y_pred, y_true):
        self._take(y_pred, y_true)
        self.outputs = float(((self.y_pred - self.y_true) ** 2).sum(axis=1).mean())
        return self.outputs

    def input_gradients(self):
        """(batch, n): d/dp_o of sum_o (p_o - t_o)^2 = 2 (p_o - t_o)."""
        return 2 * (self.y_pred - self.y_true)


class CategoricalCrossentropy(Loss):
    """Mean over the batch of -sum_o t_o log p_o, for probabilities `y_pred` and one-hot (or softer) `y_true`.

    This is the formula of Keras and PyTorch. (Keras first divides a sample's predictions by their sum, which after a
    Softmax is 1. The course's stencil has a different formula under this name, which adds (1 - t) log(1 - p) and
    divides by n.) Raises ValueError for predictions that are not probabilities, and for a single output: Softmax makes
    it 1 whatever the input, so that nothing would be learned with an accuracy of 100 %.

    After a Softmax the gradient with respect to the scores is p - t (for labels that sum to 1). This holds even for a
    hopelessly wrong sample with p = 1e-300: there -t/p is huge and the Softmax's derivative tiny, but their product is
    still -1. That is why probabilities are clipped only at the smallest normal number, and not at Keras's 1e-7, where
    nothing would be learned from such a sample any more.
    """

    def forward(self, y_pred, y_true):
        self._take(y_pred, y_true)
        strange = self.y_pred[(self.y_pred < 0) | (self.y_pred > 1.01)]  # above 1 by a rounding error is not a mistake
        if len(strange):
            raise ValueError(
                f"CategoricalCrossentropy takes probabilities, found {strange[0]:.4g} among the predictions: "
                "end the model with Softmax"
            )
        if self.y_true.shape[1] == 1:
            raise ValueError(
                "CategoricalCrossentropy takes one output for each class, found a single one: two classes need two"
            )
        self.outputs = float(-(self.y_true * np.log(self._held_above_zero())).sum(axis=1).mean())
        return self.outputs

    def input_gradients(self):
        """(batch, n): d/dp_o of -sum_o t_o log p_o = -t_o / p_o."""
        return -self.y_true / self._held_above_zero()

    def _held_above_zero(self):
        return np.maximum(self.y_pred, np.finfo(self.y_true.dtype).tiny)
