"""Typeset a report from its LaTeX source, which `fill_report` or another command wrote.

    python -m workflow_scripts.compile_report results/report/mlp-cw2/mlp-cw2-template.tex --out report/mlp-cw2.pdf

The same sources give the same bytes. LaTeX's own files from the last run are kept in `build/` beside the source.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from workflow_scripts.engine import commands, whole_files

INSTALL = (
    "apt-get install --no-install-recommends latexmk texlive-latex-base texlive-latex-recommended texlive-latex-extra"
    " texlive-fonts-recommended texlive-bibtex-extra lmodern cm-super-minimal latex-cjk-chinese"
    " latex-cjk-chinese-arphic-gbsn00lp latex-cjk-chinese-arphic-bsmi00lp"
)
ABSENT = ".sty' not found"
OVERFULL = 5  # points; nobody sees less than that
UNDEFINED = re.compile(r"(?:Citation|Reference) [`'](.+?)' on page \d+ undefined")
OVERFULL_BOX = re.compile(r"Overfull \\hbox \((\d+\.\d+)pt too wide\) (.*)")


def compile_latex(source, build):
    """Run latexmk on `source` in its folder; returns (the PDF, the log's text). LaTeX's files are left in `build`.

    Raises UserError with LaTeX's first error, for an undefined reference or citation, or where latexmk is missing.
    """
    if not shutil.which("latexmk"):
        raise commands.UserError(f"latexmk is not installed, which typesets the report; on Debian or Ubuntu: {INSTALL}")
    if not source.is_file():
        raise commands.UserError(f"{source}: expected the LaTeX source of a report, found none")
    log = build / f"{source.stem}.log"
    options = ["-pdf", "-norc", "-interaction=nonstopmode", "-halt-on-error", "-file-line-error"]
    environment = {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000", **os.environ}
    # never in `build` itself: LaTeX rereads its own files, and those of a killed run would make every later run fail
    with tempfile.TemporaryDirectory(prefix="latex-") as scratch:
        result = subprocess.run(
            ["latexmk", *options, f"-outdir={scratch}", source.name],
            cwd=source.parent,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
        )
        shutil.rmtree(build, ignore_errors=True)
        shutil.copytree(scratch, build)
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    if result.returncode:
        said = _first_error(text) or _last_line(result.stdout + result.stderr)
        hint = f"\non Debian or Ubuntu, this installs all of LaTeX that is needed: {INSTALL}" if ABSENT in said else ""
        raise commands.UserError(f"LaTeX failed: {said}\nits log: {log}{hint}")
    undefined = sorted(set(UNDEFINED.findall(text)))
    if undefined:
        said = "; ".join(f"{key} ({_places(key, source.parent)})" for key in undefined)
        raise commands.UserError(f"undefined references or citations: {said}\nLaTeX's log: {log}")
    return log.with_suffix(".pdf"), text


def _places(key, folder):
    """Where the LaTeX in a folder refers to `key`: `file:line, ...`."""
    named = re.compile(rf"\\\w+\*?(?:\[[^\]]*\])*\{{(?:[^}}]*,)?\s*{re.escape(key)}\s*[,}}]")
    found = (
        f"{path.name}:{number}"
        for path in sorted(folder.glob("*.tex"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if named.search(line)
    )
    return ", ".join(found) or "in no .tex file"


def warnings(log):
    """A line for each visibly overfull box in LaTeX's log."""
    return [f"overfull by {width} pt: {where}" for width, where in OVERFULL_BOX.findall(log) if float(width) > OVERFULL]


def _first_error(log):
    """The message, and the line that LaTeX shows as far as it could read it, which may come from another file."""
    found = re.search(r"^(\S+?:\d+: .*|! .*)$(?:(?:\n(?!l\.\d).*){0,5}\n(l\.\d+ .*))?", log, re.MULTILINE)
    return found and "\n  ".join(filter(None, found.groups()))


def _last_line(text):
    return next((line for line in reversed(text.splitlines()) if line.strip()), "latexmk said nothing")


def main():
    """Read the arguments, typeset, and move the PDF to its place."""
    parser = commands.parser("compile_report", __doc__)
    parser.add_argument("source", type=Path, help="the main .tex file")
    parser.add_argument("--out", type=Path, required=True, help="the PDF to write")
    arguments = parser.parse_args()
    build = arguments.source.resolve().parent / "build"
    pdf, log = compile_latex(arguments.source, build)
    for line in warnings(log):
        print(f"warning: {line}", file=sys.stderr)
    with whole_files.written(arguments.out) as path:
        shutil.copyfile(pdf, path)


if __name__ == "__main__":
    commands.run(main)
