"""Write the LaTeX of a report on coursework 2: the templates filled in from the study cw2, with all that it includes.

    python -m workflow_scripts.fill_report --summary results/cw2/summary --figures results/cw2/figures \\
        --table results/cw2/tables/table1.tex --shallow model=vgg08 block=plain --deep model=vgg38 block=plain \\
        --template report/mlp-cw2-template.tex.j2 --answers report/mlp-cw2-questions.tex.j2 \\
        --out results/report/mlp-cw2

The 2020/21 form is also about a study of remedies and a search (`--remedies`, `--search`); without one of them, it
says that this is not part of the run. The folder is complete: it can be compiled by `compile_report`, or be uploaded
to any LaTeX service.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.reports import findings, findings_2020
from workflow_scripts.engine.tables import selections, summary
from workflow_scripts.engine.text import typesetting

# flag of a study beside cw2: (what its folder is, the name of its facts, the function that finds them, tables shown)
BESIDE = {
    "remedies": ("the study of all remedies", "all_remedies", findings_2020.of_remedies, ["remedies_statistics.tex"]),
    "search": ("the search", "search", findings_2020.of_search, []),
}


def parser():
    """The arguments."""
    parser = selections.parser("fill_report", __doc__, "folder to write")
    network = {"nargs": "*", "metavar": "KEY=VALUE", "required": True}
    parser.add_argument("--shallow", **network, help="the network that trains, by values of its record")
    parser.add_argument("--deep", **network, help="the deeper one, which does not")
    parser.add_argument("--figures", type=Path, required=True, help="folder of the study's figures")
    parser.add_argument("--table", type=Path, required=True, help="the table of its results, in LaTeX")
    typesetting.add_flags(parser)
    parser.add_argument("--answers", type=Path, required=True, help="the author's part, <name>.tex.j2")
    for name, (said, *_) in BESIDE.items():
        parser.add_argument(f"--{name}", type=Path, help=f"folder of {said}")
        selections.add_study(parser, f"--{name}-study", required=False)
    return parser


def main():
    """Read the arguments and write the folder."""
    arguments = parser().parse_args()
    for flag in BESIDE:
        if getattr(arguments, flag) and not getattr(arguments, f"{flag}_study"):
            raise commands.UserError(f"--{flag}: expected --{flag}-study as well, its design, found none")
    shallow, deep = (selections.parse(getattr(arguments, name), f"--{name}") for name in ("shallow", "deep"))
    facts = findings.context(summary.load(arguments.summary), shallow, deep)
    figures, tables = [arguments.figures], [arguments.table]
    for flag, (_, name, facts_of, shown) in BESIDE.items():
        folder, study = getattr(arguments, flag), getattr(arguments, f"{flag}_study")
        facts[name] = None
        if folder:
            facts[name] = facts_of(folder, study)
            figures.append(folder / "figures")
            tables += [folder / "tables" / table for table in shown]
    typesetting.fill(arguments, [arguments.template, arguments.answers], facts, figures)
    typesetting.copy(tables, arguments.out)


if __name__ == "__main__":
    commands.run(main)
