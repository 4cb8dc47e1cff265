"""A model: layers, and the loops that train, evaluate and use them batch by batch."""

import sys
from abc import ABC, abstractmethod

import numpy as np

from . import saving
from .core import checked_layers, checked_object, learning_phase, stop_recording, trainable_weights


class Model(ABC):
    """A network of `layers`. A subclass says how they are connected (`call`) and what one batch does (`batch_step`).

    Raises ValueError if one of them is not a layer.
    """

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

        Raises ValueError for a class or one of Keras's string names in place of an object, and for parts in another
        order: an optimiser has `apply_gradients`, and a loss, unlike a metric, `input_gradients`.
        """
        self.optimizer = checked_object("optimizer", optimizer, "apply_gradients", "Adam(0.001)")
        self.compiled_loss = checked_object("loss_fn", loss_fn, "input_gradients", "CategoricalCrossentropy()")
        self.compiled_acc = checked_object("acc_fn", acc_fn, "__call__", "CategoricalAccuracy()")

    @abstractmethod
    def call(self, inputs):
        """(batch, inputs) -> (batch, outputs)."""

    @abstractmethod
    def batch_step(self, x, y, training=True):
        """Forward and, in training, backward and one optimiser step. Returns {"loss": ..., "acc": ...}."""

    def __call__(self, inputs):
        return self.call(inputs)

    def fit(self, x, y, epochs=1, batch_size=32, verbose=True, validation_data=None):
        """Train on x (samples, inputs) and y (samples, outputs). Returns {"loss": [...], "acc": [...]}, by epoch.

        Batches are taken in the order of the data (Keras shuffles the samples before every epoch), and the last may be
        shorter; an epoch's value is the mean over its samples. After every epoch the model is evaluated on
        `validation_data`, a pair (x, y), if given: these values are under "val_loss" and "val_acc".

        Also kept as attributes: `agg_metrics` (what is returned), `epoch_metrics` (the last epoch's batches) and
        `batch_metrics` (every batch since `fit` began). Raises RuntimeError if the model was not compiled, and
        ValueError if the sizes do not fit, a number is NaN or infinite, or `validation_data` is no pair.
        """
        x, y = self._data(x, y)
        if validation_data is not None:  # looked at before an epoch is trained for nothing
            _check_pair(validation_data)
            validation_data = self._data(*validation_data)
        self.batch_metrics, self.agg_metrics = {}, {}
        for epoch in range(epochs):
            title = f"epoch {epoch + 1}/{epochs}" if verbose else None
            self.epoch_metrics, means = self._run(x, y, batch_size, training=True, title=title)
            for key, values in self.epoch_metrics.items():
                self.batch_metrics.setdefault(key, []).extend(values)
            if validation_data is not None:
                _, unseen = self._run(*validation_data, batch_size, training=False)
                means |= {f"val_{key}": mean for key, mean in unseen.items()}
            for key, mean in means.items():
                self.agg_metrics.setdefault(key, []).append(mean)
            if verbose:
                _show(title, means)
        return self.agg_metrics

    def evaluate(self, x, y, batch_size=32):
        """Like `fit`, but without learning, and with one value per metric: {"loss": [...], "acc": [...]}."""
        _, means = self._run(*self._data(x, y), batch_size, training=False)
        return {key: [mean] for key, mean in means.items()}

    def predict(self, x, batch_size=32):
        """x (samples, inputs) -> (samples, outputs), at inference, and recorded by no tape.

        `model(x)` gives the same, but takes all samples as one batch, whose arrays every layer then keeps. Raises
        ValueError if there is no sample, for a number that is NaN or infinite, and for a batch size below 1.
        """
        x = _samples("x", x)
        with learning_phase(False), stop_recording():
            return np.concatenate([self(x[batch]) for batch in _batches(x, batch_size)])

    def _run(self, x, y, batch_size, training, title=None):
        """Run every batch once. Returns the metrics of each batch, and their means over the samples."""
        batches = _batches(x, batch_size)
        metrics, sizes = {}, []
        with learning_phase(training):
            for number, batch in enumerate(batches, start=1):
                for key, value in self.batch_step(x[batch], y[batch], training=training).items():
                    metrics.setdefault(key, []).append(float(np.mean(value)))
                sizes.append(len(x[batch]))
                if title and sys.stdout.isatty() and number % 20 == 0:
                    _show(f"{title}, batch {number}/{len(batches)}", _means(metrics, sizes), end="")
        return metrics, _means(metrics, sizes)

    def _data(self, x, y):
        """Both as arrays that fit each other."""
        if self.compiled_loss is None:
            raise RuntimeError("the model was not compiled: call compile(optimizer, loss_fn, acc_fn) first")
        x, y = _samples("x", x), _samples("y", y)
        if len(x) != len(y):
            raise ValueError(f"as many labels as samples are needed, found {len(x)} samples and {len(y)} labels")
        return x, y

    def save_weights(self, path):
        """Write everything the layers have learned to `path`, an .npz file."""
        saving.save_weights(self, path)

    def load_weights(self, path):
        """Load what `save_weights` wrote into this model, which must have the same layers."""
        saving.load_weights(self, path)


def _check_pair(validation_data):
    if not isinstance(validation_data, (tuple, list)):
        raise ValueError(f"validation_data should be a pair (x, y), found {type(validation_data).__name__}")
    if len(validation_data) != 2:  # Keras's third, the weights of samples, is not known here
        raise ValueError(f"validation_data should be a pair (x, y), found {len(validation_data)} in place of two")


def _samples(argument, values):
    """`values` as an array. One NaN among the inputs would make every weight NaN, and no later batch mends that."""
    values = np.asarray(values)
    if values.ndim == 0 or len(values) == 0:
        raise ValueError(f"at least one sample is needed, found {argument} of shape {values.shape}")
    if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
        place = tuple(np.argwhere(~np.isfinite(values))[0])
        raise ValueError(f"{argument} should have finite numbers only, found {values[place]} in sample {place[0]}")
    return values


def _batches(x, batch_size):
    """Slices that take the samples in their order, `batch_size` at a time; the last may be shorter."""
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(f"batch_size should be a whole number, at least 1, found {batch_size!r}")
    return [slice(start, start + batch_size) for start in range(0, len(x), batch_size)]


def _means(metrics, sizes):
    """Means over the samples: a short last batch is weighted by its size."""
    return {key: float(np.average(values, weights=sizes)) for key, values in metrics.items()}


def _show(title, means, end="\n"):
    numbers = "  ".join(f"{key} {mean:.4f}" for key, mean in means.items())
    start = "\r" if sys.stdout.isatty() else ""
    print(f"{start}{title}: {numbers:<40}", end=end, flush=True)
