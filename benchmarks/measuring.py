"""What the speed benchmarks share: measure in turn, compare run by run, and describe the machine."""

import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from statistics import median

import torch

from workflow_scripts.engine.machine.provenance import cpu_name


def interleaved(variants, runs, pause=0.0):
    """{name: seconds of each run} of `variants` (a dict of functions), called in turn `runs` times after one warm-up.

    Any other load on the machine affects all of them, so a ratio within one run says more than the ratio of two
    medians. A `pause` (seconds) before each call lets what the previous one left in the background finish.
    """
    measured = {name: [] for name in variants}
    for run in range(-1, runs):
        for name, variant in variants.items():
            time.sleep(pause)
            started = time.perf_counter()
            variant()
            if run >= 0:
                measured[name].append(time.perf_counter() - started)
    return measured


def timed(command, stdin="", **options):
    """(CPU seconds, wall-clock seconds, peak memory in MB) of a command and its children; exits if it fails."""
    with tempfile.NamedTemporaryFile("r") as used:
        command = [sys.executable, "-c", LAUNCH, used.name, *map(str, command)]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, **options)
        if done.returncode:
            sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
        return json.load(used)


# Run in a separate process, because Linux counts this process's memory, with PyTorch in it, as its children's.
LAUNCH = """
import json, os, sys, time
started = time.perf_counter()
_, status, used = os.wait4(os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ), 0)
found = used.ru_utime + used.ru_stime, time.perf_counter() - started, used.ru_maxrss / 1024
json.dump(found, open(sys.argv[1], "w"))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def ratios(slow, fast):
    """How many times as long as `fast` each run of `slow` took."""
    return [s / f for s, f in zip(slow, fast, strict=True)]


def spread(values, form):
    """`median (minimum to maximum)`, each in the format `form`."""
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def table(header, rows):
    """A Markdown table of rows of text, as in RESULTS.md."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows))


def verdict(value, bar, most=False):
    """Whether a target is met, as in `at least 8: held`; with `most`, the target is the largest value allowed."""
    held = value <= bar if most else value >= bar
    return f"at {'most' if most else 'least'} {bar:g}: {'held' if held else 'MISSED'}"


def add_devices(parser):
    """Add `--devices`, those to measure on, one after the other, to a parser."""
    known = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    parser.add_argument("--devices", nargs="+", choices=known, default=known, help="(default: all that there are)")


def machine(threads, device=None):
    """One line: date, processor or GPU, threads, versions, and how busy the machine was in the last minute."""
    processor = f"{cpu_name()}, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}"
    if torch.cpu.get_capabilities().get("avx512_bf16"):
        processor += " with BF16"
    if device and device.type == "cuda":
        processor = f"{torch.cuda.get_device_name(device)}; {processor}"
    packages = ", ".join(f"{package} {version(package)}" for package in ("torch", "torchvision", "numpy"))
    return (
        f"{datetime.date.today()}; {processor}; {threads} thread(s); Python {platform.python_version()}, {packages}; "
        f"load {os.getloadavg()[0]:.1f}"
    )
