"""A training run as the user sees it: it reports, writes checkpoints, and resumes where it was killed."""

import sys
import time

import torch

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import cells
from workflow_scripts.engine.machine import provenance
from workflow_scripts.engine.runs import checkpoints
from workflow_scripts.engine.runs.reporting import Reporter
from workflow_scripts.engine.training.trainer import Training

SPARSE = 20  # after an epoch, save only after training for at least this many times as long as the last save took


def train(order, data, device, running):
    """Train the cell of an `orders.Order` to the end, from its checkpoint if that holds this very run.

    `data` is a `datasets.Data`, `running` a `config.Running`. The checkpoint is rewritten after every epoch and, in
    epochs that last longer, every `checkpoint_seconds`. On a GPU an epoch may be no longer than writing a checkpoint:
    it is then rewritten only after some epochs and the last. Returns the finished `trainer.Training`; raises UserError
    if the network or the batches do not fit the data.
    """
    name, checkpoint = cells.cell_name(order.cell), order.checkpoint
    try:
        training = Training(order.cell, data, device, order.measured, running.cuda_graphs)
    except ValueError as error:
        raise UserError(f"{name}: {error}") from None
    key = order.key(data.sha256)
    if note := _resume(training, checkpoint, key, provenance.machine(device)):
        print(note, file=sys.stderr)

    reporter = Reporter(training, name, order.out if running.tensorboard else None)
    saved_at, cost = training.progress.trained, 0.0  # seconds: of training at the last checkpoint, and for saving it

    def save():
        nonlocal saved_at, cost
        saved_at, started = training.progress.trained, time.monotonic()
        checkpoints.save(checkpoint, key, training.state_dict())
        cost = time.monotonic() - started

    def after_step():
        reporter.step()
        if training.progress.trained - saved_at >= running.checkpoint_seconds:
            save()

    while not training.finished:
        training.run_epoch(after_step)
        if training.finished or training.progress.trained - saved_at >= SPARSE * cost:
            save()
        reporter.epoch()
    reporter.close()
    return training


def _resume(training, checkpoint, key, here):
    """Restore the training from the checkpoint for `key`, if there is one; return a note for the user, or ""."""
    training.machines = [here]
    state, note = checkpoints.load(checkpoint, key)
    if state is None:
        checkpoints.save(checkpoint, key, training.state_dict())  # so that an unwritable folder is noticed now
        return note
    try:
        training.load_state_dict(state)
    except torch.OutOfMemoryError:
        raise  # a RuntimeError, too, of which the checkpoint is no cause
    except (RuntimeError, KeyError, TypeError, ValueError, AttributeError):
        name = cells.cell_name(training.cell)
        raise UserError(f"checkpoint {checkpoint}: expected the state of {name}, found another; delete it") from None
    training.machines = [*(other for other in training.machines if other != here), here]
    return f"going on from epoch {training.progress.epoch + 1}, step {training.progress.step}"
