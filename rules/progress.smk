# While it runs: a line for each finished cell, with its numbers, the cells done of all, and the time left.

import logging
import time
from pathlib import Path

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent
from workflow_scripts.engine import progress

LOOK_EVERY = 10  # seconds, at the cells beside the finished one: of ten thousand that takes a while

# of the jobs that train, their cell's (what takes about as long, epochs)
TRAINS = {
    "train_cell": lambda wildcards: (
        f"{wildcards.study} {the_cell(wildcards).model}",
        the_cell(wildcards).epochs,
    ),
    "train_beras": lambda wildcards: (f"beras {the_run(wildcards)[0]}", BERAS.epochs),
}


class CellLines(logging.Handler):
    """Hears from Snakemake which jobs are finished, here or on a cluster, and says what came of the cells among them."""

    run, jobs, next_look = None, {}, 0

    def emit(self, record):
        event = getattr(record, "event", None)
        try:
            if event == LogEvent.RUN_INFO and self.run is None:
                self.run = progress.Run(Path("results").absolute(), {})
                self.learn()
            elif event == LogEvent.JOB_FINISHED and self.run:
                self.say(record.job_id)
        except (OSError, ValueError, KeyError) as error:
            logger.debug(f"No line for a cell: {error!r}")

    def learn(self):
        """Which jobs there are: at the start, and again when a checkpoint has added some."""
        self.jobs = {job.jobid: job for job in workflow.dag.needrun_jobs(exclude_finished=False)}
        trained = [job for job in self.jobs.values() if job.rule.name in TRAINS]
        self.run.cells |= {self.name(job): TRAINS[job.rule.name](job.wildcards) for job in trained}
        if self.run.cells:
            self.run.write()

    def name(self, job):
        return str(Path(job.output[0]).parent.relative_to("results"))

    def say(self, job_id):
        if job_id not in self.jobs:
            self.learn()
        job = self.jobs[job_id]
        if job.rule.name in TRAINS:
            name = self.name(job)
            due = time.monotonic() >= self.next_look
            self.run.look(None if due else [name])
            if due:
                self.next_look = time.monotonic() + LOOK_EVERY
            cell = self.run.finished[name]
            epochs = "1 epoch" if cell.epochs == 1 else f"{cell.epochs} epochs"
            logger.info(f"{name}: {epochs} in {cell.seconds:.0f} s, {cell.words} ({self.run.tally()})")


if workflow.is_main_process and not workflow.dryrun:
    logger.addHandler(CellLines())
