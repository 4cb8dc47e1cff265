"""A folder, or a zip of one, with images as <split>/<class>/<name>.{png,jpg,jpeg,webp}; the splits are train and test.

Classes are labelled, and images taken, in the alphabetical order of their names. Other splits and files beside the
class folders are ignored; everything may lie within one top folder.
"""

import numpy as np

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.sources import SUBSETS, Decoded, pixels, register_source
from workflow_scripts.engine.sources.archives import open_tree

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
WANTED = "<split>/<class>/*.{png,jpg,jpeg,webp} with the splits train and test"


@register_source("folder")
def folder(dataset, cache):
    """The images in `dataset.path`, with the image_size and channels of `dataset`.

    Raises UserError where splits or classes are missing, and for all images that cannot be read, at once.
    """
    path = dataset.path
    if path is None:
        raise UserError(f"the source `folder` needs a `path`: a folder or zip of {WANTED}")
    files, folders = _below_top(*open_tree(path))
    for split in SUBSETS:
        if (split,) not in folders:
            found = ", ".join(sorted({parts[0] for parts in folders})) or "no folder"
            raise UserError(f"{path}: expected {WANTED}; found no {split}, but {found}")
    classes = _class_names(path, folders)
    members = {split: _images(path, split, classes, files) for split in SUBSETS}
    everything = [(f"{path}: {'/'.join(parts)}", files[parts]) for split in SUBSETS for parts in members[split]]
    # all together, so that train and test must have the same size and kind
    images = pixels.decode(everything, dataset.image_size, dataset.channels)
    labels = np.array([classes.index(parts[1]) for split in SUBSETS for parts in members[split]])
    train = len(members["train"])
    return Decoded(images[:train], labels[:train], images[train:], labels[train:], classes)


def _below_top(files, folders):
    """The same files and folders without the single top folder that archivers like to add."""
    tops = {parts[0] for parts in folders}
    if len(tops) != 1 or tops & set(SUBSETS):
        return files, folders
    return (
        {parts[1:]: read for parts, read in files.items() if len(parts) > 1},
        {parts[1:] for parts in folders if len(parts) > 1},
    )


def _class_names(path, folders):
    """The classes of both splits, sorted; raises UserError if one split lacks a class."""
    classes = {split: {parts[1] for parts in folders if len(parts) == 2 and parts[0] == split} for split in SUBSETS}
    for here, there in (SUBSETS, SUBSETS[::-1]):
        if missing := classes[there] - classes[here]:
            raise UserError(
                f"{path}: the class folder {here}/{min(missing)} is missing (there is {there}/{min(missing)}); "
                "both splits need the same classes"
            )
    if not classes["train"]:
        raise UserError(f"{path}: expected {WANTED}; found no class folder in train")
    return sorted(classes["train"])


def _images(path, split, classes, files):
    """The image files of a split, sorted; raises UserError if a class has none, or its folder holds something else."""
    members = sorted(parts for parts in files if parts[0] == split and len(parts) > 2)
    for parts in members:
        if len(parts) > 3 or not parts[2].lower().endswith(SUFFIXES):
            raise UserError(f"{path}: expected only {', '.join(SUFFIXES)} in class folders, found {'/'.join(parts)}")
    if empty := set(classes) - {parts[1] for parts in members}:
        raise UserError(f"{path}: expected images in {split}/{min(empty)}, found an empty folder")
    return members
