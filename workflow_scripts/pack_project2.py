"""Pack the hand-in of Project 2: the report, the code that ran, the numbers, and the weights of the chosen network.

    python -m workflow_scripts.pack_project2 --report report/project2.pdf --chosen results/cifar_net/chosen.json \\
        --csv results/cifar_net/tables/table1.csv --config '{...}' --out submission/project2.zip

The same files give the same bytes.
"""

from pathlib import Path

from workflow_scripts.engine import commands, whole_files
from workflow_scripts.engine.course import program, project2_submission


def main():
    """Read the parts, write the zip."""
    parser = commands.parser("pack_project2", __doc__)
    program.add_flags(parser)
    parser.add_argument("--chosen", type=Path, required=True, help="chosen.json, in the folder of its study")
    arguments = parser.parse_args()
    content = project2_submission.packed(arguments.report, arguments.chosen, arguments.csv, arguments.config)
    whole_files.write(arguments.out, content)


if __name__ == "__main__":
    commands.run(main)
