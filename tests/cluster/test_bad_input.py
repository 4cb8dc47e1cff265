"""Asking for what the Slurm cannot provide gives one clear message, before anything is submitted."""

import pytest

from tests.cluster import runs
from workflow_scripts.engine.machine import slurm, slurm_arrays

CELL = {"epochs": 1, "seed": [0, 1, 2]}
ASK = {  # a profile's resources, and the message about them; the tests' Slurm has one partition, gpu
    "a partition that is not there": (
        "slurm_partition=nope",
        "expected a partition of this cluster, gpu; it has no nope",
    ),
    "a model of GPU that is not there": (
        "gpu_model=a100",
        "gpu_model of train_cell: a100: expected a model of partition gpu",
    ),
}


def refused(folder, cluster, *arguments):
    """The workflow's error message: one line and no traceback, and nothing was submitted."""
    before = len(cluster.jobs())
    process = runs.start(folder, cluster, "results/s/summary/cells.csv", *arguments)
    said = process.communicate()[0]
    assert process.returncode == 1 and "Traceback" not in said
    assert said.count("error:") == 1 and len(cluster.jobs()) == before
    assert not (folder / "results/data").exists()
    return said[said.index("error:") :].splitlines()[0]


@pytest.fixture
def folder(tmp_path):
    runs.prepare(tmp_path, cells=CELL)
    return tmp_path


@pytest.mark.parametrize(("resource", "message"), ASK.values(), ids=ASK)
def test_what_the_cluster_does_not_have(folder, cluster, resource, message):
    assert message in refused(folder, cluster, "--default-resources", resource, "mem_mb=100", "runtime=10")


def test_no_partition_where_there_is_no_default(folder, cluster):
    cluster.client("scontrol", "update", "PartitionName=gpu", "Default=NO")
    try:
        message = refused(folder, cluster, "--default-resources", "mem_mb=100", "runtime=10")
    finally:
        cluster.client("scontrol", "update", "PartitionName=gpu", "Default=YES")
    assert "slurm_partition of train_cell" in message and "none is given and it has no default" in message


def test_a_limit_below_the_array_jobs(folder, cluster):
    """Otherwise the plugin would wait for ever."""
    assert "--jobs 2: expected none, or at least 3, the jobs that wait" in refused(folder, cluster, "--jobs", "2")


def test_sacct_where_there_is_no_accounting(folder, cluster):
    """Otherwise Snakemake would never learn that a job has ended."""
    message = refused(folder, cluster, "--slurm-status-command", "sacct")
    assert "so add --slurm-status-command squeue: Slurm accounting storage is disabled" in message


def test_a_cell_with_more_threads_than_snakemake_asks_for(tmp_path, cluster):
    """Otherwise it would get fewer CPUs than it has threads."""
    slurm.check_cores(2, 2)
    runs.prepare(tmp_path, cells={**CELL, "threads": 3})
    assert "--cores 2: expected at least 3, the `threads` of a cell" in refused(tmp_path, cluster)


@pytest.mark.parametrize("arrays", ["train_cell", "choose, train_cell", "all"])
def test_limits_of_array_jobs(arrays):
    jobs = [("train_cell", {}), ("train_cell", {}), ("surface", {})]
    slurm.check_limits(jobs, None, {"--jobs": 1})
    slurm.check_limits(jobs, arrays, {"--jobs": 3, "--resources gpu": None})
    with pytest.raises(slurm.UserError, match="--resources gpu 1: expected none, or at least [23]"):
        slurm.check_limits(jobs, arrays, {"--jobs": 3, "--resources gpu": 1})


