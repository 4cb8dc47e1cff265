"""Make the table of all remedies: accuracy, convergence, cost, and which differences the seeds can show.

    python -m workflow_scripts.make_remedies_table --summary results/remedies/summary \\
        --out results/remedies/tables/remedies_statistics.csv \\
        --study '{"base": {"model": "vgg38", "seed": [0, 1, 2]}, "ablations": {"blocks": {"block": ["rc", "bn_rc"]}}}'

The CSV file has all numbers unrounded, with the intervals and the corrected p-values; .tex, .txt and .html are written
beside it.
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.ablation import ablations, remedies
from workflow_scripts.engine.tables import selections


def main():
    """Read the summary, compare, write the table."""
    parser = selections.parser("make_remedies_table", __doc__, "the table: a .csv; .tex, .txt and .html come beside it")
    selections.add_study(parser)
    arguments = parser.parse_args()
    found = ablations.load(arguments.summary)
    remedies.write(arguments.out, remedies.compared(found, ablations.rows(found, arguments.study)))


if __name__ == "__main__":
    commands.run(main)
