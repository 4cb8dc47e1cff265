# What all stages share: the typed configuration, the cells of every study, and how commands are run.

import difflib
import json
import re
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

# Whether this process prints messages beyond Snakemake's own: those of jobs do not. Where another workflow uses this
# one as a module and changes rules (`with:`), all of it is read again for that, but messages are printed only once.
SPEAKS = workflow.is_main_process and workflow.modifier.ruleinfo_overwrite is None

HERE = Path.cwd()  # the working directory of the run; at exit the current one is the shell's again

# The cells of the study of Beras, which are not PyTorch cells: {name: (variant, seed)}.
BERAS = SETTINGS.beras
BERAS_RUNS = beras.runs(BERAS) if BERAS else {}

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

# {PDF: the LaTeX that it is typeset from, its main file first} and {PDF: the table in plain text that sums it up}; each
# report's rules add their own.
PAPERS, REPORTS = {}, {}

# Flags of the commands that compute, and of those that train. They change no result: as params they would cause
# everything to be redone when they change, as resources they would cost time in a DAG of ten thousand cells.
COMPUTING = f"--device {SETTINGS.device} --gpu-share {SETTINGS.gpu_share}"
REPORTING = " ".join(
    [
        f"--checkpoint-seconds {SETTINGS.checkpoint_seconds}",
        "--tensorboard" if SETTINGS.tensorboard else "--no-tensorboard",
        "--cuda-graphs" if SETTINGS.cuda_graphs else "--no-cuda-graphs",
        "--keep-checkpoint",  # rules/unfinished.smk deletes it once Snakemake has noted that the cell is done
    ]
)

# Commands run in Snakemake's own Python; an activated conda environment (--sdm conda) comes before it on PATH, and so
# wins. `python -P -m workflow_scripts.<command>` is found from any folder, whatever is in there (-P). PYTHONPATH is set
# in the command itself, because Snakemake removes it for jobs in a conda environment, and in the environment, for the
# precommand of profiles/slurm. Its other entries stay: a workflow that uses this one as a module may need them.
MODULES = os.pathsep.join(dict.fromkeys([HOME, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]))
os.environ.update(
    PYTHONPATH=MODULES,
    PATH=os.pathsep.join([os.path.dirname(sys.executable), *os.get_exec_path()]),
)
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(MODULES)}"
    f" GRADSCAPE_COMPUTING='{COMPUTING}' GRADSCAPE_REPORTING='{REPORTING}'; "
)


def one_of(names):
    """The constraint of a wildcard to these names. Without any, it matches nothing: no job is made by the rule."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    study=one_of(STUDIES),
    cell=r"[A-Za-z0-9][A-Za-z0-9._+-]*-seed\d+",


def named(study, cell, known):
    """What `known` holds under the name of a cell; an unknown name is an error that lists the nearest ones."""
    if cell not in known:
        near = difflib.get_close_matches(cell, known, n=3, cutoff=0)
        sys.exit(f"error: study {study} has no cell {cell}; the nearest: {', '.join(near)}")  # without a traceback
    return known[cell]


def the_cell(wildcards):
    """The record of the cell that the two wildcards name."""
    return named(wildcards.study, wildcards.cell, STUDIES[wildcards.study])


def the_run(wildcards):
    """(variant, seed) of the cell of the study beras that the wildcard names."""
    return named("beras", wildcards.cell, BERAS_RUNS)


def run_flags(wildcards):
    """The flags of train_beras, in one string: Snakemake compares params as a set, and would not see a swap of two."""
    variant, seed = the_run(wildcards)
    return f"--variant {variant} --seed {seed} --epochs {BERAS.epochs} --batch-size {BERAS.batch_size}"


def design(study, *sections):
    """A study as JSON for the `--study` of commands: these sections of its configuration, or all that change results."""
    return SETTINGS.studies[study].model_dump_json(
        exclude_unset=True, include=set(sections) or None, exclude={"question"}
    )


def author_flags(*keys):
    """These keys of the section `report` as flags of a command, a list of words; keys that are null are left out."""
    given = {key: getattr(SETTINGS.report, key) for key in keys}
    return [f"--{key.replace('_', '-')}={value}" for key, value in given.items() if value is not None]


def summary_of(study, names=SUMMARY):
    """The tidy tables of a study, or some of them."""
    return [f"results/{study}/summary/{name}" for name in names]


def digest(command, **names):
    """Digest of the code that a command runs, with registered names (kind=name); Snakemake does not track imports."""
    return code.digest(f"workflow_scripts.{command}", tuple(names.items()))


def source(path):
    """A source file: the user's own in the working directory, or else the one that comes with the workflow."""
    return path if os.path.exists(path) else f"{HOME}/{path}"
