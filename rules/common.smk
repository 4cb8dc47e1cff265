# What all the stages share: the typed configuration, the cells of every study, and how commands are run.

import difflib
import json
import shlex
from pathlib import Path

from workflow_scripts.engine import code, commands
from workflow_scripts.engine.configuration import cells, grids, config as settings
from workflow_scripts.engine.machine import environments
from workflow_scripts.engine.beras import names as beras

try:
    SETTINGS = settings.load(config, " with ".join(CONFIGS + ["--config"] * bool(workflow.config_settings.config)))
    STUDIES = {name: grids.expand(name, study) for name, study in SETTINGS.studies.items()}
    if workflow.is_main_process:
        environments.check(Path(HOME) / "envs")
except commands.UserError as error:
    sys.exit(f"error: {error}")

# Whether this process tells people what Snakemake does not: those of jobs do not, and it is told once where another
# workflow has this one as a module and uses some of it changed (`with:`), for which all of it is read again.
SPEAKS = workflow.is_main_process and workflow.modifier.ruleinfo_overwrite is None

HERE = Path.cwd()  # the working directory of the run; at exit it is that of the shell again

# The cells of the study of Beras, which are no torch cells: {name: (variant, seed)}.
BERAS = SETTINGS.beras
BERAS_RUNS = beras.runs(BERAS) if BERAS else {}

# Studies that set a shallow network against a deep one: what the cw2 figures and report are about.
COMPARED = {name: study.compare for name, study in SETTINGS.studies.items() if study.compare}

# Studies that search for a recipe: what each may train.
SEARCHES = {name: grids.plan(study) for name, study in SETTINGS.studies.items() if study.search}

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

# {PDF: the LaTeX that it is typeset from, its main file first} and {PDF: the table in plain text that sums it up}; the
# rules of a report add theirs.
PAPERS, REPORTS = {}, {}

# Flags of the commands that compute, and of those that train. They change no result: as params they would do everything
# again when they change, as resources they would cost time in a DAG of ten thousand cells.
COMPUTING = f"--device {SETTINGS.device} --gpu-share {SETTINGS.gpu_share}"
REPORTING = " ".join(
    [
        f"--checkpoint-seconds {SETTINGS.checkpoint_seconds}",
        "--tensorboard" if SETTINGS.tensorboard else "--no-tensorboard",
        "--cuda-graphs" if SETTINGS.cuda_graphs else "--no-cuda-graphs",
        "--keep-checkpoint",  # until Snakemake has noted that the cell is done, as rules/unfinished.smk hears
    ]
)

# Commands run in Snakemake's own Python; an activated conda environment (--sdm conda) comes before it on PATH, and so
# wins. `python -P -m workflow_scripts.<command>` is found from any folder, whatever lies there (-P); said in the command
# itself, because Snakemake takes PYTHONPATH away from jobs in a conda environment; and in the environment, for the
# precommand of profiles/slurm. What else is on PYTHONPATH stays: a workflow of which this one is a module may need it.
MODULES = os.pathsep.join(dict.fromkeys([HOME, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]))
os.environ.update(
    PYTHONPATH=MODULES,
    PATH=os.pathsep.join([os.path.dirname(sys.executable), *os.get_exec_path()]),
)
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(MODULES)}"
    f" GRADSCAPE_COMPUTING='{COMPUTING}' GRADSCAPE_REPORTING='{REPORTING}'; "
)


wildcard_constraints:
    study="|".join(STUDIES),
    cell=r"[A-Za-z0-9][A-Za-z0-9._+-]*-seed\d+",


def named(study, cell, known):
    """What `known` has for the name of a cell; an unknown name is an error with the nearest ones."""
    if cell not in known:
        near = difflib.get_close_matches(cell, known, n=3, cutoff=0)
        sys.exit(f"error: study {study} has no cell {cell}; the nearest: {', '.join(near)}")  # no traceback of ours
    return known[cell]


def the_cell(wildcards):
    """The record behind the two wildcards."""
    return named(wildcards.study, wildcards.cell, STUDIES[wildcards.study])


def the_run(wildcards):
    """(variant, seed) behind the wildcard of a cell of the study beras."""
    return named("beras", wildcards.cell, BERAS_RUNS)


def run_flags(wildcards):
    """The flags of train_beras, in one: Snakemake compares params as a set, and would not see two change places."""
    variant, seed = the_run(wildcards)
    return f"--variant {variant} --seed {seed} --epochs {BERAS.epochs} --batch-size {BERAS.batch_size}"


def design(study, *sections):
    """A study as commands take it with `--study`: as JSON, of these sections of its configuration or of all."""
    return SETTINGS.studies[study].model_dump_json(exclude_unset=True, include=set(sections) or None)


def author_flags(*keys):
    """These keys of the section `report` as flags of a command, as a list of words; what is null is left out."""
    given = {key: getattr(SETTINGS.report, key) for key in keys}
    return [f"--{key.replace('_', '-')}={value}" for key, value in given.items() if value is not None]


def summary_of(study, names=SUMMARY):
    """The tidy tables of a study, or some of them."""
    return [f"results/{study}/summary/{name}" for name in names]


def digest(command, **names):
    """Digest of the code that a command runs, with registered names (kind=name): Snakemake sees no imported modules."""
    return code.digest(f"workflow_scripts.{command}", tuple(names.items()))


def source(path):
    """A file of the report: the user's own in the working directory, or else the one that comes with the workflow."""
    return path if os.path.exists(path) else f"{HOME}/{path}"
