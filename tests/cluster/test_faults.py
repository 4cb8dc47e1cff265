"""The demo study on a real Slurm, with jobs that are cancelled, lose their node or hang: complete, and the same bits.

One run suffers all these faults, since much of its time is spent waiting for Slurm to notice. It has all five networks
at full depth, with one seed each and a quarter of their width: more took minutes longer and exercised nothing else.
"""

import contextlib
import os
import re
import signal
import time
from types import SimpleNamespace

import psutil
import pytest

from tests import demo_study
from tests.cluster import runs, slurm
from tests.workflow_runs import write_config
from workflow_scripts.engine.configuration import config, grids

STUDY = demo_study.config(seed=[0], width=0.25)
CELLS = grids.expand("cw2", config.load(STUDY).studies["cw2"])
SUMMARY = "results/cw2/summary/cells.csv"
FAULTS = ("cancelled", "lost", "hung")
WAITING = f"3-{len(CELLS)}"  # the tasks of the array that wait while the first two train: cancelled, too


class Run:
    """A run of the workflow on a Slurm, and what is known about its cells while they train."""

    def __init__(self, folder, cluster):
        self.folder, self.cluster = folder, cluster
        self.held = {}  # the jobs, by cell
        # as if the login node had a GPU too, which must not limit how many cells train on the cluster
        self.workflow = runs.start(folder, cluster, SUMMARY, CUDA_VISIBLE_DEVICES="0")

    def log(self, cell):
        """What the last training of a cell has printed."""
        path = self.folder / f"results/logs/cw2/{cell}.log"
        return path.read_text() if path.exists() else ""

    def epochs(self, cell):
        """The epochs that the last training of a cell has finished, counted from 1."""
        return [int(number) for number in re.findall(r"^epoch +(\d+)/", self.log(cell), re.MULTILINE)]

    def training(self):
        """The jobs that are training a cell and have finished two of its epochs: cell, process, job, node."""
        found = []
        for pid in slurm.processes(**{slurm.MARK: str(self.cluster.folder)}):
            command = slurm.words(pid, "cmdline")
            variables = dict(word.split("=", 1) for word in slurm.words(pid, "environ") if "=" in word)
            if "workflow_scripts.train_cell" in command and "SLURM_ARRAY_TASK_ID" in variables:
                cell = command[command.index("--out") + 1].rpartition("/")[2]
                if len(self.epochs(cell)) >= 2:
                    array, task = variables["SLURM_ARRAY_JOB_ID"], variables["SLURM_ARRAY_TASK_ID"]
                    found.append(
                        SimpleNamespace(cell=cell, pid=pid, id=f"{array}_{task}", node=variables["SLURMD_NODENAME"])
                    )
        return found

    def hold(self, count):
        """Stop training cells after two epochs or more, as if they hung; returns the jobs once `count` are stopped."""
        for job in self.training():
            if job.cell not in self.held and self.stopped(job):
                self.held[job.cell] = job
        return list(self.held.values()) if len(self.held) == count else None

    def stopped(self, job):
        """Stop the process of a job, unless its cell has been trained to its last epoch since it was looked at."""
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            os.kill(job.pid, signal.SIGSTOP)
            while psutil.Process(job.pid).status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
                time.sleep(0.01)
            if max(self.epochs(job.cell)) < CELLS[job.cell].epochs:
                return True
            os.kill(job.pid, signal.SIGCONT)
        return False

    def wait(self, what, found, seconds=600):
        """What `found()` returns once it is true; fails if the run has ended, or after `seconds`."""
        end = time.monotonic() + seconds
        while not (result := found()):
            assert self.workflow.poll() is None, f"the run ended before {what}: {self.workflow.communicate()[0]}"
            assert time.monotonic() < end, f"waited {seconds} s for {what}"
            time.sleep(0.1)
        return result


