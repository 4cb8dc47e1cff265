# The last lines that a person reads: after a dry-run how much there is to do, after a run its results, what failed and
# why.

import atexit
import functools
import itertools
import signal
import threading

from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.text.wording import counted
from workflow_scripts.engine.workflow import failures, preview

MOST_LOGS = 10  # of failed jobs, to be named at the end
INTERRUPTS = []  # what Ctrl-C has sent; Snakemake itself forgets it

# the rule's name, in the workflow that uses this one as a module if there is one; None where that leaves it out
RUNGS = checkpoints.select_rung.rule.name if hasattr(checkpoints, "select_rung") else None


@functools.cache
def sha256_of(data):
    """The SHA-256 of a data set; "" of a damaged file, which the job that reads it reports."""
    try:
        return datasets.load_meta(HERE / data)["sha256"]
    except commands.UserError:
        return ""


def still_to_train(job):
    """Names of the cells that a training job still has to train: some may exist already.

    Of data that is fetched again, nothing is known yet: perhaps it is the same, and then so are the cells.
    """
    names = cells_trained_by(job)
    if any(map(workflow.dag.needrun, workflow.dag.dependencies[job])):
        return names
    sha256 = sha256_of(data_of(job.wildcards))
    return [name for name in names if not PLAN.order(job.wildcards.study, name, HERE / "results").is_trained(sha256)]


def say_what_is_to_do():
    dag = workflow.dag
    todo, searching, runs = {study: [] for study in PLAN.studies}, {}, 0
    for job in filter(dag.needrun, dag.jobs):
        if job.rule.name in TRAINED_BY:
            todo[job.wildcards.study] += still_to_train(job)
        elif job.rule.name == RUNGS:
            searching[job.wildcards.study] = True
        elif SETTINGS.beras and job.rule.name == rules.train_beras.rule.name:
            runs += 1
    others = [("beras", len(PLAN.beras_runs), runs, runs * SETTINGS.beras.epochs)] if SETTINGS.beras else []
    yield from preview.preview(PLAN.studies, todo, SETTINGS.datasets, HERE / "results", HERE / ".snakemake", others)
    for study in searching:
        yield f"  Not counted: what {study} trains after the next rung of its search, because that rung decides it."


def path_and_place(file):
    """The path of a job's file in the folder of the run, and where a person finds it: there, or in the bucket."""
    if not file.is_storage:
        return str(file), HERE / file
    kept = file.storage_object
    return kept.query.removeprefix(workflow.storage_settings.default_storage_prefix).lstrip("/"), kept.print_query


def say_what_was_done():
    left = set(workflow.dag.needrun_jobs())  # after a failure: their files, if any, are from an earlier run
    made = dict(path_and_place(file) for job in workflow.dag.jobs if job not in left for file in job.output)
    made = {path: place for path, place in made.items() if ELSEWHERE or place.exists()}
    reports = [report for report in REPORTS if report in made]
    for index, table in enumerate(dict.fromkeys(REPORTS[report] for report in reports)):  # two reports may share one
        if (HERE / table).exists():  # perhaps no copy is kept here of what is in the bucket
            yield "\n" * (index > 0) + (HERE / table).read_text()
        yield from (f"The report: {made[report]}" for report in reports if REPORTS[report] == table)
    yield from (f"The hand-in: {made[path]}" for path in sorted(made) if path.startswith("submission/"))


def was_stopped():
    return INTERRUPTS or workflow.scheduler._user_kill  # the latter by SIGTERM


def say_what_failed():
    """The logs of failed jobs and their reasons; without those that a signal to the run has ended.

    With --keep-going, what Snakemake says about them may be pages above, and with --quiet it says nothing.
    """
    failed = [job for one in workflow.scheduler.failed for job in (one if one.is_group() else [one])]
    reasons = {log: failures.reason(log) for log in sorted(str(HERE / job.log[0]) for job in failed if job.log)}
    logs = [log for log in reasons if reasons[log] or not was_stopped()]
    if logs:
        yield f"{counted(len(logs), 'job')} failed; see:"
        for log in logs[:MOST_LOGS]:
            yield f"  {log}"
            yield from (f"    {line}" for line in reasons[log])
    if len(logs) > MOST_LOGS:
        yield f"  ... and {len(logs) - MOST_LOGS:,} more"


def note_interrupts():
    """Have every interrupt noted before it is handled as usual, unless the shell has told us to ignore them."""
    usual = signal.getsignal(signal.SIGINT)

    def note(number, frame):
        INTERRUPTS.append(number)
        usual(number, frame)

    if callable(usual) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, note)


def say_that_it_was_stopped():
    if was_stopped() and set(workflow.dag.needrun_jobs()):
        yield "Stopped by a signal. The same command, started again, continues from here."


def say():
    # Snakemake makes a scheduler once it knows all jobs: not after a mistake in a target, nor for --report or --dag
    if not getattr(workflow, "scheduler", None):
        sys.stderr.writelines(say_what_was_meant())
    else:
        after_a_run = (say_what_was_done, say_what_failed, say_that_it_was_stopped)
        parts = [say_what_is_to_do] if workflow.dryrun else after_a_run
        print("", *itertools.chain.from_iterable(part() for part in parts), sep="\n", file=sys.stderr)


if SPEAKS:
    note_interrupts()
    # atexit, because Snakemake's own hooks are not called in a dry-run, nor when there is nothing to do
    atexit.register(say)
