"""Make Table 1: every network and setting of a study with its losses and accuracies.

    python -m workflow_scripts.make_table --summary results/cw2/summary --out results/cw2/tables/table1.csv

Beside the CSV file, which has every number unrounded, the table is written as LaTeX (.tex) and as plain text (.txt).
"""

from workflow_scripts.engine import commands, machines, result_table, selections, summary, text_tables
from workflow_scripts.engine.course import external


def main():
    """Read the summary, write the table three times."""
    parser = selections.parser("make_table", __doc__, "the table: a .csv; .tex and .txt are written beside it")
    arguments = parser.parse_args()
    cells = summary.load(arguments.summary).cells
    rows = summary.over_seeds(cells)
    rows = external.joined(rows, external.rows(external.load(arguments.summary), after=len(rows)))
    if arguments.out.suffix != ".csv":
        raise commands.UserError(f"--out {arguments.out}: expected a name that ends in .csv")
    text_tables.write(
        arguments.out,
        result_table.numbers(rows),
        result_table.tabular(rows),
        result_table.plain_text(rows, machines.remark(cells)),
    )


if __name__ == "__main__":
    commands.run(main)
