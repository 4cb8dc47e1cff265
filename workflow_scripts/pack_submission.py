"""Pack the hand-in of coursework 2: the report, the code that ran and the numbers, but no weights or logs.

    python -m workflow_scripts.pack_submission --number s1234567 --report report/mlp-cw2.pdf --results results/cw2 \\
        --csv results/cw2/course results/cw2/tables/table1.csv --config '{...}' --out submission/s1234567.zip

The same files give the same bytes.
"""

from pathlib import Path

from workflow_scripts.engine import commands, whole_files
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.course import program, submission


def main():
    """Read the parts, write the zip."""
    parser = commands.parser("pack_submission", __doc__)
    parser.add_argument("--number", required=True, help="the student number: an s and seven digits")
    program.add_flags(parser)
    parser.add_argument("--results", type=Path, required=True, help="folder of the study, which has all of --csv")
    arguments = parser.parse_args()
    number = config.parse(config.Report, {"student_number": arguments.number}, "--number").student_number
    content = submission.packed(number, arguments.report, arguments.results, arguments.csv, arguments.config)
    whole_files.write(arguments.out, content)


if __name__ == "__main__":
    commands.run(main)
