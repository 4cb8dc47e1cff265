"""The workflow on a real Slurm of two nodes: the same bits as on one machine."""

import subprocess
import sys

import pytest

from tests.cluster import slurm
from tests.conftest import ROOT
from tests.test_workflow import write_config

CELL = {"dataset": "digits", "width": 0.25, "augmentation": "none", "batch_size": 50}
CONFIG = {
    "datasets": {"digits": {"source": "digits", "image_size": 8}},
    "studies": {"s": {"base": CELL, "grids": [{"model": "vgg08", "epochs": 2, "seed": [0, 1]}]}},
    "beras": None,
}
QUICK = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2", "--slurm-no-account"]
QUICK += ["--seconds-between-status-checks", "2", "--latency-wait", "20"]

pytestmark = pytest.mark.skipif(bool(slurm.missing()), reason=slurm.missing() or "-")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A running Slurm; skips where it does not start."""
    started = slurm.Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        started.start()
    except RuntimeError as error:
        started.stop()
        pytest.skip(f"Slurm does not start here: {error}")
    yield started
    started.stop()


def start(folder, cluster, *arguments):
    """Start the workflow in `folder`, through profiles/slurm if there is a cluster."""
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(folder)]
    if cluster:
        command += ["--profile", str(ROOT / "profiles/slurm"), *QUICK]
    return subprocess.Popen(
        [*command, "--cores", "2", *arguments],
        cwd=folder,
        env=cluster.environment if cluster else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    """What the workflow printed; it must have succeeded."""
    said = process.communicate()[0]
    assert process.returncode == 0, said
    return said


def bits(folder):
    """The cells' results that must not depend on where they were made."""
    names = ("history.csv", "gradients.csv", "test.json", "model.safetensors")
    files = sorted(path for name in names for path in folder.glob(f"results/s/vgg*/{name}"))
    return {
        str(path.relative_to(folder)): b"".join(line.rpartition(b",")[0] for line in path.read_bytes().splitlines())
        if path.name == "history.csv"  # but for its last column, the seconds
        else path.read_bytes()
        for path in files
    }


def test_the_same_bits_as_on_one_machine(tmp_path, cluster):
    folders = {"here": None, "there": cluster}
    for name, place in folders.items():
        (tmp_path / name).mkdir()
        write_config(tmp_path / name, CONFIG)
        said = finish(start(tmp_path / name, place, "results/s/summary/cells.csv"))
    assert "Submitted array job" in said
    assert bits(tmp_path / "here") == bits(tmp_path / "there") and len(bits(tmp_path / "here")) == 2 * 4
