"""CIFAR-10 and CIFAR-100, the official binary archives (Krizhevsky 2009); the "python" ones are pickles.

A record is one label byte (CIFAR-100: two, coarse then fine) and 3,072 pixel bytes: red, green, blue plane of 32x32.
"""

from dataclasses import dataclass

import numpy as np

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.sources import Decoded, register_source
from workflow_scripts.engine.sources.archives import tar_files
from workflow_scripts.engine.sources.downloads import Official, OfficialFile, contents

ADDRESS = "https://www.cs.toronto.edu/~kriz/"
CIFAR10 = Official(
    ADDRESS,
    (OfficialFile("cifar-10-binary.tar.gz", "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),),
)
CIFAR100 = Official(
    ADDRESS,
    (OfficialFile("cifar-100-binary.tar.gz", "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),),
)
PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Layout:
    """Where things are in an archive; the last of a record's label bytes is the label."""

    train: tuple[str, ...]
    test: tuple[str, ...]
    class_names: str
    label_bytes: int


LAYOUT10 = Layout(
    train=tuple(f"cifar-10-batches-bin/data_batch_{batch}.bin" for batch in range(1, 6)),
    test=("cifar-10-batches-bin/test_batch.bin",),
    class_names="cifar-10-batches-bin/batches.meta.txt",
    label_bytes=1,
)
LAYOUT100 = Layout(
    train=("cifar-100-binary/train.bin",),
    test=("cifar-100-binary/test.bin",),
    class_names="cifar-100-binary/fine_label_names.txt",
    label_bytes=2,
)


@register_source("cifar10")
def cifar10(dataset, cache, official=CIFAR10):
    """The ten classes, 50,000 + 10,000 images."""
    return _decode(contents(official, dataset, cache), LAYOUT10, "CIFAR-10")


@register_source("cifar100")
def cifar100(dataset, cache, official=CIFAR100):
    """The hundred fine classes, 50,000 + 10,000 images."""
    return _decode(contents(official, dataset, cache), LAYOUT100, "CIFAR-100")


def _decode(archives, layout, title):
    ((archive, content),) = archives.items()
    files = tar_files(content, archive)
    train_images, train_labels = _records(files, layout.train, layout.label_bytes, archive)
    test_images, test_labels = _records(files, layout.test, layout.label_bytes, archive)
    names = _member(files, layout.class_names, archive).decode("ascii", "replace").split()
    return Decoded(train_images, train_labels, test_images, test_labels, names, title)


def _records(files, members, label_bytes, archive):
    size = label_bytes + PIXELS
    batches = []
    for member in members:
        content = _member(files, member, archive)
        if len(content) % size:
            raise UserError(f"{archive}: {member}: expected records of {size:,} bytes, found {len(content):,} in all")
        batches.append(np.frombuffer(content, np.uint8).reshape(-1, size))
    records = np.concatenate(batches)
    images = records[:, label_bytes:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, label_bytes - 1]


def _member(files, member, archive):
    if member not in files:
        raise UserError(f"{archive}: expected {member} in it, found {', '.join(files) or 'nothing'}")
    return files[member]
