"""Export cells as experiment folders of the course's framework: result_outputs/summary.csv and test_summary.csv.

    python -m workflow_scripts.export_course --cell results/cw2/<cell> --out VGG_38_experiment
    printf '%s\\n' results/cw2/*/ | python -m workflow_scripts.export_course --out results/cw2/course

With --cell, --out is that cell's experiment folder. Without it, the cells' folders are read from standard input, and
each becomes a folder of the same name in --out.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.course import folders
from workflow_scripts.engine.runs import manifests


def main():
    """Export one cell or many."""
    parser = commands.parser("export_course", __doc__)
    parser.add_argument("--cell", type=Path, help="folder of the cell (default: folders on standard input)")
    parser.add_argument("--out", type=Path, required=True, help="experiment folder, or folder of experiment folders")
    parser.add_argument("--gradient-flow", action="store_true", help=folders.GRADIENT_FLOW)
    arguments = parser.parse_args()
    if arguments.cell:
        places = {arguments.cell: arguments.out}
    else:
        places = {cell: arguments.out / cell.name for cell in manifests.folders_from_stdin()}
    for cell, out in places.items():
        folders.export(cell, out, arguments.gradient_flow)


if __name__ == "__main__":
    commands.run(main)
