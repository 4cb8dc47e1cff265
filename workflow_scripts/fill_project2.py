"""Write the LaTeX of the report of Project 2: the template filled in from its two studies, with all that it includes.

    python -m workflow_scripts.fill_project2 --net results/cifar_net --net-study JSON \\
        --landscape results/bn_landscape --landscape-study JSON --template report/project2.tex.j2 \\
        --out results/report/project2

The folder is complete: it can be compiled by `compile_report`, or be uploaded to any LaTeX service.
"""

import json
from pathlib import Path

from workflow_scripts.engine import commands, config, project2_findings, typesetting
from workflow_scripts.engine.studies import Study
from workflow_scripts.engine.typesetting import copy, fill


def main():
    """Read the arguments and write the folder."""
    parser = commands.parser("fill_project2", __doc__)
    for name, said in (("net", "the network and its ablations"), ("landscape", "the loss landscape")):
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"folder of the study of {said}")
        parser.add_argument(f"--{name}-study", required=True, metavar="JSON", help="its section of the configuration")
    parser.add_argument("--template", type=Path, required=True, help="the report, <name>.tex.j2")
    typesetting.add_flags(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    arguments = parser.parse_args()

    net, landscape, out = arguments.net, arguments.landscape, arguments.out
    designs = {"--net-study": arguments.net_study, "--landscape-study": arguments.landscape_study}
    studies = [config.parse(Study, json.loads(text), flag) for flag, text in designs.items()]
    facts = project2_findings.context(net, studies[0], landscape, studies[1])
    fill([arguments.template], facts | {"student_number": arguments.student_number}, out)
    copy([*typesetting.shared(arguments), landscape / "tables/landscape_table.tex"], out)
    for folder in (net, landscape):
        copy(sorted((folder / "figures").glob("*.pdf")), out / "figures")
    names = [factor.name for factor in facts["factors"]]
    copy([net / f"ablations/{name}.tex" for name in names], out / "ablations")
    copy([net / f"ablations/{name}.pdf" for name in names], out / "figures/ablations")


if __name__ == "__main__":
    commands.run(main)
