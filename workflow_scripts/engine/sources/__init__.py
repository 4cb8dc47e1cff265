"""Where data sets come from: one small file per format, and what they share.

A source is a function `(dataset, cache) -> Decoded`, registered by name with `@register_source("name")` in a module of
this package; `dataset` is a `config.Dataset`, `cache` the folder for downloads. It may raise UserError. What follows
(size, channels, checks, writing the file) is the same for all sources and is in `prepare.py`.
"""

from dataclasses import dataclass

import numpy as np

from models.registry import Registry

SUBSETS = ("train", "test")

SOURCES = Registry("source")
register_source = SOURCES.register


@dataclass(frozen=True)
class Decoded:
    """A source's result: images uint8 (n, rows, columns, 1 or 3), whole-number labels (n,), names in label order."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: list
    title: str | None = None  # for people; None: the data set's name
    embedded: bool = False  # comes with the installation, so that a demo needs no network
