"""The hand-in of coursework 2, laid out as its brief asks: no weights, no logs.

<number>/<number>_report.pdf
<number>/mlp/pytorch_experiment_scripts/    the code that ran, with the configuration as it was used, a report's own
                                            templates and figures, the runs made elsewhere that are drawn beside
                                            ours, and a README.md that says how the report is made again
<number>/results/                           .csv only
"""

import re
from pathlib import Path

import yaml

from workflow_scripts.engine.code import ROOT
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.fields import STUDENT_NUMBER, at_home
from workflow_scripts.engine.course import folders
from workflow_scripts.engine.packing import zipped
from workflow_scripts.engine.text import own_words

# The whole workflow, so that it runs from the unpacked tree; only the configuration of Beras, which is another
# assignment, is left out.
SOURCES = (
    "Snakefile",
    "rules/*.smk",
    "profiles/default/*.yaml",  # so that `snakemake report/mlp-cw2.pdf` needs no flags
    "envs/*.yaml",
    "models/*.py",
    "workflow_scripts/**/*.py",
    "report/*.j2",
    "report/*.sty",
    "report/*.bib",
    "report/**/*.rst",
    "pyproject.toml",
    "requirements.lock",
)
LEFT_OUT = "beras"  # a section of the configuration
README = """\
# Coursework 2, {number}

`{number}_report.pdf` was made here, by a Snakemake workflow. It needs Python 3.11 or newer, and LaTeX with latexmk.
This trains the networks of `config.yaml` again and typesets the report with their numbers:

    python3 -m venv .venv && source .venv/bin/activate && pip install -r requirements.lock
    snakemake -n report/mlp-cw2.pdf    # what would be done, and how much it is
    snakemake report/mlp-cw2.pdf

No images are handed in. Where a data set in `config.yaml` has a `path`, say there where they are; others are
downloaded.
"""


def checked(number, known):
    """`number`; raises UserError where it is not a student number, or not the one `known` to the report."""
    if not re.fullmatch(STUDENT_NUMBER, number):
        raise UserError(f"submission/{number}.zip: expected a student number, an s and seven digits, found {number!r}")
    if number != known:
        raise UserError(
            f"submission/{number}.zip: the report says {known}; set report.student_number in config.yaml to {number}"
        )
    return number


def sources():
    """{path from the project's root: file} of what is handed in; of reports, own files before ours, and own figures."""
    names = sorted({path.relative_to(ROOT) for pattern in SOURCES for path in ROOT.glob(pattern)})
    ours = {str(name): own_words.source(name, ROOT) if name.parts[0] == "report" else ROOT / name for name in names}
    return ours | {str(path): path for path in own_words.figures(Path("report"))}


def packed(number, report, results, tables, settings):
    """The bytes of the zip.

    `report` is the PDF; `tables` are CSV files, or folders of them, within the folder `results`; `settings` is the
    configuration as a mapping. Raises UserError for a table that is not a CSV file or lies elsewhere.
    """
    used = {key: value for key, value in settings.items() if key != LEFT_OUT}
    code = {name: path.read_bytes() for name, path in sources().items()}
    if used.get("external_runs"):
        used["external_runs"], found = _made_elsewhere(used["external_runs"])
        code |= found
    code["README.md"] = README.format(number=number).encode()
    code["config.yaml"] = yaml.safe_dump(used, sort_keys=False, allow_unicode=True).encode()
    files = {f"{number}_report.pdf": report.read_bytes()}
    files |= {f"mlp/pytorch_experiment_scripts/{name}": content for name, content in code.items()}
    for path in _files(tables):
        if path.suffix != ".csv" or not path.is_relative_to(results):
            raise UserError(f"{path}: expected a .csv file in {results}, as nothing else belongs in the hand-in")
        files[f"results/{path.relative_to(results).as_posix()}"] = path.read_bytes()
    return zipped({f"{number}/{name}": content for name, content in files.items()})


def _made_elsewhere(runs):
    """(the section `external_runs` with the folders of the hand-in, {path in the hand-in: content} of their files)."""
    moved, files = {}, {}
    for name, run in runs.items():
        there = run["folder"] if isinstance(run["folder"], list) else [run["folder"]]
        places = {f"external_runs/{name}/{index}": at_home(folder) for index, folder in enumerate(there)}
        moved[name] = {**run, "folder": list(places)}
        for place, folder in places.items():
            files |= {
                f"{place}/{file}": (folder / file).read_bytes() for file in folders.FILES if (folder / file).exists()
            }
    return moved, files


def _files(paths):
    for path in paths:
        yield from path.rglob("*.csv") if path.is_dir() else [path]
