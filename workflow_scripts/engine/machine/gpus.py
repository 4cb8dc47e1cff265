"""Which GPU a job computes on: a free one on this machine, for as long as the job lives.

Snakemake counts GPUs but does not assign them, so four jobs side by side would all compute on GPU 0. Here a job holds
an operating-system lock for a GPU, which the kernel releases when the job ends, however it ends. If a scheduler has
given the job one GPU, nothing is locked. Several are those of an allocation in which Snakemake itself runs: its jobs
lock them among themselves, since the scheduler may number the GPUs of every allocation 0, 1, ...
"""

import contextlib
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from filelock import FileLock, Timeout

# environment variables in which schedulers give the id of the job or allocation that this process is in
SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "FLUX_JOB_ID")
VISIBLE, ORDER = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"
LOOK_AGAIN = 0.5  # seconds


def present():
    """Names of the GPUs that a job of this process may see: those in CUDA_VISIBLE_DEVICES, or else all of them."""
    if VISIBLE in os.environ:
        names = (name.strip() for name in os.environ[VISIBLE].split(","))
        return list(itertools.takewhile(lambda name: name and not name.startswith("-"), names))  # as CUDA reads it
    return known_to_the_driver()


def known_to_the_driver():
    """Names of the GPUs that the driver's own tool lists; [] if it is missing or fails.

    PyTorch is not asked, because importing it takes seconds, and because it may be built for a newer driver.
    """
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return []


@contextlib.contextmanager
def taken(share=1, folder=None):
    """Hold a free GPU, waiting until there is one, and make CUDA_VISIBLE_DEVICES name it, before CUDA starts.

    Up to `share` jobs hold the same GPU; they spread over the GPUs first. Jobs of all users of the machine, or of one
    scheduler's allocation, see each other through the lock files in a subfolder of `folder`.
    """
    names, allocation = present(), next((os.environ[name] for name in SCHEDULERS if name in os.environ), None)
    if not names or (allocation and len(names) == 1):
        yield
        return
    name = "-".join(["gradscape-gpus", *([re.sub(r"\W", "_", allocation)] if allocation else [])])
    folder = Path(folder or tempfile.gettempdir()) / name
    folder.mkdir(exist_ok=True)
    with contextlib.suppress(PermissionError):  # made by another user, who has done this already
        folder.chmod(0o1777)
    before = os.environ.get(VISIBLE)
    os.environ[VISIBLE], lock = _wait(names, share, folder)
    if before is None:
        os.environ.setdefault(ORDER, "PCI_BUS_ID")  # in which the driver's tool counts; CUDA's own is by speed
    try:
        yield
    finally:
        lock.release()
        if before is None:
            del os.environ[VISIBLE]
        else:
            os.environ[VISIBLE] = before


def _wait(names, share, folder):
    """(GPU, its lock) for the first GPU that is free, waiting for one."""
    said = False
    while True:
        for slot, name in itertools.product(range(share), names):
            if lock := _try(folder / f"{name}-{slot}.lock"):
                return name, lock
        if not said:
            print(f"waiting for one of the GPUs {', '.join(names)}", file=sys.stderr)
            said = True
        time.sleep(LOOK_AGAIN)


def _try(path):
    lock = FileLock(path, mode=0o666)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock
