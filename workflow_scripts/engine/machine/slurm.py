"""What jobs ask for, checked against what Slurm has before the first is submitted.

Slurm refuses a job that asks for what is not there, and Snakemake tries it again; or the job is queued for ever.
"""

import math
import re
import subprocess
from dataclasses import dataclass

from workflow_scripts.engine.commands import UserError

GPU = re.compile(r"gpu(?::(?P<model>[^:,(]+(?=:)))?:\d+")  # in what `sinfo -o %G` prints: gpu:h200:4(S:0-1),gpu:2

MIN_JOB_AGE = re.compile(r"^MinJobAge +=\s*(\d+)", re.MULTILINE)  # in what `scontrol show config` prints
LONGEST = 190  # seconds between two looks of the plugin (2.8) at a job: 180, and the time that a look takes


@dataclass
class Partition:
    """The models of a partition's GPUs ("" for one without a name), and the longest that a job may run, in minutes."""

    models: set
    minutes: float


def partitions():
    """({name: Partition}, the name of the default partition or None)."""
    command = ["sinfo", "--noheader", "--format=%P|%l|%G"]
    lines = _said(*command, so="no job can be sent to Slurm").splitlines()
    found, default = {}, None
    for partition, limit, resources in (line.split("|") for line in lines):  # a line for each kind of node
        name = partition.rstrip("*")
        default = name if partition.endswith("*") else default
        models = found.setdefault(name, Partition(set(), minutes(limit))).models
        models.update(match["model"] or "" for match in GPU.finditer(resources))
    return found, default


def minutes(limit):
    """The minutes of a time limit as sinfo prints it: 30:00, 4:00:00, 2-00:00:00, infinite."""
    days, _, clock = limit.rpartition("-")
    if not clock[:1].isdigit():
        return math.inf
    seconds = sum(int(part) * 60**place for place, part in enumerate(reversed(clock.split(":"))))
    return 1440 * int(days or 0) + seconds / 60


def check(jobs):
    """Raise UserError if the cluster lacks what one of `jobs`, pairs of (rule, its resources), asks for."""
    found, default = partitions()
    for rule, resources in jobs:
        names = str(resources.get("slurm_partition") or default or "").split(",")
        for name in names:
            if name not in found:
                given = f"it has no {name}" if name else "none is given and it has no default"
                raise UserError(
                    f"slurm_partition of {rule}: expected a partition of this cluster, {_listed(found)}; {given}"
                )
        models = set().union(*(found[name].models for name in names))
        model, where = resources.get("gpu_model"), f"partition {', '.join(names)}"
        if (model or resources.get("gpu")) and not models:
            raise UserError(
                f"slurm_partition of {rule}: it asks for a GPU, and {where} has none; device: cpu in config.yaml asks "
                "for none"
            )
        if model and model not in models:
            raise UserError(
                f"gpu_model of {rule}: {model}: expected a model of {where}, {_listed(models - {''})}, or no gpu_model"
            )
        runtime, most = resources.get("runtime"), max(found[name].minutes for name in names)
        if isinstance(runtime, int) and runtime > most:
            raise UserError(f"runtime of {rule}: {runtime} minutes: expected at most {most:g}, the limit of {where}")


def check_status(command, interval, jobs, array_jobs):
    """Raise UserError if `command`, that of --slurm-status-command, cannot tell how the jobs are.

    Snakemake waits for ever where sacct fails, and for a job that squeue forgets before Snakemake looks at it. Where it
    forgets within three times `interval`, the plugin uses sacct. And sacct tells it of an array how the last task is,
    which it takes for the state of all (2.8.0 asks for JobIdRaw; seen with slurmdbd 22.05).
    """
    if command == "sacct":
        _said("sacct", "--noheader", "--allocations", so="add --slurm-status-command squeue")
        if _in_arrays(jobs, array_jobs):
            raise UserError(
                "--slurm-status-command sacct: expected squeue, as sacct does not tell the tasks of an array apart; "
                "without arrays, --slurm-array-jobs none, it works"
            )
        return
    age, least = MIN_JOB_AGE.search(_said("scontrol", "show", "config", so="no job can be sent to Slurm")), 3 * interval
    if age and int(age[1]) < max(LONGEST, least):
        raise UserError(
            f"--slurm-status-command squeue: expected a Slurm that remembers jobs for {max(LONGEST, least)} s, found "
            f"MinJobAge {age[1]}; add --slurm-status-command sacct --slurm-array-jobs none"
        )


def check_limits(jobs, array_jobs, limits):
    """Raise UserError if one of Snakemake's `limits`, {flag: number or None}, would hold back some of the array jobs.

    `array_jobs` is --slurm-array-jobs. The Slurm plugin forgets those that come first, and waits for
    them for ever (github.com/snakemake/snakemake-executor-plugin-slurm/issues/473, seen with 2.8.0).
    """
    waiting = _in_arrays(jobs, array_jobs)
    for flag, limit in limits.items():
        if limit is not None and limit < waiting:
            raise UserError(
                f"{flag} {limit}: expected none, or at least {waiting}, the jobs that wait: no part of an array can be "
                "held back; to have fewer jobs in the queue at once, add --slurm-array-jobs none"
            )


def check_cores(threads, cores):
    """Raise UserError if a job has more `threads` than Snakemake's --cores, which may be None."""
    if cores is not None and threads > cores:
        raise UserError(
            f"--cores {cores}: expected at least {threads}, the `threads` of a cell: Snakemake asks Slurm for no more "
            "CPUs than that for a job"
        )


def _in_arrays(jobs, array_jobs):
    """How many jobs are of rules that `array_jobs` names, as --slurm-array-jobs does."""
    arrays = set(re.split(r"[,;\s]+", array_jobs or ""))
    return sum("all" in arrays or rule in arrays for rule, _ in jobs)


def _said(*command, so):
    """What a client of Slurm prints; raises UserError if it fails, which says what follows from that (`so`)."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        reason = (getattr(error, "stderr", None) or str(error)).strip()
        raise UserError(f"{' '.join(command)} fails here, so {so}: {reason}") from None


def _listed(names):
    return " or ".join(sorted(names)) if names else "which names none"
