"""A training run as a person meets it: it reports, it checkpoints, and it goes on where it was killed."""

import json
import sys
import time

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import cells
from workflow_scripts.engine.machine import provenance
from workflow_scripts.engine.runs import checkpoints
from workflow_scripts.engine.runs.reporting import Reporter
from workflow_scripts.engine.training.trainer import Training

SPARSE = 20  # at the end of an epoch: how many times as long has been trained, at least, as the last checkpoint took


def train(cell, data, device, checkpoint, checkpoint_seconds, tensorboard=None, measured=None, cuda_graphs=True):
    """Train `cell` on `data` (a `datasets.Data`) to its end, from the file `checkpoint` if it holds this very run.

    The checkpoint is rewritten after every epoch and, in epochs that last longer, every `checkpoint_seconds`. On a GPU
    an epoch may last no longer than its checkpoint takes: then it is rewritten after some of them, and after the last.
    `tensorboard` is the folder of the event files, or None; `measured` is {observer: settings} as `grids.measured`
    gives it; `cuda_graphs` is as in `trainer.Training`. Returns the finished `trainer.Training`; raises UserError where
    the network or the batches do not fit the data.
    """
    name = cells.cell_name(cell)
    try:
        training = Training(cell, data, device, measured, cuda_graphs)
    except ValueError as error:
        raise UserError(f"{name}: {error}") from None
    code = cells.code_digest(cell, measured or ())
    key = f"{cells.record_digest(cell)} {json.dumps(measured)} {code} {data.sha256}"
    if note := _resume(training, checkpoint, key, provenance.machine(device)):
        print(note, file=sys.stderr)

    reporter = Reporter(training, name, tensorboard)
    saved_at, cost = training.progress.trained, 0.0  # seconds: of training at the last checkpoint, and what that took

    def save():
        nonlocal saved_at, cost
        saved_at, started = training.progress.trained, time.monotonic()
        checkpoints.save(checkpoint, key, training.state_dict())
        cost = time.monotonic() - started

    def after_step():
        reporter.step()
        if training.progress.trained - saved_at >= checkpoint_seconds:
            save()

    while not training.finished:
        training.run_epoch(after_step)
        if training.finished or training.progress.trained - saved_at >= SPARSE * cost:
            save()
        reporter.epoch()
    reporter.close()
    return training


def _resume(training, checkpoint, key, here):
    """Bring the training to where the checkpoint of `key` left it, if there is one; what is to be said of it, or ""."""
    training.machines = [here]
    state, note = checkpoints.load(checkpoint, key)
    if state is None:
        checkpoints.save(checkpoint, key, training.state_dict())  # a folder that cannot be written to is noticed now
        return note
    try:
        training.load_state_dict(state)
    except (RuntimeError, KeyError, TypeError, ValueError, AttributeError):
        name = cells.cell_name(training.cell)
        raise UserError(f"checkpoint {checkpoint}: expected the state of {name}, found another; delete it") from None
    training.machines = [*(other for other in training.machines if other != here), here]
    return f"going on from epoch {training.progress.epoch + 1}, step {training.progress.step}"
