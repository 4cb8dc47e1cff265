"""A conda channel on disk, whose packages are empty except for a Python."""

import asyncio
import io
import json
import sys
import tarfile

import rattler
from rattler.index import index_fs

# the environment's Python, which notes there what it is asked to run, and runs it with the tests' Python
PYTHON = f'#!/bin/sh\necho "$@" >> "$CONDA_PREFIX/ran"\nexec {sys.executable} "$@"\n'


def make(folder, specs):
    """Make a channel of the packages named by these exact specs; returns its address."""
    (folder / "linux-64").mkdir(parents=True)
    for spec in map(rattler.MatchSpec, specs):
        name, version = spec.name.normalized, str(spec.version).removeprefix("==")
        _package(folder / "linux-64", name, version, {"bin/python": PYTHON} if name == "python" else {})
    asyncio.run(index_fs(folder))
    return folder.as_uri()


def _package(folder, name, version, files):
    index = {"name": name, "version": version, "build": "0", "build_number": 0, "subdir": "linux-64"}
    index["depends"] = [] if name == "python" else ["python >=3"]
    paths = [{"_path": path, "path_type": "hardlink"} for path in files]
    files = {
        **files,
        "info/index.json": json.dumps(index),
        "info/paths.json": json.dumps({"paths_version": 1, "paths": paths}),
    }
    with tarfile.open(folder / f"{name}-{version}-0.tar.bz2", "w:bz2") as tar:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
