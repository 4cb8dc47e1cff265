"""Measure the variance of activations with depth for each of Beras's initialisers, on real images.

    python -m workflow_scripts.probe_initializers --data results/data/mnist.npz --seeds 0 1 2 \\
        --out results/beras/initializers.csv
"""

from pathlib import Path

from workflow_scripts.engine import commands, whole_files
from workflow_scripts.engine.beras import initializers, runs
from workflow_scripts.engine.data import datasets


def main():
    """Measure and write a row per initialiser, seed and depth."""
    parser = commands.parser("probe_initializers", __doc__)
    parser.add_argument("--data", type=Path, required=True, help="a data set as fetch_data writes it (.npz)")
    parser.add_argument(
        "--images",
        type=commands.whole(1),
        default=1000,
        help="number of its training images to use (default: %(default)s)",
    )
    parser.add_argument("--seeds", type=commands.whole(0), nargs="+", default=[0], help="of the weights (default: 0)")
    parser.add_argument("--out", type=Path, required=True, help="the table to write (.csv)")
    arguments = parser.parse_args()
    (inputs, _), _ = runs.samples(datasets.load(arguments.data))
    rows = initializers.probe(inputs[: arguments.images], arguments.seeds)
    whole_files.write_rows(arguments.out, [initializers.COLUMNS, *rows])


if __name__ == "__main__":
    commands.run(main)
