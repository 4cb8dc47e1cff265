"""Draw a study's ablations: a figure for every factor, all in one run.

    python -m workflow_scripts.plot_ablations --summary results/net/summary --out results/net/ablations \\
        --study '{"base": {"model": "vgg08", "seed": [0, 1]}, "ablations": {"width": {"width": [0.5, 1, 2]}}}'

Writes <factor>.pdf: a dot for the best validation accuracy of each seed, mean and deviation over the seeds, and the
learning curves of the levels in the same colours. <factor>-drawn.csv beside it holds its data.
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.ablation import ablation_figure, ablations
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.tables import selections


def main():
    """Read the summary, draw a figure per factor."""
    parser = selections.parser("plot_ablations", __doc__, "folder of the figures")
    selections.add_study(parser)
    arguments = parser.parse_args()
    found = ablations.load(arguments.summary)
    for factor, levels in ablations.rows(found, arguments.study).groupby("factor", sort=False):
        table = ablation_figure.drawn(found, levels)
        figure = ablation_figure.draw(table, levels, found.cells["block"])
        out = arguments.out / f"{factor}.pdf"
        style.save(figure, out, table, out.with_name(f"{factor}-drawn.csv"))


if __name__ == "__main__":
    commands.run(main)
