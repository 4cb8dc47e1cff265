"""Write the LaTeX of a report: the templates filled in from a study's summary, with all that compiling it needs.

    python -m workflow_scripts.fill_report --summary results/cw2/summary --figures results/cw2/figures \\
        --table results/cw2/tables/table1.tex --shallow model=vgg08 block=plain --deep model=vgg38 block=plain \\
        --template report/mlp-cw2-template.tex.j2 --questions report/mlp-cw2-questions.tex.j2 \\
        --out results/report/mlp-cw2

The folder is complete: it can be compiled by `compile_report`, or be uploaded to any LaTeX service.
"""

from pathlib import Path

from workflow_scripts.engine import commands, findings, selections, summary, typesetting
from workflow_scripts.engine.typesetting import copy, fill


def main():
    """Read the arguments and write the folder."""
    parser = selections.parser("fill_report", __doc__, "folder to write")
    network = {"nargs": "*", "metavar": "KEY=VALUE", "required": True}
    parser.add_argument("--shallow", **network, help="the network that trains, by values of its record")
    parser.add_argument("--deep", **network, help="the deeper one that does not")
    parser.add_argument("--figures", type=Path, required=True, help="folder of the figures' PDFs")
    parser.add_argument("--table", type=Path, required=True, help="the table of all results, in LaTeX")
    parser.add_argument("--template", type=Path, required=True, help="the fixed part, <name>-template.tex.j2")
    parser.add_argument("--questions", type=Path, required=True, help="the answers, <name>-questions.tex.j2")
    typesetting.add_flags(parser)
    arguments = parser.parse_args()

    facts = findings.context(
        summary.load(arguments.summary),
        selections.parse(arguments.shallow),
        selections.parse(arguments.deep),
        arguments.student_number,
    )
    fill([arguments.template, arguments.questions], facts, arguments.out, [arguments.figures])
    copy([arguments.table, *typesetting.shared(arguments)], arguments.out)


if __name__ == "__main__":
    commands.run(main)
