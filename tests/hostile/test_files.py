"""Files that are not what they claim are refused with one clear message or replaced; nothing in them is ever executed.

Tests in test_datasets_folders.py and test_datasets_official.py are not repeated here: archive entries with `..`,
absolute paths, links and devices, bombs, truncated and damaged files.
"""

import hashlib
import io
import json
import os
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from tests.conftest import inside
from tests.made_image_folders import read, tree, write_folder, write_zip
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.runs import checkpoints, trained
from workflow_scripts.engine.sources import idx

TINY = ("--model", "vgg08", "--width", "0.25", "--dataset", "digits", "--augmentation", "none", "--epochs", "1")
CPU = torch.device("cpu")


def idx_header(*sizes):
    return bytes([0, 0, 8, len(sizes)]) + b"".join(size.to_bytes(4, "big") for size in sizes)


COUNTS = {
    "terabytes": (idx_header(2**32 - 1, 2**16, 2**16) + bytes(99), "expected 18,446,744,069,414,584,336 bytes"),
    "one image more than there is": (
        idx_header(3, 2, 2) + bytes(8),
        "expected 28 bytes for 3 x 2 x 2 values, found 24",
    ),
    "one image less": (idx_header(1, 2, 2) + bytes(8), "expected 20 bytes for 1 x 2 x 2 values, found 24"),
    "images of no size": (idx_header(2, 0, 2) + bytes(8), "expected 16 bytes for 2 x 0 x 2 values, found 24"),
}


@pytest.mark.parametrize(("content", "message"), COUNTS.values(), ids=COUNTS)
def test_an_idx_file_with_wrong_counts(content, message):
    with pytest.raises(UserError, match=message):
        idx.parse(content, 3, "images")


def test_a_zip_that_says_that_it_is_small(tmp_path):
    """The size in the list of contents is a lie: no more than that is unpacked, and the checksum gives it away."""
    path = write_zip(tmp_path / "mine.zip", tree())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train/dog/bomb.png", bytes(2**26 + 1))
    content = path.read_bytes()
    assert content.count(struct.pack("<I", 2**26 + 1)) == 2
    path.write_bytes(content.replace(struct.pack("<I", 2**26 + 1), struct.pack("<I", 100)))
    with pytest.raises(UserError, match=r"train/dog/bomb.png: cannot be unpacked .*CRC"):
        read(path)


