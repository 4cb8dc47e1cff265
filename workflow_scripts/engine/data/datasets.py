"""A decoded data set, and how its training images are divided into a training and a validation part.

Nothing here knows where a data set comes from: that is `engine/sources/`, which writes the files that `load` reads.
"""

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.registry import Registry
from workflow_scripts.engine.commands import UserError

SPLITS = Registry("split")
register_split = SPLITS.register

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels", "class_names")
DAMAGED = (  # what NumPy, zipfile and json raise for a file that is damaged or of another kind
    ValueError, KeyError, RuntimeError, OSError, AttributeError, TypeError, EOFError, zipfile.BadZipFile, zlib.error
)  # fmt: skip


@dataclass(frozen=True)
class Data:
    """The arrays of a data set: images uint8 (n, rows, columns, channels), labels int64 (n,) from 0."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: np.ndarray  # unicode, one per label
    meta: dict  # name, source, title (for people), embedded (comes with the project?), sizes, sha256 of the arrays

    @property
    def num_classes(self):
        """The number of classes."""
        return len(self.class_names)

    @property
    def image_shape(self):
        """(channels, rows, columns), as `models.registry.build_model` takes it."""
        rows, columns, channels = self.train_images.shape[1:]
        return channels, rows, columns

    @property
    def sha256(self):
        """The digest of its arrays."""
        return self.meta["sha256"]


def load(path):
    """The `Data` in the file `path`; raises UserError if it is missing, damaged or not a data set."""
    *arrays, meta = _read(path, (*ARRAYS, "meta"))
    return Data(*arrays, meta=meta)


def load_meta(path):
    """Only the `Data.meta` of the data set in the file `path`: quick, because no image is read."""
    return _read(path, ["meta"])[0]


def file_of(name, files):
    """The file of the data set `name` among `files`, or else UserError; a single file is taken whatever its name."""
    if len(files) == 1:
        return files[0]
    for path in files:
        if path.stem == name:
            return path
    raise UserError(f"--data: expected {name}.npz among {', '.join(path.name for path in files)}, found none")


def _read(path, names):
    try:
        with np.load(path, allow_pickle=False) as file:
            return [json.loads(str(file[name])) if name == "meta" else file[name] for name in names]
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such data set; make it with `python -m workflow_scripts.fetch_data --name {Path(path).stem} "
            f"--source SOURCE --out {path}`, see its --help for the sources"
        ) from None
    except PermissionError:  # it says what is wrong itself
        raise
    except DAMAGED:
        raise UserError(
            f"{path}: expected a data set as fetch_data writes it, found a damaged or other file; fetch it again"
        ) from None


def split_indices(labels, split, val_fraction, train_items=None):
    """Indices (train, val) into `labels`, int64, the same for every seed.

    `split` names how the training part is drawn, all but `val_fraction` of the images, with at least one in each part;
    the others are for validation, in their own order. `train_items` then cuts the training part, never the validation
    part. Raises UserError if there are fewer images than asked for.
    """
    count = len(labels)
    if count < 2:
        raise UserError(f"expected at least 2 training images, one of them for validation; found {count}")
    drawn = SPLITS[split](labels, min(max(round(count * (1 - val_fraction)), 1), count - 1))
    if train_items is not None and train_items > len(drawn):
        raise UserError(
            f"train_items is {train_items:,}, but only {len(drawn):,} training images are left beside those for "
            f"validation (val_fraction {val_fraction:g} of {count:,}); choose {len(drawn):,} or fewer"
        )
    val = np.setdiff1d(np.arange(count), drawn)
    return drawn[:train_items].astype(np.int64), val.astype(np.int64)


@register_split("course")
def course(labels, count):
    """`count` images drawn as in the course, whatever their classes; any part of the draw is random too."""
    return np.random.RandomState(0).choice(len(labels), count, replace=False)


@register_split("stratified")
def stratified(labels, count):
    """`count` images with every class in proportion, as in any first part of them.

    Each class is shuffled and spread evenly over the whole, from which the first `count` are taken. This is to within
    one image where classes are about equally large; a far larger one makes up for the rounding of many small ones.
    """
    shuffled = np.random.RandomState(0).permutation(len(labels))
    classes = labels[shuffled]
    sizes = np.bincount(classes)
    rank = np.empty(len(labels))
    rank[np.argsort(classes, kind="stable")] = np.concatenate([np.arange(size) for size in sizes])
    return shuffled[np.argsort((rank + 0.5) / sizes[classes], kind="stable")][:count]
