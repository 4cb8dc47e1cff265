"""MNIST's files, well-formed and malformed."""

import gzip
import struct

import numpy as np
import pytest
from preprocess import IMAGES, LABELS, get_data_MNIST

IMAGE_FILE, LABEL_FILE = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def idx(magic, array):
    return struct.pack(f">{1 + array.ndim}i", magic, *array.shape) + array.tobytes()


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, size=(5, 28, 28), dtype=np.uint8)


@pytest.fixture
def write(tmp_path, pixels):
    """write(folder, images=..., labels=..., packed=True): the two training files; returns the folder."""

    def write(folder=tmp_path, images=None, labels=None, packed=True):
        folder.mkdir(exist_ok=True)
        contents = {
            IMAGE_FILE: idx(IMAGES, pixels) if images is None else images,
            LABEL_FILE: idx(LABELS, np.arange(5, dtype=np.uint8)) if labels is None else labels,
        }
        for name, content in contents.items():
            path = folder / (f"{name}.gz" if packed else name)
            path.write_bytes(gzip.compress(content) if packed else content)
        return folder

    return write


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("inside", ["", "mnist"])
def test_images_and_labels_are_read(write, tmp_path, pixels, packed, inside):
    write(tmp_path / inside, packed=packed)
    inputs, labels = get_data_MNIST("train", str(tmp_path))
    assert inputs.dtype == np.float32
    assert labels.dtype == np.uint8
    np.testing.assert_allclose(inputs, pixels.reshape(5, 784) / 255, rtol=1e-6)
    assert labels.tolist() == [0, 1, 2, 3, 4]
    assert get_data_MNIST(" Train", tmp_path)[0].shape == (5, 784)


def test_an_unknown_subset_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'validation'.*known: train, test"):
        get_data_MNIST("validation", tmp_path)


def test_a_missing_file_is_named(write):
    with pytest.raises(FileNotFoundError, match=r"t10k-images-idx3-ubyte\.gz .*--data"):
        get_data_MNIST("test", write())


GOOD = idx(LABELS, np.arange(5, dtype=np.uint8))
BAD = {
    "labels for images": ({"images": GOOD}, f"{IMAGE_FILE}.*expected the magic number 2051 .*found 2049"),
    "images for labels": ({"labels": idx(IMAGES, np.zeros((5, 2, 2), np.uint8))}, f"{LABEL_FILE}.*2049 .*found 2051"),
    "something else": ({"labels": b"<html>not found</html>"}, f"{LABEL_FILE}.*expected the magic number 2049"),
    "empty": ({"labels": b""}, f"{LABEL_FILE}.*expected the magic number 2049 .*found none"),
    "cut off": ({"labels": GOOD[:-2]}, f"{LABEL_FILE}.*expected 13 bytes .*found 11"),
    "cut off in the header": ({"labels": GOOD[:6]}, f"{LABEL_FILE}.*expected .* bytes .*found 6"),
    "too long": ({"labels": GOOD + b"!"}, f"{LABEL_FILE}.*expected 13 bytes .*found 14"),
    "negative size": ({"labels": struct.pack(">2i", LABELS, -5)}, f"{LABEL_FILE}.*expected"),
    "fewer labels": ({"labels": idx(LABELS, np.arange(4, dtype=np.uint8))}, "5 images .* 4 labels"),
}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("contents,message", BAD.values(), ids=BAD)
def test_a_file_that_is_not_what_its_name_says_is_refused(write, contents, message, packed):
    with pytest.raises(ValueError, match=message):
        get_data_MNIST("train", write(**contents, packed=packed))


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: b"no gzip", lambda data: data[:20] + b"x" + data[21:]]
)
def test_a_broken_gzip_file_is_refused(write, damage):
    path = write() / f"{LABEL_FILE}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=f"{LABEL_FILE}.gz is not a whole gzip file"):
        get_data_MNIST("train", path.parent)
