"""Write the LaTeX of the report of Beras: the template filled in from the study's results, with all that it includes.

    python -m workflow_scripts.fill_beras_report --results results/beras --template report/beras-template.tex.j2 \\
        --out results/report/beras

The folder is complete: it can be compiled by `compile_report`, or be uploaded to any LaTeX service.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.beras import findings
from workflow_scripts.engine.text import typesetting


def main():
    """Read the arguments and write the folder."""
    parser = commands.parser("fill_beras_report", __doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder of the study")
    typesetting.add_flags(parser, "author")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    arguments = parser.parse_args()

    facts = findings.context(arguments.results)
    typesetting.fill(arguments, [arguments.template], facts, [arguments.results / "figures"])


if __name__ == "__main__":
    commands.run(main)
