"""Gather the cells of a study into the tidy tables that figures, tables and reports are made from.

    printf '%s\\n' results/cw2/*/ | python -m workflow_scripts.summarise --out results/cw2/summary

cells.html has a row per cell, for people to read. The folders of the cells, files in them, or the manifests of bundles
are read from standard input, because ten thousand of them fit on no command line.
"""

from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.course import external
from workflow_scripts.engine.data import titles
from workflow_scripts.engine.runs import manifests
from workflow_scripts.engine.tables import cell_table, gathering, summary
from workflow_scripts.engine.text import html_tables


def main():
    """Read the cells' folders from standard input, one per line, and write the tables."""
    parser = commands.parser("summarise", __doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the tables")
    titles.add_titles(parser)
    parser.add_argument(
        "--external",
        type=commands.json_value,
        default={},
        metavar="JSON",
        help="runs made elsewhere that join them, as `external_runs` of the configuration",
    )
    arguments = parser.parse_args()
    runs = {
        name: config.parse(config.ExternalRun, run, f"--external {name}") for name, run in arguments.external.items()
    }
    gathering.gather(manifests.folders_from_stdin(), arguments.out, arguments.titles)
    external.write(external.collect(runs), arguments.out)
    cells = summary.load(arguments.out).cells  # warns if they were made on different machines
    html_tables.write(arguments.out / "cells.html", cell_table.formatted(cells))


if __name__ == "__main__":
    commands.run(main)
