"""Draw one figure of what a trained network has learned.

    python -m workflow_scripts.plot_insight --figure confusion --insight results/cifar_net/insight \\
        --out results/cifar_net/figures/confusion.pdf

A CSV file beside the figure holds what it shows.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.insight import findings, insight_figures


def main():
    """Draw, write."""
    parser = commands.parser("plot_insight", __doc__)
    parser.add_argument("--figure", choices=insight_figures.FIGURES, required=True, help="which one")
    parser.add_argument("--insight", type=Path, required=True, help="folder that inspect_cell wrote")
    commands.add_figure(parser)
    arguments = parser.parse_args()
    figure, table = insight_figures.FIGURES[arguments.figure](findings.load(arguments.insight))
    style.save(figure, arguments.out, table)


if __name__ == "__main__":
    commands.run(main)
