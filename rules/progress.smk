# During a run: a line for each finished cell, with its numbers, how many of the cells are done, and the time left.

import time
from pathlib import Path

from workflow_scripts.engine.workflow import progress

LOOK_EVERY = 10  # seconds, at all cells and the time left: with ten thousand cells this takes a while


def cells_of(job):
    """{"<study>/<cell>": (kind, whose epochs take about equally long, epochs)} of the cells that a job trains."""
    name, wildcards = job.rule.name, job.wildcards
    if SETTINGS.beras and name == rules.train_beras.rule.name:
        return {f"beras/{wildcards.cell}": (f"beras {the_run(wildcards)[0]}", SETTINGS.beras.epochs)}
    records = {cell: PLAN.cell(wildcards.study, cell) for cell in cells_trained_by(job)}
    return {
        f"{wildcards.study}/{cell}": (f"{wildcards.study} {record.model}", record.epochs)
        for cell, record in records.items()
    }


class CellLines(logging.Handler):
    """Hears from Snakemake which jobs are finished, here or on a cluster, and reports the results of their cells.

    With `--quiet` there are no lines, as Snakemake does not say so, but what is trained is noted: others may watch.
    """

    run, left, next_look = None, None, 0

    def emit(self, record):
        react = {
            LogEvent.RUN_INFO: self.start,
            LogEvent.JOB_STARTED: self.begin,
            LogEvent.JOB_FINISHED: self.say,
        }.get(getattr(record, "event", None))
        try:
            if react and not workflow.dryrun:
                react(record)
        except (OSError, ValueError, KeyError, commands.UserError) as error:
            logger.debug(f"No line for a cell: {error!r}")

    def start(self, _):
        self.run = progress.Run(Path("results").absolute(), {})
        self.learn()

    def learn(self):
        """Find out which jobs there are: at the start, and again when a checkpoint has added some."""
        for job in workflow.dag.needrun_jobs(exclude_finished=False):
            self.run.cells |= cells_of(job)
        if self.run.cells:
            self.run.write()

    def begin(self, record):
        for job_id in record.jobs:
            parts = [list(cells_of(job)) for job in jobs_of(job_id)]
            if not self.run.cells.keys() >= set().union(*parts):
                self.learn()
            self.run.begin(parts)

    def say(self, record):
        if names := [name for job in jobs_of(record.job_id) for name in cells_of(job)]:
            due = time.monotonic() >= self.next_look
            self.run.look(None if due else names)
            self.run.follow()
            if due:
                self.left, self.next_look = self.run.left(), time.monotonic() + LOOK_EVERY
            for name in names:
                logger.info(f"{name}: {self.run.finished[name].said()} ({self.run.tally(self.left)})")


if SPEAKS:
    logger.addHandler(CellLines())
