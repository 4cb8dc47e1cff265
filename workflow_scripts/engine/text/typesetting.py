"""The folder that a report is typeset from: filled-in templates, and copies of all files that they include."""

import re
import shutil
from pathlib import Path

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config, flags, letters
from workflow_scripts.engine.text import latex, own_words

SHOWN = re.compile(r"\\(?:gradfigure|gradfigurehere|includegraphics(?:\[[^\]]*\])?)\{(?:figures/)?([^}#]+)\}")


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

    `arguments` are those of a command with `add_flags` and `--out`. A figure is looked for in `figures/` beside each
    template, where an author's own are, and then in the folders `figures`. Raises UserError for one that is nowhere.
    """
    out, context = arguments.out, {**facts, **flags.read(arguments, config.Report).model_dump()}
    texts = {template.name.removesuffix(".j2"): latex.render(template, context) for template in templates}
    copy(shared(arguments), out)
    main = templates[0].name.removesuffix(".j2")
    texts[main] = _chinese(texts) + texts[main]
    for name, text in texts.items():
        whole_files.write(out / name, text)
    folders = [*dict.fromkeys(template.parent / "figures" for template in reversed(templates)), *figures]
    for name in sorted({name for text in texts.values() for name in shown(text)}):
        figure, place = _found(name, folders), out / "figures" / name
        for suffix in set(own_words.PICTURES) - {figure.suffix}:  # one of an earlier run, which LaTeX would prefer
            place.with_name(f"{figure.stem}{suffix}").unlink(missing_ok=True)
        copy([figure], place.parent)


def _chinese(texts):
    """What comes before a report whose texts, {file: LaTeX}, have Chinese characters: its style's option for them."""
    try:
        typeface = letters.typeface("".join(texts.values()))
    except ValueError as error:
        raise UserError(f"{' or '.join(texts)}: {error}") from None
    return f"\\PassOptionsToPackage{{{typeface}}}{{gradscape}}\n" if typeface else ""


def shown(text):
    """The names of the figures that the LaTeX `text` shows."""
    return SHOWN.findall(re.sub(r"(?<!\\)%.*", "", text))


def _found(name, folders):
    """The file of the figure `name`, with or without its suffix, in the first of the folders that has it."""
    files = [name] if name.endswith(own_words.PICTURES) else [f"{name}{suffix}" for suffix in own_words.PICTURES]
    for path in (folder / file for folder in folders for file in files):
        if path.is_file():
            return path
    places = " or ".join(map(str, folders))
    raise UserError(f"{files[0]}: expected this figure, which the report shows, in {places}, found none")


def copy(sources, out):
    """Copy files into the folder `out`; raises UserError for one that does not exist."""
    for source in sources:
        if not source.is_file():
            raise UserError(f"{source}: expected a file that the report shows, found none")
        with whole_files.written(out / source.name) as path:
            shutil.copyfile(source, path)
