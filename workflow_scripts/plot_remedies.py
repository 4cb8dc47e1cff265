"""Draw the gradient flow of all remedies of a study in one figure: at initialisation and in the last epoch.

    python -m workflow_scripts.plot_remedies --summary results/remedies/summary \\
        --out results/remedies/figures/remedies.pdf \\
        --study '{"base": {"model": "vgg38", "seed": [0, 1, 2]}, "ablations": {"blocks": {"block": ["rc", "bn_rc"]}}}'

The remedies are the levels of the study's ablations; each factor has its own pair of panels, which also show the base.
A CSV file beside the figure holds its data.
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.ablation import ablations, remedies_figure
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.tables import selections


def main():
    """Read the summary, draw the factors."""
    parser = selections.figure_parser("plot_remedies", __doc__)
    selections.add_study(parser)
    arguments = parser.parse_args()
    found = ablations.load(arguments.summary)
    table = remedies_figure.flows(found, ablations.rows(found, arguments.study))
    style.save(remedies_figure.draw(table, found.cells["block"]), arguments.out, table)


if __name__ == "__main__":
    commands.run(main)
