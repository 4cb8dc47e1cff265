"""Train one variant of the study of Beras, with a seed, into results/beras/<variant>-seed<seed>/.

    python -m workflow_scripts.train_beras --data results/data/mnist.npz --variant advanced --seed 0 \\
        --out results/beras/advanced-seed0

run.json has the record and the losses, accuracies and seconds, history.csv a row per epoch, steps.npz the loss and
accuracy of every batch, predictions.npz a label for every test image, weights.npz the weights. Everything but the
seconds has the same bits every time.
"""

from pathlib import Path

from workflow_scripts.engine import commands, locks
from workflow_scripts.engine.beras import names, runs
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.data import datasets


def main():
    """Train, test, write."""
    parser = commands.parser("train_beras", __doc__)
    parser.add_argument("--data", type=Path, required=True, help="a data set as fetch_data writes it (.npz)")
    parser.add_argument("--out", type=commands.new_folder, required=True, help="folder of the results")
    parser.add_argument("--variant", required=True, help=f"one of {', '.join(names.known())}")
    flags.add(parser, config.Beras, "epochs", "batch_size")
    parser.add_argument(
        "--seed", type=commands.whole(0), default=0, help="of the initial weights and of dropout (default: %(default)s)"
    )
    arguments = parser.parse_args()

    record = flags.read(arguments, config.Beras, seeds=[arguments.seed])
    data = datasets.load(arguments.data)
    with locks.alone(arguments.out.with_name(f".{arguments.out.name}.lock")):
        run = runs.train(arguments.variant, data, record.epochs, record.batch_size, arguments.seed)
        runs.write(run, arguments.out)


if __name__ == "__main__":
    commands.run(main)
