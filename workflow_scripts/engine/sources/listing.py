"""Which images a folder has, in one number: Snakemake sees only the folder, whose time says nothing about them."""

import contextlib
import hashlib
import os

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.sources import SUBSETS
from workflow_scripts.engine.sources.archives import walk


def facts(dataset):
    """What the file of a `config.Dataset` that is a folder keeps about it, for `listing_now`; of any other, nothing."""
    found = listing(dataset)
    return {"listing": found, "contents": contents(dataset)} if found else {}


def listing(dataset):
    """A digest of names, sizes and times of the files of a `config.Dataset` that is a folder; None for any other."""
    return _digest(dataset, _look)


def contents(dataset):
    """The same for names and contents: equal after all files were copied, which changes their times."""
    return _digest(dataset, lambda path: hashlib.sha256(path.read_bytes()).hexdigest())


def listing_now(dataset, made):
    """The listing as it is; if the folder has gone or its files are the same, as when the file `made` was made."""
    now = listing(dataset)
    if dataset.source != "folder" or not dataset.path or not os.path.exists(made):
        return now
    try:
        then = datasets.load_meta(made)
    except UserError:  # the file is damaged, and is made again
        return now
    gone = not dataset.path.exists()
    same = gone or (now and now != then.get("listing") and contents(dataset) == then.get("contents"))
    return then.get("listing") if same else now


def _digest(dataset, described):
    """A digest of the names of all images, each `described(path)`; None for what is not a folder.

    It covers only files in class folders, which may lie under one top folder: what lies beside them is not an image.
    """
    if dataset.source != "folder" or not dataset.path or not dataset.path.is_dir():
        return None
    found = []
    for parts, path in walk(dataset.path):
        with contextlib.suppress(OSError):  # a broken link, about which reading the images says more
            if not path.is_dir() and not {*parts[:-2]}.isdisjoint(SUBSETS):
                found.append(f"{'/'.join(parts)}\0{described(path)}\n")
    return hashlib.sha256("".join(sorted(found)).encode()).hexdigest()[:16]


def _look(path):
    return f"{path.stat().st_size} {path.stat().st_mtime_ns}"
