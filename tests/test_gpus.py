"""GPUs of one machine: jobs take them by locks. The GPUs are pretended; locks, processes and kills are real."""

import os
import random
import select
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from workflow_scripts.engine import gpus
from workflow_scripts.engine.commands import UserError

JOB = """
import os, sys, time
from pathlib import Path
from workflow_scripts.engine import gpus
with gpus.taken(count=int(sys.argv[2]), share=int(sys.argv[3]), folder=sys.argv[1]):
    names = os.environ["CUDA_VISIBLE_DEVICES"].split(",")
    print(*names, flush=True)
    time.sleep(float(sys.argv[4]))
"""


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with 4 pretended GPUs; a function that starts a job on it."""
    for name in gpus.SCHEDULERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    monkeypatch.setattr(gpus, "LOOK_AGAIN", 0.02)
    jobs = []

    def start(count=1, share=1, seconds=60.0):
        command = [sys.executable, "-c", JOB, str(tmp_path), str(count), str(share), str(seconds)]
        job = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        jobs.append(job)
        return job

    start.folder, start.jobs = tmp_path, jobs
    yield start
    for job in jobs:
        job.kill()
        job.communicate()


def free(folder):
    """How many of the four GPUs can be taken now."""
    locks = [lock for name in "0123" if (lock := gpus._try(folder / f"{name}-0.lock"))]
    for lock in locks:
        lock.release()
    return len(locks)


def test_eight_jobs_on_four_gpus_some_of_them_killed(machine):
    jobs = [machine() for _ in range(4)]
    first = [job.stdout.readline().strip() for job in jobs]
    assert sorted(first) == ["0", "1", "2", "3"]
    waiting = [machine() for _ in range(4)]
    assert free(machine.folder) == 0
    kill = random.Random(0)
    for job, gpu in zip(jobs, first, strict=True):  # each death lets one job in, on the GPU that the dead one held
        job.send_signal(kill.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        job.wait()
        while not (let_in := [other for other in waiting if _has_line(other)]):
            time.sleep(0.01)
        assert [other.stdout.readline().strip() for other in let_in] == [gpu]
        waiting.remove(let_in[0])
    assert free(machine.folder) == 0
    for job in machine.jobs:
        job.kill()
        job.wait()
    assert free(machine.folder) == 4


def _has_line(job):
    return bool(select.select([job.stdout], [], [], 0)[0])


def test_shared_gpus_are_spread_before_they_are_shared(machine):
    jobs = []
    for _ in range(8):
        jobs.append(machine(share=2))
        jobs[-1].name = jobs[-1].stdout.readline().strip()
    assert sorted(job.name for job in jobs[:4]) == ["0", "1", "2", "3"]
    assert sorted(job.name for job in jobs) == sorted("00112233")


def test_a_job_with_two_gpus_takes_both_or_none(machine):
    pairs = [machine(count=2).stdout.readline().split() for _ in range(2)]
    assert sorted(pairs[0] + pairs[1]) == ["0", "1", "2", "3"]


def test_only_what_is_visible_is_taken(machine, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-7a, GPU-9b")
    with gpus.taken(folder=machine.folder):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-7a"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-7a, GPU-9b"
    wanted = gpus.taken(3, folder=machine.folder)
    with pytest.raises(UserError, match="wants 3 GPUs, but this machine has 2: GPU-7a, GPU-9b"), wanted:
        pass


@pytest.mark.parametrize("scheduler", gpus.SCHEDULERS)
def test_a_scheduler_has_the_last_word(machine, monkeypatch, scheduler):
    monkeypatch.setenv(scheduler, "17")
    with gpus.taken(folder=machine.folder):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1,2,3"
    assert not list(machine.folder.iterdir())


def test_without_gpus_nothing_is_locked(machine, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with gpus.taken(folder=machine.folder):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert not list(machine.folder.iterdir())
