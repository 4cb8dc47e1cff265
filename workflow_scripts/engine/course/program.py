"""The program of a hand-in: the workflow as it ran, so that it runs again from the unpacked tree, and the CSV files."""

from pathlib import Path

import yaml

from workflow_scripts.engine.code import ROOT
from workflow_scripts.engine.commands import UserError, json_value
from workflow_scripts.engine.configuration.fields import at_home
from workflow_scripts.engine.course import folders
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


def add_flags(parser):
    """Add the flags of every command that packs a hand-in."""
    parser.add_argument("--report", type=Path, required=True, help="the report (.pdf)")
    parser.add_argument("--csv", type=Path, nargs="+", default=[], help="CSV files of results, or folders of them")
    parser.add_argument("--config", type=json_value, required=True, metavar="JSON", help="the configuration as used")
    parser.add_argument("--out", type=Path, required=True, help="the archive (.zip)")


def sources():
    """{path from the project's root: file} of what is handed in; of reports, own files before ours, and own figures."""
    names = sorted({path.relative_to(ROOT) for pattern in SOURCES for path in ROOT.glob(pattern)})
    ours = {str(name): own_words.source(name, ROOT) if name.parts[0] == "report" else ROOT / name for name in names}
    return ours | {str(path): path for path in own_words.figures(Path("report"))}


def files(settings, readme):
    """{path: content} of the program, with the configuration `settings`, a mapping, as it was used, and a README.md.

    With it are a report's own templates and figures, and the runs made elsewhere that are drawn beside ours.
    """
    used = {key: value for key, value in settings.items() if key != LEFT_OUT}
    found = {name: path.read_bytes() for name, path in sources().items()}
    if used.get("external_runs"):
        used["external_runs"], runs = _made_elsewhere(used["external_runs"])
        found |= runs
    configuration = yaml.safe_dump(used, sort_keys=False, allow_unicode=True)
    return {**found, "README.md": readme.encode(), "config.yaml": configuration.encode()}


def tables(paths, results):
    """{path: content} of CSV files, or folders of them, by their paths within the folder `results`, links followed.

    Raises UserError for a table that is not a CSV file or lies elsewhere.
    """
    found, folder = {}, results.resolve()
    for path in (file for given in paths for file in (given.rglob("*.csv") if given.is_dir() else [given])):
        place = path.resolve()
        if path.suffix != ".csv" or not place.is_relative_to(folder):
            raise UserError(f"{path}: expected a .csv file in {results}, as nothing else belongs in the hand-in")
        found[place.relative_to(folder).as_posix()] = path.read_bytes()
    return found


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
