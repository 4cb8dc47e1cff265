"""Which files a folder of images has, in one number: Snakemake sees only the folder, whose time tells nothing of it."""

import hashlib
import os
from pathlib import Path

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.data import datasets


def listing(dataset):
    """A digest of names, sizes and times of the files of a `config.Dataset` that is a folder; None of any other."""
    if dataset.source != "folder" or not dataset.path or not dataset.path.is_dir():
        return None
    digest = hashlib.sha256()
    for folder, folders, names in os.walk(dataset.path):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            found = path.stat()
            digest.update(f"{path.relative_to(dataset.path)}\0{found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def listing_now(dataset, made):
    """The listing as it is or, where the folder has gone, as it was when the file `made` was made from it."""
    if dataset.source == "folder" and dataset.path and not dataset.path.exists() and os.path.exists(made):
        try:
            return datasets.load_meta(made).get("listing")
        except UserError:  # the file is damaged, and is made again
            return None
    return listing(dataset)
