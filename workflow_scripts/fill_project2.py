"""Write the LaTeX of the report of Project 2: the template filled in from its two studies, with all that it includes.

    python -m workflow_scripts.fill_project2 --net results/cifar_net --net-study JSON \\
        --landscape results/bn_landscape --landscape-study JSON --template report/project2.tex.j2 \\
        --out results/report/project2

The folder is complete: it can be compiled by `compile_report`, or be uploaded to any LaTeX service.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.reports import project2_findings
from workflow_scripts.engine.tables import selections
from workflow_scripts.engine.text import typesetting


def main():
    """Read the arguments and write the folder."""
    parser = commands.parser("fill_project2", __doc__)
    for name, said in (("net", "the network and its ablations"), ("landscape", "the loss landscape")):
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"folder of the study of {said}")
        selections.add_study(parser, f"--{name}-study")
    typesetting.add_flags(parser, "author", "code_url", "data_url", "weights_url")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    arguments = parser.parse_args()

    net, landscape, out = arguments.net, arguments.landscape, arguments.out
    facts = project2_findings.context(net, arguments.net_study, landscape, arguments.landscape_study)
    # both studies may have surfaces; those of net, as its ablations, are called by their folder
    figures = [landscape / "figures", net / "figures", net, net.parent]
    typesetting.fill(arguments, [arguments.template], facts, figures)
    typesetting.copy([landscape / "tables/landscape_table.tex"], out)
    typesetting.copy([net / f"ablations/{factor.name}.tex" for factor in facts["factors"]], out / "ablations")


if __name__ == "__main__":
    commands.run(main)
