"""The study's runs as tidy tables: `gather` writes them, `load` reads them, `over_seeds` takes means over the seeds."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.beras import names
from workflow_scripts.engine.data.titles import titled
from workflow_scripts.engine.runs import cell_files
from workflow_scripts.engine.tables import reading

METRICS = ("train_loss", "train_acc", "test_loss", "test_acc", "seconds")
RECORD = ("variant", "epochs", "batch_size", "train_images", "test_images", "parameters", "learning_rate")
POINTS = 40  # of a loss curve, at most


@dataclass(frozen=True)
class Study:
    """A row is a run in `runs`, an epoch in `history`, a stretch of steps in `losses`; `dataset` is a `Data.meta`."""

    runs: pd.DataFrame
    history: pd.DataFrame
    losses: pd.DataFrame
    dataset: dict


def gather(folders, out, titles=None):
    """Write the tables of the runs in `folders` to the folder `out`; `titles` is {data set: its current title}."""
    tables = {"runs": [], "history": [], "losses": []}
    for folder in folders:
        (facts,) = cell_files.read(folder, "run.json")
        with cell_files.understood(folder):
            mark = {"run": folder.name, "variant": facts["variant"], "seed": facts["seed"]}
            tables["runs"].append(pd.DataFrame([mark | {key: facts[key] for key in (*RECORD, *METRICS)}]))
            tables["history"].append(pd.read_csv(folder / "history.csv").assign(**mark))
            tables["losses"].append(_losses(folder / "steps.npz").assign(**mark))
            dataset = titled(facts["dataset"], titles)
    for name, parts in tables.items():
        whole_files.write_table(out / f"{name}.csv", pd.concat(parts))
    whole_files.write_json(out / "dataset.json", dataset)


def _losses(path):
    """Mean training loss over stretches of steps that grow geometrically, for a logarithmic axis.

    A stretch is from step `first` to step `last`, counted from 1; `step` is its middle.
    """
    with np.load(path) as file:
        losses = file["train_loss"]
    edges = np.unique(np.geomspace(1, len(losses) + 1, POINTS + 1).round().astype(int))
    return pd.DataFrame([_stretch(losses, first, end - 1) for first, end in itertools.pairwise(edges)])


def _stretch(losses, first, last):
    return {"step": (first + last) / 2, "first": first, "last": last, "train_loss": losses[first - 1 : last].mean()}


def load(folder):
    """The `Study` in a folder that `gather` wrote; raises UserError if one of its files is missing."""
    folder = Path(folder)
    *tables, dataset = (folder / name for name in names.SUMMARY)
    read = (reading.table(path, "summarise_beras") for path in tables)
    return Study(*read, reading.facts(dataset, "summarise_beras"))


def over_seeds(runs):
    """One row per variant, in order of registration: `RECORD`, label, `finished` (its runs), and for each of `METRICS`
    the mean and, as `<metric>_std`, the sample standard deviation (NaN with one seed). If a variant diverged for any
    seed, its mean loss is NaN too, rather than the mean over the other seeds."""
    rows = []
    for variant, group in runs.groupby("variant", sort=False):
        row = {"label": names.label(variant), **group.iloc[0][list(RECORD)], "finished": list(group["run"])}
        for metric in METRICS:
            row |= {metric: group[metric].mean(skipna=False), f"{metric}_std": group[metric].std(skipna=False)}
        rows.append(row)
    order = {variant: place for place, variant in enumerate(names.known())}
    rows.sort(key=lambda row: order.get(row["variant"], len(order)))
    return pd.DataFrame(rows)


def by_seed(runs, chosen):
    """{metric: {seed: value}} over the runs named in `chosen`, for each of `METRICS`."""
    found = runs[runs["run"].isin(chosen)].set_index("seed")
    return {metric: found[metric].to_dict() for metric in METRICS}


def end_losses(losses):
    """The last row of each run in a table of `losses`, a point at the end of its curve."""
    return losses.drop_duplicates("run", keep="last")


def variants_of(table, kind):
    """The variants in `table` that are registered as `kind`, in order of registration."""
    found = set(table["variant"])
    return [variant for variant in names.known() if variant in found and names.split(variant)[0] == kind]
