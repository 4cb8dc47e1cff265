"""Make the table of a landscape study: both protocols' medians and quantiles over the steps, for every network.

    python -m workflow_scripts.make_landscape_table --summary results/bn_landscape/summary --study JSON \\
        --out results/bn_landscape/tables/landscape_table.csv

Beside the CSV file, which has all numbers unrounded, the table is written as LaTeX (.tex), as plain text (.txt) and as
a page for a browser (.html).
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.landscape import protocols, runs
from workflow_scripts.engine.tables import selections
from workflow_scripts.engine.text import text_tables


def main():
    """Read the tables, write the table in all its formats."""
    parser = selections.parser(
        "make_landscape_table", __doc__, "the table: a .csv; .tex, .txt and .html are written beside it"
    )
    selections.add_study(parser)
    arguments = parser.parse_args()
    landscape = runs.load(arguments.summary, arguments.study)
    table = protocols.quantiles(runs.per_step(landscape))
    numbers = table.assign(network=table["network"].map(landscape.networks["label"]))
    shown = protocols.formatted(table, landscape.networks)
    lines, tex = text_tables.plain(shown, protocols.WORDS), protocols.tabular(table, landscape.networks)
    text_tables.write(arguments.out, numbers, shown, lines, protocols.NOTE, tex)


if __name__ == "__main__":
    commands.run(main)
