"""Gather what was measured while a study's cells trained into the tables that figures are made from.

    printf '%s\\n' results/bn_landscape/*-seed0 | python -m workflow_scripts.summarise_landscape \\
        --out results/bn_landscape/summary

The folders of the cells are read from standard input. `landscape_steps.csv`, `lags.csv`, `walks.csv` and `shifts.csv`
are written beside the tables of `summarise`.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.landscape import tables
from workflow_scripts.engine.runs import manifests


def main():
    """Read the cells' folders from standard input, one per line, and write the tables."""
    parser = commands.parser("summarise_landscape", __doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the tables")
    arguments = parser.parse_args()
    tables.gather(manifests.folders_from_stdin(), arguments.out)


if __name__ == "__main__":
    commands.run(main)
