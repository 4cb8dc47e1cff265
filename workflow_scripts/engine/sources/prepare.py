"""From a data set's description to its file: what all sources have in common."""

import hashlib
import importlib
import json
import pkgutil

import numpy as np

from workflow_scripts.engine import sources, whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.sources import listing, pixels


def prepare(name, dataset, out, cache):
    """Fetch, verify, decode and write the data set `name`, a `config.Dataset`, to the file `out` (see `datasets.Data`).

    `cache` is the folder for downloads. If it raises UserError, `out` is as it was before.
    """
    for module in pkgutil.iter_modules(sources.__path__, f"{sources.__name__}."):
        importlib.import_module(module.name)  # registers its sources
    try:
        save(name, dataset, sources.SOURCES[dataset.source](dataset, cache), out)
    except UserError as error:
        raise UserError(f"data set {name}: {error}") from None


def save(name, dataset, decoded, out):
    """Check a source's `Decoded` and write it to the file `out`, in the image size and channels of `dataset`.

    Raises UserError where there are fewer than two classes, or images and labels do not fit each other.
    """
    if len(decoded.class_names) < 2:
        raise UserError(f"expected at least two classes, found {', '.join(decoded.class_names) or 'none'}")
    arrays = {}
    for split in sources.SUBSETS:
        images, labels = getattr(decoded, f"{split}_images"), getattr(decoded, f"{split}_labels")
        _check(split, images, labels, decoded.class_names)
        arrays[f"{split}_images"] = pixels.conform(images, dataset.image_size, dataset.channels)
        arrays[f"{split}_labels"] = labels.astype(np.int64)
    arrays["class_names"] = np.array(decoded.class_names)
    meta = {
        "name": name,
        "source": dataset.source,
        "title": dataset.title or decoded.title or name,
        "embedded": decoded.embedded,
        "train_images": len(arrays["train_images"]),
        "image_shape": [dataset.channels, *arrays["train_images"].shape[1:3]],
        "num_classes": len(decoded.class_names),
        "sha256": _digest(arrays),
        **listing.facts(dataset),
    }
    with whole_files.written(out) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays, meta=np.array(json.dumps(meta)))


def _check(split, images, labels, class_names):
    if len(images) != len(labels):
        raise UserError(f"{split}: expected a label per image, found {len(labels):,} for {len(images):,} images")
    if not len(images):
        raise UserError(f"{split}: expected images, found none")
    if labels.max() >= len(class_names):
        raise UserError(
            f"{split}: expected labels from 0 to {len(class_names) - 1}, found {labels.max()} (image {labels.argmax()})"
        )


def _digest(arrays):
    """SHA-256 of the arrays with their names and shapes: equal for equal data, wherever it came from."""
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()
