"""Which GPU a job computes on: a free one of this machine's, for as long as the job lives.

Snakemake counts GPUs but hands out none, so four jobs side by side would all compute on GPU 0. Here a job holds an
operating-system lock per GPU, which the kernel releases when the job ends, however it ends. Where a scheduler has given
the job its GPUs, nothing is locked.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from filelock import FileLock, Timeout

from workflow_scripts.engine.commands import UserError

# one of these in the environment: the scheduler has set CUDA_VISIBLE_DEVICES to what this job may use
SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "FLUX_JOB_ID")
VISIBLE = "CUDA_VISIBLE_DEVICES"
LOOK_AGAIN = 0.5  # seconds


def present():
    """Names of the GPUs that a job of this process may see: those in CUDA_VISIBLE_DEVICES, or else all of them.

    Asked of the driver's own tool, because importing PyTorch takes seconds; [] where there is none.
    """
    if VISIBLE in os.environ:
        return [name.strip() for name in os.environ[VISIBLE].split(",") if name.strip()]
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return []


@contextlib.contextmanager
def taken(count=1, share=1, folder=None):
    """Hold `count` free GPUs and make CUDA_VISIBLE_DEVICES name them, before CUDA starts; waits until they are free.

    Up to `share` jobs hold the same GPU; they spread over the GPUs first. Jobs of all users of the machine see each
    other through the lock files in `folder`. Raises UserError where there are fewer than `count` GPUs.
    """
    names = [] if any(name in os.environ for name in SCHEDULERS) else present()
    if not names:  # a scheduler's job, or a machine without GPUs
        yield
        return
    if count > len(names):
        raise UserError(f"this job wants {count} GPUs, but this machine has {len(names)}: {', '.join(names)}")
    folder = Path(folder or Path(tempfile.gettempdir()) / "gradscape-gpus")
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(PermissionError):  # made by another user, who has done this
        folder.chmod(0o1777)
    before = os.environ.get(VISIBLE)
    locks = _wait(names, count, share, folder)
    os.environ[VISIBLE] = ",".join(locks)
    try:
        yield
    finally:
        for lock in locks.values():
            lock.release()
        os.environ.pop(VISIBLE) if before is None else os.environ.update({VISIBLE: before})


def _wait(names, count, share, folder):
    """{GPU: its lock} of `count` GPUs, all taken at once or none, so that two jobs never wait for each other."""
    said = False
    while True:
        locks = {}
        for slot in range(share):
            for name in names:
                if len(locks) < count and name not in locks and (lock := _try(folder / f"{name}-{slot}.lock")):
                    locks[name] = lock
        if len(locks) == count:
            return locks
        for lock in locks.values():
            lock.release()
        if not said:
            print(f"waiting for {count} of the GPUs {', '.join(names)}", file=sys.stderr)
            said = True
        time.sleep(LOOK_AGAIN)


def _try(path):
    lock = FileLock(path, mode=0o666)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock
