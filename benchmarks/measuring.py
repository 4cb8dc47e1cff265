"""What the speed benchmarks do alike: measure in turn, compare run by run, and say on what machine."""

import datetime
import os
import platform
import time
from importlib.metadata import version
from statistics import median

import torch

from workflow_scripts.engine.provenance import cpu_name


def interleaved(variants, runs, pause=0.0):
    """Seconds of each of `variants` (a dict of functions), each called `runs` times in turn, after one call unmeasured.

    Whatever else the machine does meets all of them, so that a ratio within one run says more than two medians.
    Before each call is a `pause` (seconds), in which what another one left running in the background comes to rest.
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


def ratios(slow, fast):
    """How many times as long `slow` took as `fast`, run by run."""
    return [s / f for s, f in zip(slow, fast, strict=True)]


def spread(values, form):
    """`median (least to most)`, each in the format `form`."""
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def table(header, rows):
    """Rows of text in Markdown, as they stand in RESULTS.md."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows))


def verdict(value, bar, most=False):
    """`at least 8: held` or the like; with `most`, the bar is the largest value allowed."""
    held = value <= bar if most else value >= bar
    return f"at {'most' if most else 'least'} {bar:g}: {'held' if held else 'MISSED'}"


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
