"""Which rows of a study a figure shows: the flags of the figures' commands, with types from the cell's record."""

from pathlib import Path

import pandas as pd

from workflow_scripts.engine import commands
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.record import Selection
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.tables import reading
from workflow_scripts.engine.tables.summary import best, pick


def parser(command, description, out):
    """An argument parser with the flags of every command that reads a summary; `out` is the help text of --out."""
    parser = _parser(command, description)
    parser.add_argument("--out", type=Path, required=True, help=out)
    return parser


def figure_parser(command, description):
    """The same for a command that draws a figure."""
    parser = _parser(command, description)
    commands.add_figure(parser)
    return parser


def _parser(command, description):
    parser = commands.parser(command, description)
    parser.add_argument(
        "--summary", type=Path, required=True, help="folder of a study's tidy tables: results/<study>/summary"
    )
    return parser


def add_select(parser, **options):
    """Add `--select KEY=VALUE ...` to a parser or a group of it; `options` as for its `add_argument`."""
    parser.add_argument(
        "--select",
        nargs="*",
        metavar="KEY=VALUE",
        help="the cells whose record has these values (none: all cells), over all seeds; where they differ in other "
        "keys, those with most of them at their defaults",
        **options,
    )


def add_study(parser, flag="--study", required=True):
    """Add `--study JSON`, the design of the study, or the same under another flag; parsed to a `studies.Study`."""

    def study(text):
        return config.parse(Study, commands.json_value(text), flag)

    parser.add_argument(
        flag, type=study, required=required, metavar="JSON", help="the study's section of the configuration"
    )


def add_best(parser):
    """Add `--best`."""
    parser.add_argument("--best", action="store_true", help="the cells with the best mean validation accuracy")


def add_chosen(parser):
    """Add `--chosen FILE`."""
    parser.add_argument(
        "--chosen", type=Path, metavar="FILE", help="instead: the network that a study chose, by its chosen.json"
    )


def of_cells(rows, path):
    """The rows of `over_seeds` that the chosen.json at `path` is about; raises UserError where there are none."""
    names = reading.facts(path, "choose").get("cells")
    found = rows[[group == names for group in rows["finished"]]]
    if found.empty:
        raise UserError(f"{path}: expected cells of the summary, found {names}; run choose again")
    return found


def chosen(rows, selections, with_best):
    """The rows of `over_seeds` that lists of `KEY=VALUE` words select, then the best if asked for; each row once.

    The column `best` marks that row. It is the best of the study, whatever else is selected, as in the report's text.
    Raises UserError where nothing is asked for, or nothing fits.
    """
    found = [pick(rows, parse(words), f"--select {' '.join(words)}") for words in selections]
    if with_best:
        found.append(best(rows))
    if not found:
        raise UserError("expected --select or --best, to know what to draw")
    table = pd.DataFrame(found).drop_duplicates("group")
    return table.assign(best=(table["group"] == found[-1]["group"]) & with_best)


def parse(words, flag="--select"):
    """{key: value} from words like `lr=1e-3` after a flag, each value of its key's type; `null` stands for None.

    Raises UserError for a word of another form, an unknown key or a value that its key does not take.

    >>> parse(["model=vgg38", "lr=1e-3"])
    {'model': 'vgg38', 'lr': 0.001}
    """
    given = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals):
            raise UserError(f"{flag}: expected KEY=VALUE, for example lr=0.001, but found {word!r}")
        given[key] = None if value == "null" else value
    return config.parse(Selection, given, f"{flag} {' '.join(words)}").model_dump(exclude_unset=True)
