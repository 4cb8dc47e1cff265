"""Draw gradients as layers x epochs, a panel for each block that a network was trained with.

    python -m workflow_scripts.plot_gradient_heatmap --summary results/cw2/summary \\
        --out results/cw2/figures/gradient_heatmap.pdf --select model=vgg38 lr=0.001

Values are geometric means over the seeds. A block that was not trained at the selected learning rate is shown at its
best one. A CSV file beside the figure holds its data.
"""

import pandas as pd

from workflow_scripts.engine import commands
from workflow_scripts.engine.figures import grad_flow, style
from workflow_scripts.engine.tables import names, selections, summary


def rows_by_block(rows, record):
    """One row of `over_seeds` per block, in their order: what `record` selects, or else the best if `lr` is ignored."""
    rest = {key: value for key, value in record.items() if key != "lr"}
    for block, candidates in summary.fitting(rows, rest, "--select").groupby("block", sort=False):
        exact = summary.select(candidates, record)
        if exact.empty and (candidates["diverged"] < candidates["seeds"]).any():
            yield summary.best(candidates)
        else:
            yield summary.pick(candidates if exact.empty else exact, {}, f"--select, for block {block}")


def main():
    """Choose the rows, draw them."""
    parser = selections.figure_parser("plot_gradient_heatmap", __doc__)
    selections.add_select(parser, required=True)
    arguments = parser.parse_args()
    study = summary.load(arguments.summary)
    everything = summary.over_seeds(study.cells)
    rows = list(rows_by_block(everything, selections.parse(arguments.select)))
    tables = [summary.gradients_of(study, row) for row in rows]
    titles = [names.title(row, everything) for row in rows]
    of_block = style.colours(everything["block"])
    colours = [of_block[row["block"]] for row in rows]
    data = pd.concat([table.assign(block=row["block"], lr=row["lr"]) for table, row in zip(tables, rows, strict=True)])
    style.save(grad_flow.draw_heatmap(tables, titles, colours), arguments.out, data)


if __name__ == "__main__":
    commands.run(main)
