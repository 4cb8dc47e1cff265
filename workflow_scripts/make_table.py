"""Make Table 1: every network and setting of a study with its losses and accuracies.

    python -m workflow_scripts.make_table --summary results/cw2/summary --out results/cw2/tables/table1.csv

Beside the CSV file, which has all numbers unrounded, the table is written as LaTeX (.tex), as plain text (.txt) and as
a page for a browser (.html).
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.course import external
from workflow_scripts.engine.tables import machines, result_table, selections, summary
from workflow_scripts.engine.text import text_tables


def main():
    """Read the summary, write the table in all its formats."""
    parser = selections.parser("make_table", __doc__, "the table: a .csv; .tex, .txt and .html are written beside it")
    arguments = parser.parse_args()
    cells = summary.load(arguments.summary).cells
    rows = summary.over_seeds(cells)
    rows = external.joined(rows, external.rows(external.load(arguments.summary), after=len(rows)))
    text_tables.write(
        arguments.out,
        numbers=result_table.numbers(rows),
        shown=result_table.starred(rows),
        lines=result_table.lines(rows),
        note=result_table.note(rows, machines.remark(cells)),
        tex=result_table.tabular(rows),
    )


if __name__ == "__main__":
    commands.run(main)
