"""Runs of the real workflow, on this machine or on the tests' Slurm."""

import os
import subprocess
import sys

from tests.conftest import ROOT
from tests.workflow_runs import write_config

BASE = {"dataset": "digits", "width": 0.25, "augmentation": "none", "batch_size": 50, "model": "vgg08"}
QUICK = ["--slurm-init-seconds-before-status-checks", "2"]
QUICK += ["--seconds-between-status-checks", "2", "--latency-wait", "20"]


def prepare(folder, *, cells, **settings):
    """Prepare `folder` for running the workflow, with a study `s` of these `cells`, whose other keys are in BASE."""
    folder.mkdir(exist_ok=True)
    study = {"base": BASE, "grids": [cells]}
    datasets = {"digits": {"source": "digits", "image_size": 8}}
    write_config(folder, {"datasets": datasets, "studies": {"s": study}, "beras": None, **settings})


def start(folder, cluster=None, *arguments, **environment):
    """Start the workflow in `folder`, with profiles/slurm if a cluster is given."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(folder)]
    if cluster:
        command += ["--profile", str(ROOT / "profiles/slurm"), *QUICK]
    return subprocess.Popen(
        [*command, "--cores", "2", *arguments],
        cwd=folder,
        env={**(cluster.environment if cluster else os.environ), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    """What the workflow printed; it must have succeeded."""
    said = process.communicate()[0]
    assert process.returncode == 0, said
    return said


def bits(place):
    """Those results of the cell in a folder that must not depend on where and how they were made."""
    history, *files = ("history.csv", "gradients.csv", "steps.npz", "test.json", "model.safetensors")
    rows = [row.rpartition(b",")[0] for row in (place / history).read_bytes().splitlines()]  # without the seconds
    return [rows, *((place / name).read_bytes() for name in files)]