@pytest.fixture(scope="module")
def run(tmp_path_factory, cluster):
    """A run on the cluster that has suffered the faults, with what was observed; and an undisturbed run here."""
    folder, here = tmp_path_factory.mktemp("there"), tmp_path_factory.mktemp("here")
    for place in (folder, here):
        write_config(place, STUDY)
    run = Run(folder, cluster)
    undisturbed = None
    try:
        cancelled, lost = run.wait("two cells train", lambda: run.hold(2))
        array = cancelled.id.partition("_")[0]
        cluster.client("scancel", cancelled.id, f"{array}_[{WAITING}]")
        cluster.lose_node(lost.node)
        *_, hung = run.wait("a third cell trains", lambda: run.hold(3))
        cluster.client("scontrol", "update", f"JobId={hung.id}", "EndTime=now+1")  # Slurm looks every 30 s
        run.faults = {"cancelled": cancelled, "lost": lost, "hung": hung}
        undisturbed = runs.start(here, None, SUMMARY)
        run.wait("the node is down", lambda: cluster.states()[lost.node].startswith("down"))
        cluster.start_node(lost.node)
        run.wait("the node is back", lambda: cluster.states()[lost.node] in ("idle", "mix", "alloc"))
        run.said = runs.finish(run.workflow)
        run.jobs = {f"{job.get('ArrayJobId', job['JobId'])}_{job.get('ArrayTaskId')}": job for job in cluster.jobs()}
        runs.finish(undisturbed)
    finally:
        for process in filter(None, (run.workflow, undisturbed)):
            if process.poll() is None:
                process.terminate()
                process.communicate()
    run.here = here
    return run


def test_all_gpus_of_the_cluster_are_used_at_once(run):
    assert {run.faults[fault].node for fault in ("cancelled", "lost")} == set(slurm.NODES)


def test_cells_go_as_one_array_of_jobs(run):
    assert re.search(rf"Submitted array job .* task IDs are 1-{len(CELLS)}\.", run.said)


def test_slurm_met_every_fault(run):
    jobs = {fault: run.jobs[job.id] for fault, job in run.faults.items()}
    assert (jobs["cancelled"]["JobState"], jobs["hung"]["JobState"]) == ("CANCELLED", "TIMEOUT")
    assert int(jobs["lost"]["Restarts"]) == 1  # Slurm itself requeued it


def test_no_other_job_failed(run):
    """The lost one may fail: Slurm once cancelled its new step 16 s after it was requeued, though nobody had asked."""
    states = {name: job["JobState"] for name, job in run.jobs.items()}
    for fault in FAULTS:
        del states[run.faults[fault].id]
    array = run.faults["cancelled"].id.partition("_")[0]
    waited = [name for name in states if name.startswith(f"{array}_") and name not in (f"{array}_1", f"{array}_2")]
    assert [states.pop(name) for name in waited] == ["CANCELLED"]  # Slurm keeps one record for all of WAITING
    assert set(states.values()) == {"COMPLETED"}, states


@pytest.mark.parametrize("cell", CELLS)
def test_the_same_bits_as_on_one_machine(run, cell):
    there, here = (runs.bits(folder / "results/cw2" / cell) for folder in (run.folder, run.here))
    assert there == here


@pytest.mark.parametrize("fault", FAULTS)
def test_a_cell_goes_on_from_its_checkpoint(run, fault):
    """That of its first epoch at least; on a slow disk, later epochs of this length do not all have one."""
    cell = run.faults[fault].cell
    assert "going on from epoch" in run.log(cell)
    assert run.epochs(cell)[0] > 1 and run.epochs(cell)[-1] == CELLS[cell].epochs


def test_a_job_that_is_tried_again_asks_for_more_memory(run):
    """Twice the memory first; the few megabytes on top are the plugin's, for the commands of an array."""
    array = run.faults["cancelled"].id.partition("_")[0]
    first = [job for job in run.jobs.values() if job.get("ArrayJobId") == array]  # those of WAITING count as one
    again = [job for name, job in run.jobs.items() if job not in first and name != run.faults["hung"].id]
    assert {asked(job) for job in first} == {(4, 8, "gres:gpu:1")} and len(first) == 3
    assert (4, 16, "gres:gpu:1") in {asked(job) for job in again} and len(again) >= 2
    assert all(hours == 4 and memory >= 16 for hours, memory, _ in map(asked, again))


def test_of_slurms_logs_only_those_of_failed_jobs_stay(run):
    """Each in the folder of its cell, where Snakemake looks for it, shows it, and deletes it once the job succeeds."""
    logs = {path.stem: path.parent.name for path in (run.folder / "results/logs/slurm").glob("**/*.log")}
    failed = {job.id: f"cw2_{job.cell}" for fault, job in run.faults.items() if fault != "lost"}
    assert failed.items() <= logs.items()
    assert not {name for name in logs if run.jobs.get(name, {}).get("JobState") == "COMPLETED"}
    assert not [name for name in failed if f"{name}.log not found" in run.said]


def asked(job):
    """(hours, gigabytes, generic resources) that a Slurm job asks for."""
    return int(job["TimeLimit"].partition(":")[0]), int(job["MinMemoryNode"].rstrip("M")) // 1000, job["TresPerJob"]
