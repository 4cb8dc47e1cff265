"""Show one run in the terminal: its record, its outcome, sparklines of its curves and of its gradients by depth.

    python -m workflow_scripts.show results/cw2/<cell>

The output is as wide as the terminal.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.insight import show


def main():
    """Print the summary of a cell."""
    parser = commands.parser("show", __doc__)
    parser.add_argument("cell", type=Path, help="folder of the cell, or a file in it")
    cell = parser.parse_args().cell
    print(show.text(cell.parent if cell.is_file() else cell), end="")


if __name__ == "__main__":
    commands.run(main)
