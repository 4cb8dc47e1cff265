"""Gather the cells of a study into the tidy tables that figures, tables and reports are made from.

    printf '%s\\n' results/cw2/*/ | python -m workflow_scripts.summarise --out results/cw2/summary

The folders of the cells are read from standard input, because ten thousand of them fit on no command line.
"""

import argparse
import sys
from pathlib import Path

from workflow_scripts.engine import commands, tables


def main():
    """Read the cells' folders from standard input, one per line, and write the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m workflow_scripts.summarise",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the tables")
    arguments = parser.parse_args()
    folders = [Path(line.strip()) for line in sys.stdin if line.strip()]
    if not folders:
        raise commands.UserError("no cells were named on standard input: expected a folder per line")
    tables.gather(folders, arguments.out)


if __name__ == "__main__":
    commands.run(main)
