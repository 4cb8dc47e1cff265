"""Which images a folder has, in one number: Snakemake sees only the folder, whose time says nothing about them."""

import contextlib
import hashlib
import os

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.sources import SPLITS
from workflow_scripts.engine.sources.archives import walk


def listing(dataset):
    """A digest of names, sizes and times of the files of a `config.Dataset` that is a folder; None for any other.

    It covers only files in class folders, which may lie under one top folder: what lies beside them is not an image.
    """
    if dataset.source != "folder" or not dataset.path or not dataset.path.is_dir():
        return None
    found = []
    for parts, path in walk(dataset.path):
        with contextlib.suppress(OSError):  # a broken link, about which reading the images says more
            if not path.is_dir() and not {*parts[:-2]}.isdisjoint(SPLITS):
                found.append(f"{'/'.join(parts)}\0{path.stat().st_size} {path.stat().st_mtime_ns}\n")
    return hashlib.sha256("".join(sorted(found)).encode()).hexdigest()[:16]


def listing_now(dataset, made):
    """The listing as it is or, if the folder has gone, as it was when the file `made` was made from it."""
    if dataset.source == "folder" and dataset.path and not dataset.path.exists() and os.path.exists(made):
        try:
            return datasets.load_meta(made).get("listing")
        except UserError:  # the file is damaged, and is made again
            return None
    return listing(dataset)
