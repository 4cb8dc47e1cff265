"""Say whether a network would train, from a few batches at initialisation: vanishing, exploding or healthy gradients.

    python -m workflow_scripts.diagnose --model vgg38 --block plain
    python -m workflow_scripts.diagnose --model vgg38 --block plain --init kaiming --data results/data/cifar100.npz \\
        --out diagnosis.pdf

Prints a row for each layer with weights, from the input to the output (variance of the activations; variance, l2 norm
and mean size of the gradient; dead units), and a verdict, which allows for how the optimiser steps; `--out` draws the
same, and a CSV file beside the figure holds its data. Nothing is trained. Every key of a cell's record can be given, as
for train_cell; batches have 50 images unless --batch-size says otherwise.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.configuration import flags
from workflow_scripts.engine.configuration.cells import cell_name
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.insight import diagnosis
from workflow_scripts.engine.machine import devices
from workflow_scripts.engine.training.trainer import Training

BATCH = 50  # images: enough to tell, and quick
SIZE = 32  # rows and columns of the images that the networks are made for


def parser():
    """A flag for every key of a cell's record, and for what to read, how much of it, and what to draw."""
    parser = commands.parser("diagnose", __doc__)
    parser.add_argument("--data", type=Path, help="a data set as fetch_data writes it (default: the embedded digits)")
    parser.add_argument(
        "--image-size",
        type=commands.whole(1),
        metavar="N",
        help=f"rows and columns of the embedded digits (default: {SIZE})",
    )
    parser.add_argument(
        "--batches", type=commands.whole(1), default=4, help="how many to look at (default: %(default)s)"
    )
    commands.add_figure(parser, required=False)
    flags.add(parser.add_argument_group("the cell's record"), Cell, batch_size=BATCH, dataset="that of --data")
    return parser


def read_data(arguments):
    """The `datasets.Data` that the flags ask for."""
    size = arguments.image_size
    if arguments.data is None:
        return diagnosis.digits(size or SIZE)
    if size is not None:
        raise commands.UserError("--image-size is for the embedded digits; leave it out, or --data")
    return datasets.load(arguments.data)


def main():
    """Diagnose the network that the flags describe."""
    arguments = parser().parse_args()
    data = read_data(arguments)
    cell = flags.read(arguments, Cell, "the cell's record", batch_size=BATCH, dataset=data.meta["name"])
    device = devices.choose_device("cpu", cell.threads)
    try:
        found = diagnosis.diagnose(Training(cell, data, device), arguments.batches)
    except ValueError as error:
        raise commands.UserError(f"{cell_name(cell)}: {error}") from None
    print("\n".join(diagnosis.lines(found)))
    if arguments.out:
        from workflow_scripts.engine.figures import style  # Matplotlib: a second, which the table is spared
        from workflow_scripts.engine.insight import diagnosis_figure

        style.save(diagnosis_figure.draw(found, cell), arguments.out, found.layers)


if __name__ == "__main__":
    commands.run(main)
