"""Making a cell's folder: training it and writing its files, and not doing so twice."""

import datetime
import sys

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.machine import provenance
from workflow_scripts.engine.runs import cell_files, orders, results, run, trained


def add_flags(parser):
    """Add the flags that `make` reads, which change no result, to a command's parser."""
    flags.add(parser, config.Running, "checkpoint_seconds", "tensorboard", "cuda_graphs")
    parser.add_argument(
        "--keep-checkpoint",
        action="store_true",
        help="also when the cell is done, from which it could be made again at once: the workflow deletes it",
    )


def make(order, data, device, running, keep_checkpoint=False):
    """Make the cell of an `orders.Order` on `device`, unless it is made; if only its test differs, train nothing.

    `data` is a `datasets.Data`, `running` a `config.Running`. The last checkpoint is deleted, unless it is to be
    kept. If another process is making the cell, wait: every caller already holds its GPU, so that no two processes wait
    for each other. Raises UserError if a file is in its folder's place.
    """
    if order.out.exists() and not order.out.is_dir():
        raise UserError(f"{order.out}: expected a folder for the results, found a file")
    with order.alone():
        if order.is_trained(data.sha256):
            print(f"{orders.MADE}: {order.out}", file=sys.stderr)
            if not order.is_made(data.sha256):
                _test(order, data, device)
            return
        _make(order, data, device, running)
        if not keep_checkpoint:
            order.checkpoint.unlink(missing_ok=True)


def _test(order, data, device):
    """Test a cell that was trained without, or take the numbers of its test away, as training it again would."""
    facts, test = cell_files.read(order.out, results.RECORD, "test.json")
    training = trained.load(order.out, data, device, diverged=True)
    results.write_test(training, order.out, facts | order.identity, test["epoch"], order.test)


def _make(order, data, device, running):
    """Train the cell and write its files; see `run.train`."""
    started = datetime.datetime.now(datetime.UTC)
    provenance.measure_memory_anew(device)
    training = run.train(order, data, device, running)
    facts = {
        "cell": order.out.name,
        "record": order.cell.model_dump(),
        **order.identity,
        **results.measurements(training, data),
        "start": started.isoformat(timespec="seconds"),
        "end": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "peak_memory_bytes": provenance.peak_memory(device),
        **training.machines[-1],
        "resumed_from": training.machines[:-1],
        "git_commit": provenance.git_commit(),
    }
    results.write(training, order.out, facts, order.test)
