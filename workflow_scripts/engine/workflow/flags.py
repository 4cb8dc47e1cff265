"""What the rules tell the commands: flags, as a list of words or, where more than one may be text, as one string.

One string, because Snakemake compares params as sets of words, and would not see that two have been swapped.
"""

import json
import shlex

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import cells, grids

UNSEEN = {"title", "mirrors"}  # keys of a data set that change no image


def dataset(described, unseen=False):
    """The flags of fetch_data that decide what the images of a `config.Dataset` are; if `unseen`, its other flags."""
    # official files have a known SHA-256, wherever they are from
    others = UNSEEN | ({"path"} if described.source != "folder" else set())
    chosen = {"include" if unseen else "exclude": others}
    values = described.model_dump(mode="json", exclude_none=True, **chosen)
    mirrors = [word for mirror in values.pop("mirrors", []) for word in ("--mirror", mirror)]
    return [word for key, value in values.items() for word in (f"--{key.replace('_', '-')}", str(value))] + mirrors


def titles(settings, names):
    """The titles of the data sets of these names."""
    called = {name: settings.datasets[name].title for name in sorted(names)}
    return ["--titles", json.dumps({name: title for name, title in called.items() if title})]


def training(plan, study, name):
    """The flags of train_cell, quoted: record, checkpoint, what is measured, whether the test images are read."""
    order = plan.order(study, name)
    measure = ["--measure", json.dumps(order.measured)] if order.measured else []
    test = [] if order.test else ["--no-test"]
    return shlex.join(["--checkpoint", str(order.checkpoint), *cells.flags(order.cell), *measure, *test])


def beras_training(plan, name):
    """The flags of train_beras."""
    (variant, seed), settings = plan.beras_run(name), plan.settings.beras
    return f"--variant {variant} --seed {seed} --epochs {settings.epochs} --batch-size {settings.batch_size}"


def samples(plan, study, dataset):
    """The flags of plot_samples: how the images are given to the study's first cell on them.

    Raises UserError for a data set that the study does not use.
    """
    found = plan.first_cells(study)
    if dataset not in found:
        raise UserError(f"study {study} has no data set {dataset}, only {', '.join(found)}")
    cell = found[dataset]
    return f"--normalize {cell.normalize} --batch-size {cell.batch_size}"


def surface(plan, study):
    """The flags of measure_surface."""
    surface = plan.settings.studies[study].surface
    return f"--points {surface.points} --extent {surface.extent} --images {surface.images} --seed {surface.seed}"


def design(plan, study, *sections):
    """A study as JSON for `--study`: these sections of its configuration, or all that change results."""
    return plan.settings.studies[study].model_dump_json(
        exclude_unset=True, include=set(sections) or None, exclude={"question"}
    )


def select(selection, without=(), flag="--select"):
    """What selects the cells of a `record.Selection`, by its keys except those in `without`."""
    values = grids.selected(selection, without).items()
    return " ".join([flag, *(f"{key}={'null' if value is None else value}" for key, value in values)])


def author(report, *keys):
    """These keys of a `config.Report`; those that are null are left out."""
    given = {key: getattr(report, key) for key in keys}
    return [f"--{key.replace('_', '-')}={value}" for key, value in given.items() if value is not None]


def external(runs):
    """What tells summarise of the `config.ExternalRun`s {name: run} that join a study."""
    return ["--external", json.dumps({name: run.model_dump(mode="json") for name, run in runs.items()})] if runs else []


def computing(settings):
    """The flags of the commands that compute. They change no result, nor do those of `reporting`.

    As params they would cause everything to be redone when they change, as resources they would cost time in a DAG of
    ten thousand cells: they reach the commands through the environment.
    """
    return f"--device {settings.device} --gpu-share {settings.gpu_share}"


def reporting(settings):
    """More flags of the commands that train."""
    words = [
        f"--checkpoint-seconds {settings.checkpoint_seconds}",
        "--tensorboard" if settings.tensorboard else "--no-tensorboard",
        "--cuda-graphs" if settings.cuda_graphs else "--no-cuda-graphs",
        "--keep-checkpoint",  # rules/unfinished.smk deletes it once Snakemake has noted that the cell is done
    ]
    return " ".join(words)
