"""Gather the runs of the study of Beras into the tidy tables that its figures, table and report are made from.

    printf '%s\\n' results/beras/*-seed*/ | python -m workflow_scripts.summarise_beras --out results/beras/summary

runs.csv has a row per run, history.csv per run and epoch, losses.csv per run and group of consecutive steps.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.beras import summary
from workflow_scripts.engine.data import titles
from workflow_scripts.engine.runs import manifests


def main():
    """Read the runs' folders from standard input, one per line, and write the tables."""
    parser = commands.parser("summarise_beras", __doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the tables")
    titles.add_titles(parser)
    arguments = parser.parse_args()
    summary.gather(manifests.folders_from_stdin(), arguments.out, arguments.titles)


if __name__ == "__main__":
    commands.run(main)
