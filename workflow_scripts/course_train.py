"""Train with the command line of the course's framework, and write the framework's files as well as a cell's.

    python -m workflow_scripts.course_train --batch_size 100 --seed 0 --num_filters 32 --num_stages 3 \\
        --num_blocks_per_stage 0 --experiment_name VGG_08_experiment --use_gpu True --num_classes 100 \\
        --block_type 'conv_block' --continue_from_epoch -1

The folder <experiment_name>/ gets result_outputs/summary.csv and test_summary.csv beside the files of a cell. A run
that was killed leaves <experiment_name>.checkpoint, from which any --continue_from_epoch but -1 continues, whichever
epoch is named; it ends with the bits of an undisturbed run. Only the weights that validated best are kept.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.course import arguments as course
from workflow_scripts.engine.course import folders
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.machine import devices
from workflow_scripts.engine.runs import checkpoints, making, orders

DATA = Path("results/data/cifar100.npz")


def main():
    """Read the framework's arguments, train the cell, write its metrics also as the framework does."""
    parser = commands.parser("course_train", __doc__)
    course.add(parser)
    parser.add_argument("--data", type=Path, default=DATA, help=f"the data set (default: {DATA})")
    parser.add_argument("--gradient-flow", action="store_true", help=folders.GRADIENT_FLOW)
    arguments = parser.parse_args()
    if arguments.data == DATA and not DATA.exists():
        fetch = f"python -m workflow_scripts.fetch_data --name cifar100 --source cifar100 --out {DATA}"
        raise commands.UserError(f"{DATA}: no such data set; fetch it with `{fetch}`, or name another with --data")
    cell = course.cell(arguments, datasets.load_meta(arguments.data))
    out = arguments.experiment_name
    checkpoint = out.with_name(f"{out.name}.checkpoint")
    order, running = orders.Order(cell, out, checkpoint), config.Running(device="auto" if arguments.use_gpu else "cpu")
    order.check_folder()
    if (out / folders.SUMMARY).exists() and not order.record():
        raise commands.UserError(
            f"--experiment_name {out}: expected a new folder, or one of the same cell, found an experiment made "
            "elsewhere, which would be overwritten; choose another name"
        )
    data = datasets.load(arguments.data)
    if arguments.continue_from_epoch == course.FRESH:
        checkpoint.unlink(missing_ok=True)
    else:
        _check(checkpoint, order.key(data.sha256), f"--continue_from_epoch {arguments.continue_from_epoch}")
    with devices.computing(running, cell.threads) as device:
        making.make(order, data, device, running)
    folders.export(out, out, arguments.gradient_flow)


def _check(checkpoint, key, flag):
    """Raise UserError unless the run with this key continues from the checkpoint: it would replace any other."""
    fresh = f"{course.FRESH} starts from the beginning"
    if not checkpoint.exists():
        raise commands.UserError(f"{flag}: there is no {checkpoint} to continue from; {fresh}")
    if checkpoints.load(checkpoint, key)[0] is None:
        raise commands.UserError(
            f"{flag}: {checkpoint} is damaged or of another run: expected the same arguments, code and data as when "
            f"it was begun; {fresh}"
        )


if __name__ == "__main__":
    commands.run(main)
