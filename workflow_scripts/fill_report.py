"""Write the LaTeX of a report: the templates filled in from a study's summary, with all that compiling it needs.

    python -m workflow_scripts.fill_report --summary results/cw2/summary --figures results/cw2/figures \\
        --table results/cw2/tables/table1.tex --shallow model=vgg08 block=plain --deep model=vgg38 block=plain \\
        --template report/mlp-cw2-template.tex.j2 --questions report/mlp-cw2-questions.tex.j2 \\
        --out results/report/mlp-cw2

The folder is complete: it can be compiled by `compile_report`, or be uploaded to any LaTeX service.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.reports import findings
from workflow_scripts.engine.tables import selections, summary
from workflow_scripts.engine.text import typesetting


def main():
    """Read the arguments and write the folder."""
    parser = selections.parser("fill_report", __doc__, "folder to write")
    typesetting.add_compared(parser)
    typesetting.add_flags(parser)
    parser.add_argument("--questions", type=Path, required=True, help="the answers, <name>-questions.tex.j2")
    arguments = parser.parse_args()

    shallow, deep = (
        selections.parse(arguments.shallow, "--shallow"),
        selections.parse(arguments.deep, "--deep"),
    )
    facts = findings.context(summary.load(arguments.summary), shallow, deep)
    typesetting.fill(arguments, [arguments.template, arguments.questions], facts, [arguments.figures])
    typesetting.copy([arguments.table], arguments.out)


if __name__ == "__main__":
    commands.run(main)
