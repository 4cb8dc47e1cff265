"""The benchmarks run at all: each has a --help, and those of a training step take a few steps on small images."""

import importlib
import re
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from torch.autograd import DeviceType

from benchmarks import course_training, gpu_epoch, scaling, start_up, train_step
from benchmarks.measuring import interleaved
from tests.conftest import ROOT, call
from workflow_scripts.engine.configuration.record import Cell

CPU = torch.device("cpu")
SCRIPTS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if "def main()" in path.read_text())


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch):
    """Restores the PyTorch settings that the benchmarks change; and a loader without processes."""
    mode, threads = torch.get_deterministic_debug_mode(), torch.get_num_threads()
    tf32 = torch.backends.cudnn.allow_tf32
    monkeypatch.setattr(course_training, "WORKERS", 0)
    yield
    torch.set_deterministic_debug_mode(mode)
    torch.backends.cudnn.allow_tf32 = tf32
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_benchmark_says_what_it_does(monkeypatch, capsys, name):
    monkeypatch.setattr(sys, "path", list(sys.path))  # the Beras benchmark puts a folder there
    module = importlib.import_module(f"benchmarks.{name}")
    with pytest.raises(SystemExit) as stop:
        call(module, "--help")
    said = capsys.readouterr().out
    assert stop.value.code == 0 and module.__doc__.splitlines()[0] in said


def test_a_training_step_is_compared_with_the_courses(monkeypatch, capsys, digits):
    monkeypatch.setitem(train_step.STEPS, "cpu", 1)
    train_step.compare(interleaved(train_step.variants(digits, CPU), runs=1), 1)
    said = capsys.readouterr().out
    for name in ("course", "fp32", "fp32, not recording", "bf16", "bf16, not recording"):
        assert re.search(rf"^\| {name} \| \d+\.\d \(", said, re.MULTILINE), name
    assert said.count("times the course's speed; at least") == 2 and said.count("recording costs") == 2


def test_a_made_cell_has_the_columns_of_a_trained_one(tmp_path):
    scaling.write_cell(tmp_path / "cell", Cell(), epochs=2)
    for name in ("history.csv", "gradients.csv"):
        assert pd.read_csv(tmp_path / "cell" / name).notna().all(axis=None), name


@pytest.mark.parametrize("build", [0, 10])
def test_our_dag_is_compared_with_trivial_ones(capsys, build):
    """Built for real, or from files put in place; either way, no network is trained."""
    call(scaling, "dag", "--cells", 10, "--build", build, "--runs", 1, "--cells-per-job", 5)
    rows = [[cell.strip() for cell in line.split("|")[2:4]] for line in capsys.readouterr().out.splitlines()[4:]]
    runs = ["dry-run", *(["build"] if build else []), "nothing to do"]
    workflows = ["ours, 5 per job", "one file per job", "six files per job"]
    assert rows == [["first dry-run", workflows[0]], *([run, workflow] for run in runs for workflow in workflows)]


def test_an_epoch_is_compared_with_the_courses(monkeypatch, digits):
    monkeypatch.setattr(gpu_epoch, "PROFILED", 1)
    found = gpu_epoch.rows("vgg08", digits, CPU, runs=1, steps=1)
    assert [row[1] for row in found] == [gpu_epoch.COURSE, *gpu_epoch.WAYS]
    assert all(len(row) == len(gpu_epoch.HEADER) for row in found)
    assert all(row[-1] == "plain" for row in found[1:])
    cost, kernels = gpu_epoch.costs("vgg08", "graph, bf16", digits, CPU)
    assert len(cost) == len(gpu_epoch.COSTS) and cost[:2] == ["vgg08", "graph, bf16"]
    assert cost[-1] == "0" and kernels == []  # nothing is launched on a CPU


def test_the_longest_kernels_come_first():
    def event(key, device, count, microseconds):
        return SimpleNamespace(
            key=key, device_type=getattr(DeviceType, device), count=count, self_device_time_total=microseconds
        )

    steps = gpu_epoch.PROFILED
    averages = [
        event("add", "CUDA", 2 * steps, 1000 * steps),
        event("aten::conv2d", "CPU", steps, 9e9),
        event("conv", "CUDA", steps, 3000 * steps),
    ]
    assert list(gpu_epoch.longest(averages)) == [["conv", "1.0", "3.000", "75.0"], ["add", "2.0", "1.000", "25.0"]]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_there_is_one_clear_line():
    with pytest.raises(SystemExit) as stop:
        call(gpu_epoch)
    assert stop.value.code == "gpu_epoch: PyTorch finds no GPU, so nothing was measured"


def test_start_up_is_measured_to_the_last_step_that_is_checked(capsys, digits_file):
    call(start_up, "--data", digits_file)
    laps = re.findall(r"^\| (.*) \| \d+\.\d\d \|$", capsys.readouterr().out, re.MULTILINE)
    assert laps == ["import", "device", "data", "network and batches", *start_up.STEPS]
