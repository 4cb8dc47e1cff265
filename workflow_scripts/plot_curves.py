"""Draw learning curves: loss and accuracy, training and validation, over the epochs.

    python -m workflow_scripts.plot_curves --summary results/cw2/summary --out results/cw2/figures/curves_problem.pdf \\
        --select model=vgg08 block=plain lr=0.001 --select model=vgg38 block=plain lr=0.001

Lines are means over the seeds, with a band of one standard deviation. `--chosen results/cifar_net/chosen.json` draws
the network that a study chose; `--external NAME` adds a run that was made with the course's framework. A CSV file
beside the figure holds its data.
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.course import external
from workflow_scripts.engine.figures import curves, style
from workflow_scripts.engine.tables import selections, summary


def main():
    """Choose the rows, draw them."""
    parser = selections.figure_parser("plot_curves", __doc__)
    selections.add_select(parser, action="append", default=[])
    selections.add_best(parser)
    selections.add_chosen(parser)
    parser.add_argument(
        "--external", action="append", default=[], metavar="NAME", help="a run of `external_runs`, beside the cells"
    )
    arguments = parser.parse_args()
    study, others = summary.load(arguments.summary), external.load(arguments.summary, arguments.external)
    rows = summary.over_seeds(study.cells)
    shown = external.rows(others, after=len(rows))
    if arguments.chosen:
        shown = selections.of_cells(rows, arguments.chosen)
    elif arguments.select or arguments.best or shown.empty:
        shown = external.joined(selections.chosen(rows, arguments.select, arguments.best), shown)
    table = curves.learning_curves(external.with_epochs(study, others), shown)
    style.save(curves.draw(table, shown, study.cells["block"]), arguments.out, table)


if __name__ == "__main__":
    commands.run(main)
