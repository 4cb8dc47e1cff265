"""Metrics: numbers for people to read; nothing is differentiated through them."""

import numpy as np

from .core import Callable


class CategoricalAccuracy(Callable):
    """The fraction of samples whose most probable class is the label."""

    def forward(self, probs, labels):
        """probs and one-hot labels, each (batch, classes) -> a float in 0..1. Raises ValueError for other shapes."""
        probs, labels = np.asarray(probs), np.asarray(labels)
        if probs.ndim != 2 or probs.shape != labels.shape:
            raise ValueError(
                "CategoricalAccuracy takes predictions and one-hot labels of the same shape (batch, classes), "
                f"found {probs.shape} and {labels.shape}"
            )
        return float((probs.argmax(axis=1) == labels.argmax(axis=1)).mean())
