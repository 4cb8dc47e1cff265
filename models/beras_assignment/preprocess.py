"""MNIST from its IDX files: http://yann.lecun.com/exdb/mnist describes the format."""

import gzip
import zlib
from pathlib import Path

import numpy as np

PREFIXES = {"train": "train", "test": "t10k"}
IMAGES, LABELS = 2051, 2049  # the magic numbers that a file begins with


def get_data_MNIST(subset, data_path="../data"):
    """Images and labels of `subset`, "train" (60,000 of them) or "test" (10,000).

    `data_path` is a folder with the four IDX files, packed (.gz) or not, or with a folder `mnist` that has them.
    Returns (inputs, labels): (samples, 784) float32 in [0, 1], and (samples,) uint8.
    Raises FileNotFoundError, or ValueError for an unknown subset or a file that is not what its name says.
    """
    subset = str(subset).lower().strip()
    if subset not in PREFIXES:
        raise ValueError(f"unknown subset {subset!r} of MNIST; known: {', '.join(PREFIXES)}")
    image_file = _find(data_path, f"{PREFIXES[subset]}-images-idx3-ubyte")
    label_file = _find(data_path, f"{PREFIXES[subset]}-labels-idx1-ubyte")
    images = _read_idx(image_file, IMAGES)  # (samples, rows, columns)
    labels = _read_idx(label_file, LABELS)  # (samples,)
    if len(images) != len(labels):
        raise ValueError(
            f"as many labels as images are needed, found {len(images)} images in {image_file} "
            f"and {len(labels)} labels in {label_file}"
        )
    inputs = images.reshape(len(images), -1).astype(np.float32)
    inputs /= 255
    return inputs, labels


def _find(data_path, name):
    folders = Path(data_path), Path(data_path) / "mnist"
    for path in (folder / f"{name}{ending}" for folder in folders for ending in (".gz", "")):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{name}.gz (or unpacked, without .gz) is neither in {folders[0]} nor in {folders[1]}: "
        "put MNIST's four files there, or name the folder that has them (--data)"
    )


def _read_idx(path, magic):
    """The array in the IDX file `path`. Header: the magic number and each dimension, big-endian 32-bit integers."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is not a whole gzip file ({error}): fetch it again") from error
    dimensions = magic % 256  # the last byte of the magic number
    header = np.frombuffer(data, ">i4", count=min(1 + dimensions, len(data) // 4)).tolist()
    if header[:1] != [magic]:
        raise ValueError(
            f"{path}: expected the magic number {magic} at its start, found {header[0] if header else 'none'}"
        )
    begin, shape = 4 * (1 + dimensions), header[1:]
    expected = begin + int(np.prod(shape))
    if len(shape) < dimensions or len(data) != expected:
        raise ValueError(
            f"{path}: expected {expected:,} bytes (unpacked) by its header, found {len(data):,}: fetch it again"
        )
    return np.frombuffer(data, np.uint8, offset=begin).reshape(shape)
