"""Checkpoints: a training run's whole state in one file, so that a killed run ends with the bits of one that was not.

A file is a SHA-256 followed by the bytes that it covers, from `torch.save` and read back with `weights_only=True`: a
damaged file is noticed, and no code in it is ever executed.
"""

import hashlib
import io
import pickle
import struct

import torch

from workflow_scripts.engine import whole_files

# what torch.load raises for another kind of file, or for one that asks for more than tensors
UNREADABLE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
)


def save(path, key, state):
    """Replace the checkpoint at `path`, whole or not at all. `key` names the run that it belongs to."""
    buffer = io.BytesIO()
    torch.save({"key": key, "state": state}, buffer)
    content = buffer.getbuffer()
    with whole_files.written(path) as temporary, open(temporary, "wb") as file:
        file.write(hashlib.sha256(content).digest())
        file.write(content)


def load(path, key):
    """(state, note): the state saved for `key` and ""; or None, and a note that says why ("" if there is no file)."""
    if not path.exists():
        return None, ""
    content = path.read_bytes()
    digest, content = content[:32], content[32:]
    damaged = None, f"checkpoint {path} is damaged: starting from the first epoch"
    if hashlib.sha256(content).digest() != digest:
        return damaged
    try:
        saved = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
        found, state = saved["key"], saved["state"]
    except UNREADABLE:
        return damaged
    if found != key:
        return None, f"checkpoint {path} is of another version of the code or data: starting from the first epoch"
    return state, ""
