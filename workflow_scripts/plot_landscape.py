"""Draw one figure of a landscape study: what its cells measured during training.

    python -m workflow_scripts.plot_landscape --figure loss_envelope --summary results/bn_landscape/summary \\
        --study '{"landscape": {"rates": {"optimizer": "adam"}, "walk": {"optimizer": "sgd"}}, "grids": [...]}' \\
        --out results/bn_landscape/figures/loss_envelope.pdf

A CSV file beside the figure holds its data.
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.landscape import figures
from workflow_scripts.engine.tables import selections


def main():
    """Draw, write."""
    parser = selections.figure_parser("plot_landscape", __doc__)
    parser.add_argument("--figure", choices=figures.FIGURES, required=True, help="which one")
    selections.add_study(parser)
    arguments = parser.parse_args()
    figure, table = figures.FIGURES[arguments.figure](arguments.summary, arguments.study)
    style.save(figure, arguments.out, table)


if __name__ == "__main__":
    commands.run(main)
