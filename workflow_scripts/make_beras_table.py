"""Make the table of the study of Beras: every variant with its parameters, accuracies and time.

    python -m workflow_scripts.make_beras_table --summary results/beras/summary --out results/beras/tables/table1.csv

Beside the CSV file, which has every number unrounded, the table is written as plain text (.txt).
"""

from workflow_scripts.engine import commands, selections
from workflow_scripts.engine.beras import summary, tables


def main():
    """Read the summary, write the table twice."""
    parser = selections.parser("make_beras_table", __doc__, "the table: a .csv; .txt is written beside it")
    arguments = parser.parse_args()
    study = summary.load(arguments.summary)
    rows = summary.over_seeds(study.runs)
    with commands.written_whole(arguments.out) as path:
        rows.drop(columns="finished").to_csv(path, index=False, lineterminator="\n")
    with commands.written_whole(arguments.out.with_suffix(".txt")) as path:
        path.write_text(tables.plain_text(rows, study.dataset["title"]), encoding="utf-8")


if __name__ == "__main__":
    commands.run(main)
