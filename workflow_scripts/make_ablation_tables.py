"""Make the tables of a study's ablations: one for every factor, all in one run.

    python -m workflow_scripts.make_ablation_tables --summary results/net/summary --out results/net/ablations \\
        --study '{"base": {"model": "vgg08", "seed": [0, 1]}, "ablations": {"width": {"width": [0.5, 1, 2]}}}'

Writes <factor>.csv with all numbers unrounded, and the table as LaTeX (.tex), as plain text (.txt) and as a page for a
browser (.html).
"""

from workflow_scripts.engine import commands
from workflow_scripts.engine.ablation import ablation_table, ablations
from workflow_scripts.engine.tables import selections


def main():
    """Read the summary, write a table per factor."""
    parser = selections.parser("make_ablation_tables", __doc__, "folder of the tables")
    selections.add_study(parser)
    arguments = parser.parse_args()
    rows = ablations.rows(ablations.load(arguments.summary), arguments.study)
    for factor, levels in rows.groupby("factor", sort=False):
        ablation_table.write(arguments.out / f"{factor}.csv", levels)


if __name__ == "__main__":
    commands.run(main)
