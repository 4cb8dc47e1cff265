"""Check Beras against PyTorch: train the simple and the advanced model in both, from the same weights, and compare.

    python -m workflow_scripts.check_beras --data results/data/mnist.npz --out results/beras/check.json

Both compute in double precision, with the same batches and the same dropped units. The file has the relative
differences of losses, gradients and weights, and the shapes of all arrays in the backward pass.
"""

from pathlib import Path

import torch

from workflow_scripts.engine import commands, whole_files
from workflow_scripts.engine.beras import check, runs
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.machine import provenance


def main():
    """Compare and write."""
    parser = commands.parser("check_beras", __doc__)
    parser.add_argument("--data", type=Path, required=True, help="a data set as fetch_data writes it (.npz)")
    parser.add_argument("--out", type=Path, required=True, help="the file to write (.json)")
    flags.add(parser, config.Beras, "batch_size")
    parser.add_argument(
        "--steps", type=commands.whole(1), default=100, help="training steps of each model (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=commands.whole(0), default=0, help="of the initial weights (default: %(default)s)"
    )
    arguments = parser.parse_args()
    batch_size = flags.read(arguments, config.Beras).batch_size

    torch.set_num_threads(1)
    train_set, _ = runs.samples(datasets.load(arguments.data))
    options = batch_size, arguments.steps, arguments.seed
    content = {
        "batch_size": batch_size,
        "steps": arguments.steps,
        "processor": provenance.cpu_name(),
        "torch": torch.__version__.partition("+")[0],  # without the build's suffix
        "models": {name: check.compare(name, train_set, *options) for name in check.MODELS},
    }
    whole_files.write_json(arguments.out, content)


if __name__ == "__main__":
    commands.run(main)
