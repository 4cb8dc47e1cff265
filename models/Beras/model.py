"""A model: layers, and the loops that train and evaluate them batch by batch."""

import sys
from abc import ABC, abstractmethod

import numpy as np

from . import saving
from .core import checked_layers, learning_phase, trainable_weights


class Model(ABC):
    """A network of `layers`. A subclass says how they are connected (`call`) and what one batch does (`batch_step`)."""

    def __init__(self, layers):
        self.layers = checked_layers(layers, "Model")
        self.optimizer = self.compiled_loss = self.compiled_acc = None

    @property
    def trainable_variables(self):
        """The weights themselves, not copies: [W1, b1, W2, ...], in the order of `GradientTape.gradient`."""
        return [weight for layer in self.layers for weight in trainable_weights(layer)]

    @property
    def losses(self):
        """The penalties of all layers (see `regularizers`), to be added to the loss."""
        return [penalty for layer in self.layers for penalty in layer.losses]

    def compile(self, optimizer, loss_fn, acc_fn):
        """Set how to train: an optimiser, and a loss and a metric that each take (predictions, labels).

        Raises ValueError for a loss or metric that cannot be called that way, such as Keras's string names.
        """
        for argument, given in (("loss_fn", loss_fn), ("acc_fn", acc_fn)):
            if isinstance(given, type) or not callable(given):
                raise ValueError(f"{argument} should be an object to be called with (y_pred, y_true), found {given!r}")
        self.optimizer = optimizer
        self.compiled_loss = loss_fn
        self.compiled_acc = acc_fn

    @abstractmethod
    def call(self, inputs):
        """(batch, inputs) -> (batch, outputs)."""

    @abstractmethod
    def batch_step(self, x, y, training=True):
        """Forward and, in training, backward and one optimiser step. Returns {"loss": ..., "acc": ...}."""

    def __call__(self, inputs):
        return self.call(inputs)

    def fit(self, x, y, epochs, batch_size, verbose=True):
        """Train on x (samples, inputs) and y (samples, outputs). Returns {"loss": [...], "acc": [...]}, by epoch.

        Batches are taken in the order of the data, and the last may be shorter; an epoch's value is the mean over its
        samples. Also kept as attributes: `agg_metrics` (what is returned), `epoch_metrics` (the last epoch's batches)
        and `batch_metrics` (every batch since `fit` began). Raises ValueError if the sizes do not fit.
        """
        self.batch_metrics, self.agg_metrics = {}, {}
        for epoch in range(epochs):
            title = f"epoch {epoch + 1}/{epochs}" if verbose else None
            self.epoch_metrics, means = self._run(x, y, batch_size, training=True, title=title)
            for key, mean in means.items():
                self.batch_metrics.setdefault(key, []).extend(self.epoch_metrics[key])
                self.agg_metrics.setdefault(key, []).append(mean)
        return self.agg_metrics

    def evaluate(self, x, y, batch_size):
        """Like `fit`, but without learning, and with one value per metric: {"loss": [...], "acc": [...]}."""
        _, means = self._run(x, y, batch_size, training=False)
        return {key: [mean] for key, mean in means.items()}

    def _run(self, x, y, batch_size, training, title=None):
        """Run every batch once. Returns the metrics of each batch, and their means over the samples."""
        x, y = np.asarray(x), np.asarray(y)
        self._check(x, y, batch_size)
        starts = range(0, len(x), batch_size)
        metrics, sizes = {}, []
        with learning_phase(training):
            for number, start in enumerate(starts, start=1):
                batch = slice(start, start + batch_size)
                for key, value in self.batch_step(x[batch], y[batch], training=training).items():
                    metrics.setdefault(key, []).append(float(np.mean(value)))
                sizes.append(len(x[batch]))
                if title and sys.stdout.isatty() and number % 20 == 0:
                    _show(f"{title}, batch {number}/{len(starts)}", metrics, sizes, end="")
        if title:
            _show(title, metrics, sizes)
        return metrics, _means(metrics, sizes)

    def _check(self, x, y, batch_size):
        if self.compiled_loss is None:
            raise RuntimeError("the model was not compiled: call compile(optimizer, loss_fn, acc_fn) first")
        if len(x) != len(y):
            raise ValueError(f"as many labels as samples are needed, found {len(x)} samples and {len(y)} labels")
        if len(x) == 0:
            raise ValueError("at least one sample is needed, found none")
        if batch_size < 1:
            raise ValueError(f"batch_size should be at least 1, found {batch_size}")

    def save_weights(self, path):
        """Write everything the layers have learned to `path`, an .npz file."""
        saving.save_weights(self, path)

    def load_weights(self, path):
        """Load what `save_weights` wrote into this model, which must have the same layers."""
        saving.load_weights(self, path)


def _means(metrics, sizes):
    """Means over the samples: a short last batch is weighted by its size."""
    return {key: float(np.average(values, weights=sizes)) for key, values in metrics.items()}


def _show(title, metrics, sizes, end="\n"):
    numbers = "  ".join(f"{key} {mean:.4f}" for key, mean in _means(metrics, sizes).items())
    start = "\r" if sys.stdout.isatty() else ""
    print(f"{start}{title}: {numbers:<40}", end=end, flush=True)
