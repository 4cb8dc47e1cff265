"""Make the table of all remedies: accuracy, convergence, cost, and which differences the seeds can tell.

    python -m workflow_scripts.make_remedies_table --summary results/remedies/summary --against block=bn_rc \\
        --out results/remedies/tables/remedies_statistics.csv \\
        --study '{"base": {"model": "vgg38", "seed": [0, 1, 2]}, "ablations": {"blocks": {"block": ["rc", "bn_rc"]}}}'

The CSV file has all numbers unrounded, with the intervals and the corrected p-values; .tex, .txt and .html come
beside it.
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.ablation import ablations, remedies
from workflow_scripts.engine.tables import selections


def main():
    """Read the summary, compare, write the table."""
    parser = selections.parser("make_remedies_table", __doc__, "the table: a .csv; .tex, .txt and .html come beside it")
    selections.add_study(parser)
    parser.add_argument("--against", nargs="+", metavar="KEY=VALUE", help="a second reference, beside the base")
    arguments = parser.parse_args()
    found = ablations.load(arguments.summary)
    against = selections.parse(arguments.against, "--against") if arguments.against else None
    rows = remedies.compared(found, ablations.rows(found, arguments.study), against)
    remedies.write(arguments.out, rows, against)


if __name__ == "__main__":
    commands.run(main)
