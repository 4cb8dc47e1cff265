# What one run began and did not finish, the next one makes, whatever else is there.
#
# Snakemake deletes a job's old outputs before the job begins, and forgets the job if it fails or is stopped. Where what
# was made from the old outputs is still there and nothing is newer than it, the next run would find nothing to do, and
# leave figures of another configuration or of older code in place (seen with Snakemake 9.27).

import logging

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent
from workflow_scripts.engine import unfinished

JOBS = {}


def job_of(job_id):
    """The job that Snakemake speaks of by this number; checkpoints add some while it runs."""
    if job_id not in JOBS:
        JOBS.update({job.jobid: job for job in workflow.dag.jobs})
    return JOBS[job_id]


class Begun(logging.Handler):
    """Hears from Snakemake when it starts to build the DAG, which jobs begin, and which are done."""

    journal = None

    def emit(self, record):
        if self.journal is None and getattr(workflow, "_dag", None) is not None:
            # the first thing that is said since there is a DAG, before it is built
            self.journal = unfinished.Journal(HERE / ".snakemake/gradscape-unfinished.jsonl")
            workflow.dag.forcefiles |= self.journal.unfinished
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_STARTED and not workflow.dryrun:
            for job_id in record.jobs:
                self.journal.begin(job_of(job_id).output)
        elif event == LogEvent.JOB_FINISHED and not workflow.dryrun:
            self.journal.finish(job_of(record.job_id).output)


if SPEAKS:
    logger.addHandler(Begun())
