"""Draw sample images of every class, with the shape, type, range and layout of the arrays that hold them.

    python -m workflow_scripts.plot_samples --data results/data/cifar10.npz --out results/cifar_net/figures/samples.pdf

The images are the first of each class. A CSV file beside the figure says which they are.
"""

import dataclasses
from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.configuration import flags
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.data import datasets, titles
from workflow_scripts.engine.figures import samples, style


def main():
    """Load the data set, draw some of it."""
    parser = commands.parser("plot_samples", __doc__)
    parser.add_argument("--data", type=Path, required=True, help="a data set as fetch_data writes it (.npz)")
    commands.add_figure(parser)
    flags.add(parser, Cell, "normalize", "batch_size")
    titles.add_titles(parser)
    arguments = parser.parse_args()
    cell = flags.read(arguments, Cell)
    data = datasets.load(arguments.data)
    data = dataclasses.replace(data, meta=titles.titled(data.meta, arguments.titles))
    table = samples.chosen(data)
    lines = samples.facts(data, cell.normalize, cell.batch_size)
    style.save(samples.draw(data, table, lines), arguments.out, table)


if __name__ == "__main__":
    commands.run(main)
