# What Snakemake tells while it runs: which jobs its messages are about, and which are done. unfinished.smk and
# progress.smk listen.

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


def cells_trained_by(job):
    """The names of the cells, of the study in its wildcards, that a job trains."""
    return TRAINED_BY[job.rule.name](job.wildcards) if job.rule.name in TRAINED_BY else []


def when_done(listen):
    """Have `listen(job)` awaited for each job that is done; in a dry-run, none is.

    Snakemake's message about that, JOB_FINISHED, belongs to the progress that it prints: `--quiet` suppresses both.
    """
    finish = workflow.dag.finish

    async def finish_and_tell(job, *arguments, **options):
        jobs = list(job) if job.is_group() else [job]
        await finish(job, *arguments, **options)
        for one in [] if workflow.dryrun else jobs:
            await listen(one)

    workflow.dag.finish = finish_and_tell
