"""Look into a trained network: filters, predictions, confusion, features, and where it looks (Grad-CAM).

    python -m workflow_scripts.inspect_cell --cell results/cifar_net/<cell> --data results/data/cifar10.npz \\
        --out results/cifar_net/insight

All of it is about the validation images. `plot_insight` draws the results.
"""

import json
from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.insight import insight
from workflow_scripts.engine.machine import devices
from workflow_scripts.engine.runs import cell_files, trained

IMAGES = 8  # side by side across the page


def best_cell(chosen):
    """The folder of the cell that `chosen` calls the best, which `choose` wrote to the folder of its study."""
    try:
        return chosen.parent / json.loads(chosen.read_text(encoding="utf-8"))["best_cell"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{chosen}: expected JSON with `best_cell`, the name of a cell, found none") from None


def data_of(cell, files):
    """Which of several data sets' files belongs to the cell in the folder `cell`: the one its record names."""
    (facts,) = cell_files.read(cell, "cell.json")
    with cell_files.understood(cell):
        name = facts["record"]["dataset"]
    return datasets.file_of(name, files)


def main():
    """Load, look, write."""
    parser = commands.parser("inspect_cell", __doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--cell", type=Path, help="folder of a finished cell")
    which.add_argument(
        "--chosen", type=Path, help="instead: chosen.json in the folder of its study, whose best_cell is looked into"
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="data sets (.npz), the cell's among them")
    parser.add_argument(
        "--images",
        type=commands.whole(1),
        default=IMAGES,
        help="right and wrong ones for Grad-CAM (default: %(default)s)",
    )
    devices.add_flags(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    arguments = parser.parse_args()
    running = flags.read(arguments, config.Running)
    cell = arguments.cell or best_cell(arguments.chosen)
    with devices.computing(running, threads=1) as device:
        data = datasets.load(data_of(cell, arguments.data))
        training = trained.load(cell, data, device)
        insight.write(insight.inspect(training, data, arguments.images), arguments.out)


if __name__ == "__main__":
    commands.run(main)
