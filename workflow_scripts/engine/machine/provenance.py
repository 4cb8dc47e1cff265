"""Where numbers come from: the machine, the versions, the commit."""

import functools
import os
import platform
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import torch

from workflow_scripts.engine.code import ROOT


def machine(device):
    """What determines speed and bits besides the record: device, driver, versions, settings (null: unknown or none)."""
    return {
        "device": device.type,
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_name(),
        "driver": _driver() if device.type == "cuda" else None,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "memory_format": "channels_last",
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "threads": {
            "intraop": torch.get_num_threads(),
            "interop": torch.get_num_interop_threads(),
            **{name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")},
        },
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("torch", "numpy")},
            "cuda": torch.version.cuda if device.type == "cuda" else None,
            "cudnn": torch.backends.cudnn.version() if device.type == "cuda" else None,
        },
    }


def cpu_name():
    """The processor's name as the operating system reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def measure_memory_anew(device):
    """Make `peak_memory` of a GPU start afresh here; on a CPU it is always that of the whole process."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device):
    """The most bytes in use at once so far, on the GPU or by this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@functools.cache  # a bundle has many cells, and nvidia-smi may take seconds
def _driver():
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    return (_output_of(command) or "").partition("\n")[0] or None  # one driver serves all GPUs of a machine


def git_commit():
    """The commit of this checkout, with `-dirty` if files differ from it; None outside a checkout."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    return _output_of(command)


def _output_of(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
