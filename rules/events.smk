# What Snakemake says while it runs: which jobs its messages are about. unfinished.smk and progress.smk listen.

import logging

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

JOBS = {}


def jobs_of(job_id):
    """The jobs that Snakemake means by this number, several for a group; checkpoints add jobs during the run."""
    if job_id not in JOBS:
        for job in workflow.dag.needrun_jobs(exclude_finished=False):
            JOBS[job.jobid] = [job]
            if group := workflow.dag.get_job_group(job):
                JOBS[group.jobid] = list(group.jobs)
    return JOBS.get(job_id, [])
