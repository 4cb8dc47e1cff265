"""Draw the loss surfaces of a study's networks, as `measure_surface` measured them.

    python -m workflow_scripts.plot_surfaces --figure surface_contours --summary results/bn_landscape/summary \\
        --surfaces results/bn_landscape/surfaces/*.csv --out results/bn_landscape/figures/surface_contours.pdf

A CSV file beside the figure holds its data.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.landscape import surface_figures
from workflow_scripts.engine.tables import selections


def main():
    """Draw, write."""
    parser = selections.figure_parser("plot_surfaces", __doc__)
    parser.add_argument("--figure", choices=surface_figures.FIGURES, required=True, help="which one")
    parser.add_argument("--surfaces", type=Path, nargs="+", required=True, help="a CSV file per cell, named as it")
    arguments = parser.parse_args()
    figure, table = surface_figures.FIGURES[arguments.figure](
        surface_figures.load(arguments.summary, arguments.surfaces)
    )
    style.save(figure, arguments.out, table)


if __name__ == "__main__":
    commands.run(main)
