# What all stages share: what the configuration asks for, and how commands are run.

import functools
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from snakemake.settings.types import DeploymentMethod
from workflow_scripts.engine import code, commands
from workflow_scripts.engine.configuration import config as settings
from workflow_scripts.engine.machine import environments
from workflow_scripts.engine.text import own_words
from workflow_scripts.engine.workflow import flags
from workflow_scripts.engine.workflow.plan import Plan


def or_exit(function):
    """The same function, but a UserError ends Snakemake with its message instead of a traceback."""

    @functools.wraps(function)
    def call(*arguments):
        try:
            return function(*arguments)
        except commands.UserError as error:
            sys.exit(f"error: {error}")

    return call


SOURCES = [*CONFIGS, *["--config"] * bool(workflow.config_settings.config)]
if workflow.config_settings.replace_workflow_config:
    SOURCES = SOURCES[1:] or SOURCES  # without the first, if there is another
SETTINGS = or_exit(settings.load)(config, " with ".join(SOURCES))
# Whether results are kept elsewhere, such as in a bucket (--default-storage-provider): a job then finds only its inputs.
ELSEWHERE = workflow.storage_settings.default_storage_provider is not None
PLAN = or_exit(Plan)(SETTINGS, ELSEWHERE)
if workflow.is_main_process:
    or_exit(environments.check)(Path(HOME) / "envs")
    or_exit(own_words.check)(Path("report"), Path(HOME) / "report")

# Whether this process prints messages beyond Snakemake's own: those of jobs do not. Where another workflow uses this
# one as a module and changes rules (`with:`), all of it is read again for that, but messages are printed only once.
SPEAKS = workflow.is_main_process and workflow.modifier.ruleinfo_overwrite is None

# An output that is not deleted before its job begins. In a bucket it is, since Snakemake (9.27) fails to make the copy
# that it keeps meanwhile of files that are not here.
lasting = str if ELSEWHERE else update

HERE = Path.cwd()  # the working directory of the run; at exit the current one is the shell's again

# The cells of a study as tidy tables: files of results/<study>/summary/.
SUMMARY = (
    "cells.csv",
    "history.csv",
    "gradients.csv",
    "index.json",
    "dataset.json",
    "external.csv",
    "external_history.csv",
)

# To these, each file of rules adds its own: what is made by default; {PDF: the LaTeX that it is typeset from, its main
# file first}; {PDF: the table in plain text that sums it up}; {name: `FigureRule`}.
TARGETS, PAPERS, REPORTS, FIGURES = [], {}, {}, {}


class FigureRule(NamedTuple):
    """What is particular to the rule that figures.smk makes for a figure, results/<study>/figures/<name>.pdf.

    `flags` are those of its command, quoted, as a function of the study. `caption`, `shows` and `subject` are what
    `in_report` takes; `title` is what the rule's message says of the figure, if not its name.
    """

    command: str
    studies: dict
    input: dict
    flags: Callable
    caption: str
    shows: Callable = PLAN.studies.get
    subject: str = ""
    title: str = ""


# Commands run in Snakemake's own Python; an activated conda environment (--sdm conda) comes before it on PATH, and so
# wins. `python -P -m workflow_scripts.<command>` is found from any folder, whatever is in there (-P). The other entries
# of PYTHONPATH stay: a workflow that uses this one as a module may need them.
MODULES = os.pathsep.join(dict.fromkeys([HOME, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]))
os.environ.update(
    PYTHONPATH=MODULES,
    PATH=os.pathsep.join([os.path.dirname(sys.executable), *os.get_exec_path()]),
    GRADSCAPE_COMPUTING=flags.computing(SETTINGS),
    GRADSCAPE_REPORTING=flags.reporting(SETTINGS),
)
# Snakemake takes PYTHONPATH away from jobs in conda environments. Only then a prefix, of which there is one for all
# rules: it would replace that of the workflow around this one, or be replaced by it.
if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
    shell.prefix(f"set -euo pipefail; export PYTHONPATH={shlex.quote(MODULES)}; ")


def one_of(names):
    """The constraint of a wildcard to these names. Without any, it matches nothing: no job is made by the rule."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    study=one_of(PLAN.studies),
    cell=r"[A-Za-z0-9][A-Za-z0-9._+-]*-seed\d+",


@or_exit
def the_cell(wildcards):
    """The record of the cell that the two wildcards name."""
    return PLAN.cell(wildcards.study, wildcards.cell)


@or_exit
def the_bundle(wildcards):
    """The names of the cells of the bundle that the two wildcards name."""
    return PLAN.bundle(wildcards.study, wildcards.cell)


@or_exit
def the_run(wildcards):
    """(variant, seed) of the cell of the study beras that the wildcard names."""
    return PLAN.beras_run(wildcards.cell)


def data_of(wildcards):
    """The file of the data set that the cell in the wildcards is trained on."""
    return f"results/data/{the_cell(wildcards).dataset}.npz"


def all_data_of(wildcards):
    """The files of the data sets that the cells of the study in the wildcards are trained on."""
    return [f"results/data/{dataset}.npz" for dataset in PLAN.first_cells(wildcards.study)]


def samples_of(study):
    """The figures with images of the data sets that the cells of a study are trained on."""
    return [f"results/{study}/figures/samples_{dataset}.pdf" for dataset in PLAN.first_cells(study)]


def surfaces_of(study):
    """The measured loss surfaces of a study."""
    return [f"results/{study}/surfaces/{cell}.csv" for cell in PLAN.surfaces[study]]


def design(*sections):
    """The function of the wildcards that describes their study to a command: see `flags.design`."""
    return lambda wildcards: flags.design(PLAN, wildcards.study, *sections)


def summary_of(study, names=SUMMARY):
    """The tidy tables of a study, or some of them."""
    return [f"results/{study}/summary/{name}" for name in names]


def digest(command, **names):
    """Digest of the code that a command runs, with registered names (kind=name); Snakemake does not track imports."""
    return code.digest(f"workflow_scripts.{command}", tuple(names.items()))


def source(path):
    """A file that reports are made from: the user's own in the working directory, or else ours; never in a bucket."""
    return local(str(own_words.source(path, HOME)))


def own_figures():
    """The user's own figures, which their words in reports may show."""
    return [local(str(path)) for path in own_words.figures(Path("report"))]
