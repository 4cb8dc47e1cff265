"""MNIST, the four official IDX files (LeCun et al. 1998): a magic number, big-endian sizes, then bytes."""

import math

import numpy as np

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.sources import Decoded, register_source
from workflow_scripts.engine.sources.downloads import Official, OfficialFile, contents

MNIST = Official(
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    (
        OfficialFile(
            "train-images-idx3-ubyte.gz",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "6bbc9ace898e44ae57da46a324031adb",
        ),
        OfficialFile(
            "train-labels-idx1-ubyte.gz",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "a25bea736e30d166cdddb491f175f624",
        ),
        OfficialFile(
            "t10k-images-idx3-ubyte.gz",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "2646ac647ad5339dbf082846283269ea",
        ),
        OfficialFile(
            "t10k-labels-idx1-ubyte.gz",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    ),
)


@register_source("mnist")
def mnist(dataset, cache, official=MNIST):
    """The ten digits, 28x28 grey, 60,000 + 10,000 images."""
    files = contents(official, dataset, cache)
    train_images, train_labels, test_images, test_labels = (
        parse(content, 3 if "idx3" in name else 1, name) for name, content in files.items()
    )
    return Decoded(
        train_images=train_images[..., None],
        train_labels=train_labels,
        test_images=test_images[..., None],
        test_labels=test_labels,
        class_names=[str(digit) for digit in range(10)],
        title="MNIST",
    )


def parse(content, dimensions, name):
    """The uint8 array with `dimensions` dimensions in an IDX file's bytes; raises UserError if it is another file."""
    magic = bytes([0, 0, 8, dimensions])  # 8: unsigned bytes
    if content[:4] != magic:
        raise UserError(f"{name}: expected the magic number {magic.hex()}, found {content[:4].hex() or 'nothing'}")
    start = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    if len(content) != start + math.prod(shape):
        raise UserError(
            f"{name}: expected {start + math.prod(shape):,} bytes for {' x '.join(map(str, shape))} values, "
            f"found {len(content):,}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
