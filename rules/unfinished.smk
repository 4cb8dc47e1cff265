# What one run began and did not finish, the next one makes, whatever else exists.
#
# Snakemake deletes a job's old outputs before the job begins (a cell's it puts back if the job fails: training.smk), and
# forgets the job if it fails or is stopped. Where files made from the old outputs still exist and nothing is newer, the
# next run would find nothing to do, and leave figures of another configuration or of older code in place (seen with
# Snakemake 9.27).

import contextlib

from workflow_scripts.engine.workflow import unfinished


def incomplete():
    """The files that represent, in the DAG, cells that have lost files; those files may still exist.

    A cell that has lost its whole folder counts only once its study was summarised: until then it may not be trained.
    Where results are kept elsewhere, nothing is known of that: what is here are copies.
    """
    for study, grid in ({} if ELSEWHERE else PLAN.studies).items():
        summarised = os.path.exists(HERE / summary_of(study)[0])
        for name in grid:
            found = set()
            with contextlib.suppress(OSError):
                found = set(cells.FILES).intersection(os.listdir(HERE / "results" / study / name))
            if len(found) < len(cells.FILES) and (found or summarised):
                yield from PLAN.trained(study, [name])


async def note_cells(job):
    """Have Snakemake note about the cells of a bundle what it would if each had had a job of its own; returns these jobs.

    The cells' files are no outputs of the bundle. Where there are no bundles any more, the next run believes the notes
    on them, and these may be of an earlier job, which was interrupted or ran other code.
    """
    names = the_bundle(job.wildcards) if job.rule.name == rules.train_bundle.rule.name else []
    single = []
    for name in names:
        wildcards = {"study": job.wildcards.study, "cell": name}
        one = await workflow.dag.new_job(rules.train_cell.rule, wildcards_dict=wildcards)
        # any number that no job has: without one, Snakemake cannot write down the command
        workflow.dag._jobid.setdefault(one, len(workflow.dag._jobid))
        await workflow.persistence.finished(one)
        single.append(one)
    return single


class Begun(logging.Handler):
    """Hears from Snakemake when it starts to build the DAG, which jobs begin, and which are done."""

    journal = None

    def emit(self, record):
        if self.journal is None and getattr(workflow, "_dag", None) is not None:
            # the first message since the DAG object exists, before it is built
            self.journal = unfinished.Journal(HERE / ".snakemake/gradscape-unfinished.jsonl")
            workflow.dag.forcefiles |= self.journal.unfinished.union(incomplete())
            when_done(self.finish)
        if getattr(record, "event", None) == LogEvent.JOB_STARTED and not workflow.dryrun:
            for job in (job for job_id in record.jobs for job in jobs_of(job_id)):
                self.journal.begin(job.output)

    async def finish(self, job):
        """Note what a job has made, and delete the checkpoints of its cells: Snakemake too has noted it as done."""
        self.journal.finish([file for one in (job, *await note_cells(job)) for file in one.output])
        for name in cells_trained_by(job):
            study = job.wildcards.study
            (HERE / PLAN.checkpoint(study, PLAN.cell(study, name))).unlink(missing_ok=True)


# Ends of what Snakemake says, file by file, when a job with `lasting` outputs fails: that a file that was never made is not
# put back, and, once it has said so of the job's first file, that the others are.
NO_NEWS = (": no backup found.", *(f"{name} (updating job failed)." for name in (*cells.FILES[1:], *SUMMARY[1:])))


def is_news(record):
    return not str(record.msg).endswith(NO_NEWS)


logger.addFilter(is_news)

if SPEAKS:
    logger.addHandler(Begun())
