"""Gather the cells of a study into the tidy tables that figures, tables and reports are made from.

    printf '%s\\n' results/cw2/*/ | python -m workflow_scripts.summarise --out results/cw2/summary

The folders of the cells are read from standard input, because ten thousand of them fit on no command line.
"""

from pathlib import Path

from workflow_scripts.engine import commands, tables


def main():
    """Read the cells' folders from standard input, one per line, and write the tables."""
    parser = commands.parser("summarise", __doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the tables")
    arguments = parser.parse_args()
    tables.gather(commands.folders_from_stdin(), arguments.out)


if __name__ == "__main__":
    commands.run(main)
