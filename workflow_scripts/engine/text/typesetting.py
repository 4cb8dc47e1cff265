"""The folder that a report is typeset from: filled-in templates, and copies of all files that they include."""

import re
import shutil
from pathlib import Path

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.text import latex

SHOWN = re.compile(
    r"\\(?:gradfigure|gradfigurehere|includegraphics(?:\[[^\]]*\])?)\{(?:figures/)?([^}#]+?)(?:\.pdf)?\}"
)


def add_flags(parser, *keys):
    """Add the flags that all reports share, and one for each of these `keys` of `config.Report`."""
    parser.add_argument("--template", type=Path, required=True, help="the report, <name>.tex.j2, or its fixed part")
    parser.add_argument("--style", type=Path, help="the LaTeX style (default: gradscape.sty beside the template)")
    parser.add_argument("--references", type=Path, help="the bibliography (default: references.bib beside it)")
    flags.add(parser, config.Report, "student_number", *keys)


def shared(arguments):
    """[style, bibliography] that the flags of `add_flags` name."""
    beside = arguments.template.parent
    return [arguments.style or beside / "gradscape.sty", arguments.references or beside / "references.bib"]


def fill(arguments, templates, facts, figures):
    """Render each template `<name>.tex.j2` to `<name>.tex` in the folder `--out`, and copy what they include there too.

    `arguments` are those of a command with `add_flags` and `--out`. A figure `<name>` is the file `<name>.pdf` in the
    first of the folders `figures` that has it. Raises UserError for a figure that none of them has.
    """
    out, context = arguments.out, {**facts, **flags.read(arguments, config.Report).model_dump()}
    texts = {template.name.removesuffix(".j2"): latex.render(template, context) for template in templates}
    copy(shared(arguments), out)
    for name, text in texts.items():
        whole_files.write(out / name, text)
    for name in sorted({name for text in texts.values() for name in shown(text)}):
        found = (folder / f"{name}.pdf" for folder in figures if (folder / f"{name}.pdf").is_file())
        copy([next(found, figures[0] / f"{name}.pdf")], (out / "figures" / name).parent)


def shown(text):
    """The names of the figures that the LaTeX `text` shows."""
    return SHOWN.findall(re.sub(r"(?<!\\)%.*", "", text))


def copy(sources, out):
    """Copy files into the folder `out`; raises UserError for one that does not exist."""
    for source in sources:
        if not source.is_file():
            raise UserError(f"{source}: expected a file that the report shows, found none")
        with whole_files.written(out / source.name) as path:
            shutil.copyfile(source, path)