def png_header(width, height):
    """A PNG file that declares this size, but has almost no pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [20_000, 100_000, 2**31 - 1])
def test_an_image_of_more_pixels_than_memory(tmp_path, size):
    files = tree(2) | {"train/cat/00.png": png_header(size, size)}
    with pytest.raises(UserError, match=r"train/cat/00.png: expected a PNG, JPEG or WebP image, cannot read it"):
        read(write_folder(tmp_path / "mine", files), image_size=8)


class Touch:
    """When unpickled, it creates a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def written_by_torch(value):
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def archive(opcodes):
    """A PyTorch file whose pickle consists of these opcodes; see `pickletools`."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, content in {"data.pkl": b"\x80\x02" + opcodes, "version": b"3", "byteorder": b"little"}.items():
            file.writestr(f"archive/{name}", content)
    return stream.getvalue()


CONTENTS = {
    "a pickle": lambda trap: pickle.dumps(Touch(trap), protocol=2),
    "a file of PyTorch with an object": lambda trap: written_by_torch({"key": "key", "state": Touch(trap)}),
    "half a file of PyTorch": lambda trap: written_by_torch({"key": "key", "state": torch.zeros(999)})[:2_000],
    "no mapping": lambda trap: written_by_torch([1, 2]),
    "a file of PyTorch that ends within a text": lambda trap: archive(b"X"),
    "one with a text in no encoding": lambda trap: archive(b"X\1\0\0\0\xff."),
    "one that takes what it has not put": lambda trap: archive(b")\x85R."),
    "one with a number for a tensor": lambda trap: archive(b"K\1Q."),
    "one with a tensor of no type": lambda trap: archive(b"(X\7\0\0\0storageK\1K\1K\1K\1tQ."),
    "no state": lambda trap: written_by_torch({"key": "key"}),
    "text": lambda trap: b"hello",
    "nothing": lambda trap: b"",
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_a_checkpoint_of_something_else_is_started_anew(tmp_path, content):
    """Its digest is correct, as an attacker would make it."""
    content, path = content(tmp_path / "trap"), tmp_path / "checkpoint"
    path.write_bytes(hashlib.sha256(content).digest() + content)
    state, note = checkpoints.load(path, "key")
    assert state is None and note == f"checkpoint {path} is damaged: starting from the first epoch"
    assert not (tmp_path / "trap").exists()


@pytest.fixture(scope="module")
def cell(digits_file, tmp_path_factory):
    """The folder of a trained cell."""
    out = tmp_path_factory.mktemp("cell") / "cell"
    inside("train_cell", "--data", digits_file, "--out", out, *TINY)
    return out


def test_a_checkpoint_of_this_run_with_another_state(cell, digits_file, tmp_path, refused):
    facts = json.loads((cell / "cell.json").read_text())
    key = f"{facts['record_digest']} {{}} {facts['code_digest']} {facts['dataset']['sha256']}"
    checkpoints.save(tmp_path / "checkpoint", key, {"progress": {"epoch": 1}, "model": {}})
    arguments = ("--data", digits_file, "--out", tmp_path / "out", "--checkpoint", tmp_path / "checkpoint", *TINY)
    message = refused("train_cell", *arguments)
    assert f"checkpoint {tmp_path / 'checkpoint'}: expected the state of vgg08-" in message and "delete it" in message
    assert not (tmp_path / "out").exists()


WEIGHTS = {
    "half of it": lambda content: content[: len(content) // 2],
    "no header": lambda content: content[:4],
    "a header of exabytes": lambda content: struct.pack("<Q", 2**62) + content[8:],
    "another header": lambda content: content[:8] + b"{" + b"x" * 9 + content[18:],
    "a pickle": lambda content: pickle.dumps({}),
    "nothing": lambda content: b"",
    "other shapes": lambda content: save({name: value.flatten()[:1].clone() for name, value in load(content).items()}),
    # not just any: PyTorch can do without a batch norm's count of batches, and safetensors' order changes each time
    "fewer weights": lambda content: save({k: value for k, value in load(content).items() if k != "classifier.weight"}),
}


@pytest.mark.parametrize("harm", WEIGHTS.values(), ids=WEIGHTS)
def test_weights_that_are_damaged(cell, digits_file, tmp_path, refused, harm):
    for path in cell.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(harm(weights.read_bytes()))
    data = datasets.load(digits_file)
    with pytest.raises(UserError, match=f"{tmp_path}[:/].*delete {tmp_path}/cell.json and run the workflow again"):
        trained.load(tmp_path, data, CPU)
    assert str(weights) in refused("convert_weights", "--to", "course", weights, tmp_path / "out")
    assert not (tmp_path / "out").exists()


CELLS = {
    "a list": "[]",
    "no keys": "{}",
    "null": "null",
    "half of it": '{"record": {"model": "vgg',
    "other kinds of values": '{"record": 1, "image_shape": 2, "dataset": null, "status": []}',
}


@pytest.mark.parametrize("text", CELLS.values(), ids=CELLS)
def test_a_cell_json_that_is_damaged(cell, digits_file, tmp_path, refused, monkeypatch, text):
    copied = tmp_path / "cell"
    copied.mkdir()
    for path in cell.iterdir():
        (copied / path.name).write_bytes(path.read_bytes())
    (copied / "cell.json").write_text(text)
    monkeypatch.setattr("sys.stdin", io.StringIO(str(copied)))
    assert "is damaged" in refused("summarise", "--out", tmp_path / "summary")
    with pytest.raises(UserError, match="damaged"):
        trained.load(copied, datasets.load(digits_file), CPU)
    assert str(copied) in refused("show", copied)
    assert not list(tmp_path.glob("summary/*"))


def test_arrays_that_would_have_to_be_unpickled(tmp_path):
    """No file of arrays is ever unpickled: NumPy refuses to unless told otherwise, which no code here does."""
    np.savez(tmp_path / "x.npz", train_images=np.array([Touch(tmp_path / "trap")], dtype=object))
    with pytest.raises(UserError, match="expected a data set"):
        datasets.load(tmp_path / "x.npz")
    assert not (tmp_path / "trap").exists()