def test_without_slurm(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(slurm.UserError, match=r"^sinfo .* fails here, so no job can be sent to Slurm: "):
        slurm.check([])


def test_where_the_plugin_looks_for_the_log_of_a_task(tmp_path):
    script = "python -m snakemake --target-jobs 'train_cell:study=cw2,cell=vgg08-lr0.1-seed0' --cores 2"
    assert slurm_arrays.log_place(tmp_path / "1_7.log", script) == tmp_path / "cw2_vgg08-lr0.1-seed0/1_7.log"
    assert slurm_arrays.log_place(tmp_path / "1_7.log", "another plugin") == tmp_path / "1_7.log"


def test_an_array_of_another_plugin():
    """A task whose command is not in the batch script runs nothing, least of all the first task's command."""
    with pytest.raises(slurm.UserError, match="array task 2: the batch script holds no commands of tasks"):
        slurm_arrays.task_command("#!/bin/sh\npython -m snakemake --target-jobs first", "2")


SINFO = """\
gpu*|2-00:00:00|gpu:h200:4(S:0-1),gpu:v100:2
gpu*|2-00:00:00|(null)
cpu|infinite|(null)
short|30:00|gpu:1
"""  # as real clusters print it


@pytest.fixture
def sinfo(tmp_path, monkeypatch):
    """A fake cluster with two GPU models, neither of which this machine need have."""
    (tmp_path / "sinfo").write_text(f"#!/bin/sh\nprintf '{SINFO}'\n")
    (tmp_path / "sinfo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


@pytest.fixture
def clients(tmp_path, monkeypatch):
    """A fake sacct that works, and a Slurm that forgets jobs after as many seconds as are passed."""

    def forgets_after(seconds):
        for name, says in {
            "sacct": "",
            "scontrol": f"MaxTasksPerNode = 512\nMinJobAge               = {seconds} sec",
        }.items():
            (tmp_path / name).write_text(f"#!/bin/sh\necho '{says}'\n")
            (tmp_path / name).chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return forgets_after


def test_what_tells_the_state_of_jobs(clients):
    jobs = [("train_cell", {}), ("choose", {})]
    clients(300)
    slurm.check_status("squeue", 40, jobs, "train_cell")
    slurm.check_status("sacct", 40, jobs, "none")
    with pytest.raises(slurm.UserError, match=r"sacct: expected squeue.* without arrays, --slurm-array-jobs none"):
        slurm.check_status("sacct", 40, jobs, "train_cell")
    with pytest.raises(slurm.UserError, match=r"remembers jobs for 360 s, found MinJobAge 300; add"):
        slurm.check_status("squeue", 120, jobs, "none")
    clients(120)
    slurm.check_status("sacct", 40, jobs, None)
    with pytest.raises(slurm.UserError, match=r"remembers jobs for 190 s, found MinJobAge 120; add"):
        slurm.check_status("squeue", 40, jobs, "none")


FITS = [{"slurm_partition": "gpu", "gpu_model": "v100"}, {"gpu": 1}, {"slurm_partition": "cpu", "runtime": 10**6}]
FITS += [{"slurm_partition": "short,gpu", "runtime": 2880}]
UNFIT = {  # resources of a job: the end of the message
    ("gpu_model", "a100"): "a100: expected a model of partition gpu, h200 or v100, or no gpu_model",
    (
        "slurm_partition",
        "cpu",
    ): "it asks for a GPU, and partition cpu has none; device: cpu in config.yaml asks for none",
    (
        "slurm_partition",
        "short",
    ): "runtime of train_cell: 31 minutes: expected at most 30, the limit of partition short",
}


@pytest.mark.parametrize("resources", FITS)
def test_what_a_cluster_has(sinfo, resources):
    slurm.check([("train_cell", resources)])


@pytest.mark.parametrize(("resource", "message"), UNFIT.items())
def test_what_a_cluster_lacks(sinfo, resource, message):
    with pytest.raises(slurm.UserError, match=f"{message}$"):
        slurm.check([("train_cell", {"gpu": 1, "runtime": 31, **dict([resource])})])


@pytest.mark.parametrize(("limit", "minutes"), [("30:00", 30), ("2-01:00:30", 2940.5), ("infinite", float("inf"))])
def test_time_limits(limit, minutes):
    assert slurm.minutes(limit) == minutes
