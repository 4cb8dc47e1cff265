"""Draw learning curves: loss and accuracy, training and validation, over the epochs.

    python -m workflow_scripts.plot_curves --summary results/cw2/summary --out results/cw2/figures/curves_problem.pdf \\
        --select model=vgg08 block=plain lr=0.001 --select model=vgg38 block=plain lr=0.001

Lines are means over the seeds, with a band of one standard deviation. A CSV file beside the figure holds its data.
"""

from workflow_scripts.engine import commands, curves, selections, style, summary


def main():
    """Choose the rows, draw them."""
    parser = selections.parser("plot_curves", __doc__, "the figure: a .pdf, .svg or .png")
    selections.add_select(parser, action="append", default=[])
    selections.add_best(parser)
    arguments = parser.parse_args()
    study = summary.load(arguments.summary)
    rows = selections.chosen(summary.over_seeds(study.cells), arguments.select, arguments.best)
    table = curves.learning_curves(study, rows)
    style.save(curves.draw(table, rows), arguments.out, table)


if __name__ == "__main__":
    commands.run(main)
