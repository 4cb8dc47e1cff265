"""Train one cell: a network on a data set, from a record to results/<study>/<cell>/.

    python -m workflow_scripts.train_cell --data results/data/cifar100.npz --out results/cw2/my-run \\
        --model vgg38 --block bn_rc --lr 0.01

Started again after it was killed, it goes on from its last checkpoint and ends with the same bits.
"""

import argparse
import datetime
import json
from pathlib import Path

from workflow_scripts.engine import cells, commands, config, datasets, devices, provenance, record_flags, results, runs


def parser():
    """A flag for every key of a cell's record, and where to read and write."""
    parser = commands.parser("train_cell", __doc__)
    settings = config.Running.model_fields
    parser.add_argument("--data", type=Path, required=True, help="a data set as fetch_data writes it (.npz)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--checkpoint", type=Path, help="file of the checkpoint (default: <out>.checkpoint)")
    parser.add_argument("--checkpoint-seconds", type=float, default=settings["checkpoint_seconds"].default)
    devices.add_flags(parser)
    parser.add_argument(
        "--tensorboard", action=argparse.BooleanOptionalAction, help=settings["tensorboard"].description
    )
    parser.add_argument(
        "--test", action=argparse.BooleanOptionalAction, default=True, help="read the test images, at the end"
    )
    parser.add_argument(
        "--measure", type=json.loads, default={}, metavar="JSON", help="what to measure along the way, by observer"
    )
    record_flags.add_flags(parser)
    return parser


def main():
    """Train the cell that the flags describe."""
    arguments = parser().parse_args()
    cell = record_flags.read(arguments)
    with devices.computing(arguments, cell.threads) as device:
        train(arguments, cell, device)


def train(arguments, cell, device):
    """Train `cell` on `device` and write its files where the flags say."""
    data = datasets.load(arguments.data)
    checkpoint = arguments.checkpoint or arguments.out.with_name(arguments.out.name + ".checkpoint")
    started = datetime.datetime.now(datetime.UTC)
    tensorboard = arguments.out if arguments.tensorboard else None
    training = runs.train(cell, data, device, checkpoint, arguments.checkpoint_seconds, tensorboard, arguments.measure)
    facts = {
        "cell": arguments.out.name,
        "record": cell.model_dump(),
        "record_digest": cells.record_digest(cell),
        "code_digest": cells.code_digest(cell, arguments.measure),
        "measured": arguments.measure,
        **results.measurements(training, data),
        "start": started.isoformat(timespec="seconds"),
        "end": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "peak_memory_bytes": provenance.peak_memory(device),
        **training.machines[-1],
        "resumed_from": training.machines[:-1],
        "git_commit": provenance.git_commit(),
    }
    results.write(training, arguments.out, facts, arguments.test)
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    commands.run(main)
