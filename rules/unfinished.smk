# What one run began and did not finish, the next one makes, whatever else exists.
#
# Snakemake deletes a job's old outputs before the job begins, and forgets the job if it fails or is stopped. Where
# files made from the old outputs still exist and nothing is newer, the next run would find nothing to do, and leave
# figures of another configuration or of older code in place (seen with Snakemake 9.27).

import contextlib

from workflow_scripts.engine.workflow import unfinished


def incomplete():
    """The files that represent, in the DAG, cells that have lost some of their files; those files may still exist."""
    for study, grid in PLAN.studies.items():
        for name in grid:
            with contextlib.suppress(OSError):  # most often the folder does not exist yet
                found = set(cells.FILES).intersection(os.listdir(HERE / "results" / study / name))
                if 0 < len(found) < len(cells.FILES):
                    yield from PLAN.trained(study, [name])


def forget_checkpoints(job):
    """Delete the checkpoints of the cells that a job has trained, now that Snakemake has noted them as done."""
    for name in TRAINED_BY[job.rule.name](job.wildcards) if job.rule.name in TRAINED_BY else []:
        study = job.wildcards.study
        (HERE / PLAN.checkpoint(study, PLAN.cell(study, name))).unlink(missing_ok=True)


class Begun(logging.Handler):
    """Hears from Snakemake when it starts to build the DAG, which jobs begin, and which are done."""

    journal = None

    def emit(self, record):
        if self.journal is None and getattr(workflow, "_dag", None) is not None:
            # the first message since the DAG object exists, before it is built
            self.journal = unfinished.Journal(HERE / ".snakemake/gradscape-unfinished.jsonl")
            workflow.dag.forcefiles |= self.journal.unfinished.union(incomplete())
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_STARTED and not workflow.dryrun:
            for job in (job for job_id in record.jobs for job in jobs_of(job_id)):
                self.journal.begin(job.output)
        elif event == LogEvent.JOB_FINISHED and not workflow.dryrun:
            for job in jobs_of(record.job_id):
                self.journal.finish(job.output)
                forget_checkpoints(job)


if SPEAKS:
    logger.addHandler(Begun())
