"""GPUs of one machine, which jobs take through locks. The GPUs are fake; locks, processes and kills are real."""

import os
import random
import re
import select
import signal
import stat
import subprocess
import sys
import tempfile
import time

import pytest
import torch

from tests.conftest import ROOT
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.machine import devices, gpus

JOB = """
import os, sys, time
from pathlib import Path
from workflow_scripts.engine.machine import gpus
with gpus.taken(share=int(sys.argv[2]), folder=sys.argv[1]):
    print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    time.sleep(3600)  # until it is killed
"""


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine with 4 fake GPUs: a function that starts a job on it."""
    for name in gpus.SCHEDULERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    monkeypatch.setattr(gpus, "LOOK_AGAIN", 0.02)
    jobs = []

    def start(share=1):
        command = [sys.executable, "-c", JOB, str(tmp_path), str(share)]
        job = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        jobs.append(job)
        return job

    start.temporary, start.folder, start.jobs = tmp_path, tmp_path / "gradscape-gpus", jobs
    yield start
    for job in jobs:
        job.kill()
        job.communicate()


def free(folder):
    """How many of the four GPUs are free now."""
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
    for job, gpu in zip(jobs, first, strict=True):  # each death admits one job, on the GPU that the dead one held
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


def test_a_job_that_waits_says_so_once(machine, monkeypatch, capsys):
    machine.folder.mkdir()
    others, slept = [gpus._try(machine.folder / f"{name}-0.lock") for name in "0123"], []

    def meanwhile(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            others[2].release()

    monkeypatch.setattr(gpus.time, "sleep", meanwhile)
    with gpus.taken(folder=machine.temporary):
        assert len(slept) == 3 and os.environ["CUDA_VISIBLE_DEVICES"] == "2"
    assert capsys.readouterr().err == "waiting for one of the GPUs 0, 1, 2, 3\n"


def test_only_what_is_visible_is_taken(machine, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-7a, GPU-9b")
    with gpus.taken(folder=machine.temporary):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-7a"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-7a, GPU-9b"


def drivers_tool(folder, monkeypatch):
    """A tool that lists two GPUs, in place of the driver's."""
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    tool = folder / "nvidia-smi"
    tool.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    tool.chmod(0o755)
    return tool


def test_the_driver_is_asked_for_the_gpus_of_the_machine(machine, monkeypatch, tmp_path):
    """And every user of the machine may hold them."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "")  # so that it is as before after the test
    monkeypatch.delenv("CUDA_DEVICE_ORDER")
    tool = drivers_tool(tmp_path, monkeypatch)
    with gpus.taken(folder=tmp_path):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
        assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"  # as the driver's tool counts
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (machine.folder, *machine.folder.iterdir())]
        assert modes == [0o1777, 0o666]
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    tool.write_text("#!/bin/sh\nexit 9\n")  # as if its driver were not loaded
    assert gpus.known_to_the_driver() == []
    with gpus.taken(folder=tmp_path):
        assert "CUDA_VISIBLE_DEVICES" not in os.environ


@pytest.mark.parametrize("scheduler", gpus.SCHEDULERS)
def test_the_gpu_that_a_scheduler_gave_is_not_locked(machine, monkeypatch, scheduler):
    monkeypatch.setenv(scheduler, "17")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    with gpus.taken(folder=machine.temporary):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "2"
    assert not list(machine.temporary.iterdir())


@pytest.mark.parametrize("scheduler", gpus.SCHEDULERS)
def test_several_gpus_of_an_allocation_are_locked_within_it(machine, monkeypatch, scheduler):
    """If Snakemake runs inside it: the scheduler may call the first GPU of every allocation 0."""
    monkeypatch.setenv(scheduler, "17.node/1")
    jobs = [machine(), machine()]
    assert sorted(job.stdout.readline().strip() for job in jobs) == ["0", "1"]
    monkeypatch.setenv(scheduler, "18")
    assert machine().stdout.readline().strip() == "0"
    names = sorted(path.name for path in machine.temporary.iterdir())
    assert names == ["gradscape-gpus-17_node_1", "gradscape-gpus-18"]


@pytest.mark.parametrize("visible", ["", "-1", "-1,0"])
def test_without_gpus_nothing_is_locked(machine, monkeypatch, visible):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with gpus.taken(folder=machine.temporary):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == visible
    assert not list(machine.temporary.iterdir())


def test_what_stands_after_a_name_of_no_gpu_is_not_visible(monkeypatch):
    """This is what the CUDA programming guide says about the environment variable."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1, 0,-1,2")
    assert gpus.present() == ["1", "0"]


@pytest.fixture
def settings():
    """Restores PyTorch's settings afterwards."""
    mode = torch.get_deterministic_debug_mode()
    yield
    torch.set_deterministic_debug_mode(mode)


def test_a_command_holds_a_gpu_with_others_and_none_for_the_cpu(machine, monkeypatch, settings):
    monkeypatch.setattr(tempfile, "tempdir", str(machine.temporary))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(gpus.time, "sleep", None)  # so that nothing can wait
    threads, shared = torch.get_num_threads(), config.Running(gpu_share=2)
    with devices.computing(config.Running(device="cpu"), threads):
        assert not list(machine.temporary.iterdir())
    with devices.computing(shared, threads), devices.computing(shared, threads):
        held = [gpus._try(path) for path in machine.folder.iterdir()]
        assert held == [None, None]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there():
    with pytest.raises(UserError, match="device is 'cuda', but PyTorch finds no GPU"):
        devices.choose_device("cuda", torch.get_num_threads())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_pytorch_cannot_use(machine, monkeypatch, settings, tmp_path):
    """As with an old driver: the CPU does not take its place unasked."""
    drivers_tool(tmp_path, monkeypatch)
    built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
    with pytest.raises(UserError, match=f"device is 'auto', but PyTorch, {re.escape(built)}, cannot use the GPU 0 of "):
        devices.choose_device("auto", torch.get_num_threads())
    assert devices.choose_device("cpu", torch.get_num_threads()).type == "cpu"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert devices.choose_device("auto", torch.get_num_threads()).type == "cpu"
