"""Make the table of the study of Beras: every variant with its parameters, accuracies and time.

    python -m workflow_scripts.make_beras_table --summary results/beras/summary --out results/beras/tables/table1.csv

Beside the CSV file, which has all numbers unrounded, the table is written as plain text (.txt) and as a page (.html).
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.beras import summary, tables
from workflow_scripts.engine.tables import selections
from workflow_scripts.engine.text import text_tables


def main():
    """Read the summary, write the table in all its formats."""
    parser = selections.parser("make_beras_table", __doc__, "the table: a .csv; .txt and .html are written beside it")
    arguments = parser.parse_args()
    study = summary.load(arguments.summary)
    rows = summary.over_seeds(study.runs)
    shown = tables.formatted(rows).rename_axis("Model").reset_index()
    numbers, note = rows.drop(columns="finished"), tables.note(rows, study.dataset["title"])
    text_tables.write(arguments.out, numbers, shown, tables.lines(rows), note)


if __name__ == "__main__":
    commands.run(main)
