"""The folder that a report is typeset from: filled-in templates, and copies of all that they include."""

import shutil

from workflow_scripts.engine import latex
from workflow_scripts.engine.commands import UserError, written_whole


def fill(templates, context, out):
    """Render each template `<name>.tex.j2` to `<name>.tex` in the folder `out`."""
    for template in templates:
        text = latex.render(template, context)
        with written_whole(out / template.name.removesuffix(".j2")) as path:
            path.write_text(text, encoding="utf-8")


def copy(sources, out):
    """Copy files into the folder `out`; raises UserError for one that is not there."""
    for source in sources:
        if not source.is_file():
            raise UserError(f"{source}: expected a file that the report shows, found none")
        with written_whole(out / source.name) as path:
            shutil.copyfile(source, path)
