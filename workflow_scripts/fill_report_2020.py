"""Write the LaTeX of the 2020/21 form of the report: over the results of cw2, of all remedies and of the search.

    python -m workflow_scripts.fill_report_2020 --summary results/cw2/summary --figures results/cw2/figures \\
        --table results/cw2/tables/table1.tex --shallow model=vgg08 block=plain --deep model=vgg38 block=plain \\
        --template report/mlp-cw2-2020.tex.j2 --answers report/mlp-cw2-2020-answers.tex.j2 \\
        --remedies results/remedies --study '{"ablations": {"blocks": {"block": ["rc", "bn_rc"]}}}' \\
        --search results/search --out results/report/mlp-cw2-2020

Without --remedies or --search the report says that they are no part of the run. The folder can be compiled by
`compile_report`.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.reports import findings, findings_2020
from workflow_scripts.engine.tables import selections, summary
from workflow_scripts.engine.text import typesetting


def parser():
    """The arguments."""
    parser = selections.parser("fill_report_2020", __doc__, "folder to write")
    typesetting.add_compared(parser)
    typesetting.add_flags(parser)
    parser.add_argument("--answers", type=Path, required=True, help="the author's part, mlp-cw2-2020-answers.tex.j2")
    parser.add_argument("--remedies", type=Path, help="folder of the study of all remedies")
    selections.add_study(parser, required=False)
    parser.add_argument("--search", type=Path, help="folder of the search")
    return parser


def main():
    """Read the arguments and write the folder."""
    arguments = parser().parse_args()
    if arguments.remedies and not arguments.study:
        raise commands.UserError("--remedies: expected --study as well, the design of the study, found none")
    shallow, deep = (
        selections.parse(arguments.shallow, "--shallow"),
        selections.parse(arguments.deep, "--deep"),
    )
    facts = findings.context(summary.load(arguments.summary), shallow, deep) | {"all_remedies": None, "search": None}
    figures, tables = [arguments.figures], [arguments.table]
    if arguments.remedies:
        facts["all_remedies"] = findings_2020.of_remedies(arguments.remedies, arguments.study)
        figures.append(arguments.remedies / "figures")
        tables.append(arguments.remedies / "tables/remedies_statistics.tex")
    if arguments.search:
        facts["search"] = findings_2020.of_search(arguments.search)
        figures.append(arguments.search / "figures")
    typesetting.fill(arguments, [arguments.template, arguments.answers], facts, figures)
    typesetting.copy(tables, arguments.out)


if __name__ == "__main__":
    commands.run(main)
