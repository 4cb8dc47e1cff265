"""The conda environments in envs/: each package at one exact version, and each environment as a pin file.

A pin file names the exact archives of a solved environment. Snakemake finds it beside the environment's file and
installs it without solving anything.
"""

import asyncio
import itertools
import re

import yaml

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.code import ROOT
from workflow_scripts.engine.commands import UserError

PYPI_NAMES = {"pytorch": "torch", "pypandoc": "pypandoc-binary"}  # of conda packages whose names differ there
EXACT = re.compile(r"[a-z0-9._-]+==[0-9][A-Za-z0-9._+!-]*|[a-z0-9._-]+=[0-9][A-Za-z0-9._+!-]*=\w+")


def read(path):
    """(channels, specs) of an environment file, each spec one exact version; raises UserError where one is not."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        channels, specs = content["channels"], _flat(content["dependencies"])
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: expected lists `channels` and `dependencies`, cannot read them ({reason})") from None
    for spec in specs:
        # conda reads `numpy=2.4` as any version that starts with 2.4
        if not EXACT.fullmatch(spec):
            name = re.split(r"[ =<>!~\[]", spec)[0]
            raise UserError(f"{path}: {spec!r} is not an exact version; expected {name}=={_locked(name)}")
    return channels, specs


def check(folder):
    """Raise UserError if an environment file in `folder` leaves a version open."""
    for path in sorted(folder.glob("*.yaml")):
        read(path)


def _flat(dependencies):
    """The packages of an environment, including those under `pip:`."""
    nested = (itertools.chain(*entry.values()) if isinstance(entry, dict) else [entry] for entry in dependencies)
    return [str(spec) for spec in itertools.chain.from_iterable(nested)]


def _locked(name):
    """The version of a conda package in requirements.lock, or a placeholder."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    # the last of several is for the newest Python
    found = re.findall(rf"^{re.escape(PYPI_NAMES.get(name, name))}==([^ ;\\]+)", lock, re.MULTILINE)
    return f"{found[-1]}, as in requirements.lock" if found else "<version>"


def pin(path, platform, channels=None):
    """Write the pin file of an environment file for a conda platform such as linux-64, and return its path.

    `channels`, if given, replace the file's own. The packages are those that suit this machine (its C library, its
    GPU driver). Raises UserError if a channel cannot be reached or has no such packages.
    """
    import rattler  # not a dependency of the workflow: only this needs it
    from rattler import exceptions

    own, specs = read(path)
    channels = channels or [channel for channel in own if channel != "nodefaults"]
    machine = rattler.VirtualPackage.detect(rattler.VirtualPackageOverrides.from_env())
    found = rattler.solve(channels, specs, platforms=[platform, "noarch"], virtual_packages=machine)
    try:
        records = {record.name.normalized: record for record in asyncio.run(found)}
    except (exceptions.SolverError, exceptions.GatewayError) as error:
        reason = "; ".join(line.strip() for line in str(error).splitlines())
        raise UserError(f"{path}: cannot be solved with {', '.join(channels)}: {reason}") from None
    order = rattler.RepoDataRecord.sort_topologically(list(records.values()))  # in which conda should link them
    lines = [f"{record.url}#{record.md5.hex()}" for record in (records[each.name.normalized] for each in order)]
    out = path.with_suffix(f".{platform}.pin.txt")
    whole_files.write(out, "\n".join([f"# platform: {platform}", "@EXPLICIT", *lines, ""]))
    return out
