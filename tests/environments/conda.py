"""The parts of the command `conda` that Snakemake calls, built on the library rattler: it really solves and installs.

    conda info --json | config ... | --version
    conda create --file <pins>.txt --prefix <folder>
    conda env create --file <environment>.yaml --prefix <folder>

Conda itself is on no package index that tests can rely on. `install` puts it on a PATH.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
from pathlib import Path

import rattler
import yaml

ACTIVATE = 'export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n'


def install(prefix):
    """Install this conda in `prefix`; returns the folder to put on PATH."""
    binaries = prefix / "bin"
    binaries.mkdir(parents=True)
    (binaries / "conda").write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {prefix} "$@"\n')
    (binaries / "conda").chmod(0o755)
    (binaries / "activate").write_text(ACTIVATE)
    return binaries


def main():
    """Answer the command line."""
    prefix, *words = sys.argv[1:]
    if "create" in words:
        parser = argparse.ArgumentParser()
        parser.add_argument("--file", type=Path)
        parser.add_argument("--prefix", type=Path)
        arguments, _ = parser.parse_known_args(words)
        asyncio.run(create(arguments.file, arguments.prefix, Path(prefix) / "pkgs"))
        os._exit(0)  # rattler's threads may crash the interpreter during shutdown
    elif words[0] == "info":
        print(json.dumps({"conda_prefix": prefix, "platform": f"linux-{platform.machine().replace('x86_64', '64')}"}))
    elif words[0] == "config":
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    else:
        print("conda 99.0.0")


async def create(path, prefix, cache):
    """Install the packages of a pin file or an environment file."""
    if path.suffix == ".txt":
        records = pinned([line for line in path.read_text().splitlines() if "://" in line])
    else:
        content = yaml.safe_load(path.read_text())
        channels = [channel for channel in content["channels"] if channel != "nodefaults"]
        records = await rattler.solve(channels, content["dependencies"])
    await rattler.install(records, prefix, cache_dir=cache, show_progress=False)


def pinned(lines):
    """The packages of `<file:// address>#<MD5>` lines, as described in their channel's index."""
    records = []
    for address, md5 in (line.split("#") for line in lines):
        folder = Path(address.removeprefix("file://")).parent
        index = rattler.SparseRepoData(rattler.Channel(folder.parent.as_uri()), folder.name, folder / "repodata.json")
        records += [record for record in index.load_all_records() if (record.url, record.md5.hex()) == (address, md5)]
    assert len(records) == len(lines)
    return records


if __name__ == "__main__":
    main()
