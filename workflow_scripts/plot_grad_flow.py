"""Draw the gradient flow of one network: mean |gradient| of each layer's weights, a line for each epoch.

    python -m workflow_scripts.plot_grad_flow --summary results/cw2/summary \\
        --out results/cw2/figures/grad_flow_deep.pdf --select model=vgg38 block=plain lr=0.001

Lines are geometric means over the seeds. A CSV file beside the figure holds its data.
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.figures import grad_flow, style
from workflow_scripts.engine.tables import names, selections, summary


def main():
    """Choose the row, draw it."""
    parser = selections.figure_parser("plot_grad_flow", __doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    selections.add_select(which)
    selections.add_best(which)
    arguments = parser.parse_args()
    study = summary.load(arguments.summary)
    selected = [] if arguments.best else [arguments.select]
    rows = summary.over_seeds(study.cells)
    row = selections.chosen(rows, selected, arguments.best).iloc[0]
    table = summary.gradients_of(study, row)
    style.save(grad_flow.draw_epochs(table, names.title(row, rows)), arguments.out, table)


if __name__ == "__main__":
    commands.run(main)
