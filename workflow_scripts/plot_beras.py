"""Draw one figure of the study of Beras.

    python -m workflow_scripts.plot_beras --figure optimizers --results results/beras \\
        --out results/beras/figures/optimizers.pdf

A CSV file beside the figure holds what it shows.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.beras import figures
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.figures import style


def main():
    """Draw, write."""
    parser = commands.parser("plot_beras", __doc__)
    parser.add_argument("--figure", choices=figures.FIGURES, required=True, help="which one")
    parser.add_argument("--results", type=Path, required=True, help="folder of the study: summary, runs, measurements")
    parser.add_argument("--data", type=Path, help="the data set (.npz), of which `predictions` shows images")
    commands.add_figure(parser)
    arguments = parser.parse_args()
    if arguments.figure == "predictions" and not arguments.data:
        raise commands.UserError("--data: expected the data set whose images the figure shows, found nothing")
    data = datasets.load(arguments.data) if arguments.data else None
    figure, table = figures.FIGURES[arguments.figure](arguments.results, data)
    style.save(figure, arguments.out, table)


if __name__ == "__main__":
    commands.run(main)
