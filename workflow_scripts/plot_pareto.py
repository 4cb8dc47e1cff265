"""Draw validation accuracy against the number of parameters and against the training time, with the Pareto fronts.

    python -m workflow_scripts.plot_pareto --summary results/cifar_net/summary \\
        --out results/cifar_net/figures/pareto.pdf \\
        --study '{"base": {"model": "vgg08", "seed": [0, 1]}, "ablations": {"width": {"width": [0.5, 1, 2]}}}'

A point is the mean over the seeds of a network and setting, in the colour of its factor. A CSV file beside the figure
holds its data.
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.ablation import ablations, pareto
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.tables import selections


def main():
    """Read the summary, draw its points."""
    parser = selections.figure_parser("plot_pareto", __doc__)
    selections.add_study(parser)
    arguments = parser.parse_args()
    found = ablations.load(arguments.summary)
    table = pareto.points(found, arguments.study)
    style.save(pareto.draw(table, found.cells["block"]), arguments.out, table)


if __name__ == "__main__":
    commands.run(main)
