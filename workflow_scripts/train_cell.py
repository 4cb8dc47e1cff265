"""Train one cell: a network on a data set, as its record says, into results/<study>/<cell>/.

    python -m workflow_scripts.train_cell --data results/data/cifar100.npz --out results/cw2/my-run \\
        --model vgg38 --block bn_rc --lr 0.01

If it is killed and started again, it continues from its last checkpoint and ends with the same bits. If two are
started for the same cell, one waits for the other.
"""

import argparse
from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.machine import devices
from workflow_scripts.engine.runs import making, orders


def parser():
    """A flag for every key of a cell's record, and for where to read and write."""
    parser = commands.parser("train_cell", __doc__)
    parser.add_argument("--data", type=Path, required=True, help="a data set as fetch_data writes it (.npz)")
    parser.add_argument("--out", type=commands.new_folder, required=True, help="folder of the results")
    parser.add_argument("--checkpoint", type=Path, help="file of the checkpoint (default: <out>.checkpoint)")
    devices.add_flags(parser)
    making.add_flags(parser)
    parser.add_argument(
        "--test", action=argparse.BooleanOptionalAction, default=True, help="read the test images, at the end"
    )
    parser.add_argument(
        "--measure",
        type=commands.json_value,
        default={},
        metavar="JSON",
        help="what to measure along the way, by observer",
    )
    flags.add(parser.add_argument_group("the cell's record"), Cell, dataset="that of --data")
    return parser


def main():
    """Train the cell that the flags describe."""
    arguments = parser().parse_args()
    running = flags.read(arguments, config.Running)
    cell = flags.read(arguments, Cell, "the cell's record", dataset=datasets.load_meta(arguments.data)["name"])
    checkpoint = arguments.checkpoint or arguments.out.with_name(arguments.out.name + ".checkpoint")
    order = orders.Order(cell, arguments.out, checkpoint, arguments.measure, arguments.test)
    order.check_folder()
    with devices.computing(running, cell.threads) as device:
        making.make(order, datasets.load(arguments.data), device, running, arguments.keep_checkpoint)


if __name__ == "__main__":
    commands.run(main)
