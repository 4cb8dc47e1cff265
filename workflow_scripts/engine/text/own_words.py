"""A user's own files of a report, in a folder report/ beside the configuration: words in place of ours, and figures.

A file whose name is mistyped would replace nothing, and the report that is handed in would have our words.
"""

import difflib
from pathlib import Path

from workflow_scripts.engine.commands import UserError

PICTURES = (".pdf", ".png", ".jpg", ".jpeg")  # what pdfLaTeX includes, in the order in which it looks
ALIKE = 0.8  # how alike two names must be for one to be meant as the other: the suffix forgotten, a letter too few


def source(path, ours):
    """The file of a report at the relative path `path`: the user's own in the working directory, or else in `ours`."""
    return Path(path) if Path(path).exists() else Path(ours, path)


def figures(own):
    """The user's own figures for the reports in the folder `own`, sorted."""
    return sorted(path for path in (own / "figures").rglob("*") if path.suffix in PICTURES)


def check(own, ours):
    """Raise UserError if a file in the folder `own` has nearly the name of one in `ours` that the user does not have.

    Copies beside a file of the right name and PDFs, which are made here, are nobody's mistake.
    """
    known = sorted(path.name for path in ours.glob("*.*"))
    given = sorted(path.name for path in own.glob("*") if path.suffix != ".pdf")
    for name in given:
        near = difflib.get_close_matches(name, known, n=1, cutoff=ALIKE)
        if near and near[0] not in given:
            raise UserError(
                f"{own / name}: no report has a file of this name; if it is yours in place of ours, call it {near[0]}, "
                "if not, keep it elsewhere"
            )
