"""A study with a search, and the files of one that has run, for tests."""

import json
import math

import pandas as pd

from workflow_scripts.engine.configuration import cells, config, grids
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.tables import gathering, rungs, search_table

SPACE = {"lr": {"low": "1e-4", "high": 0.1, "log": True}, "batch_size": [50, 100], "clip": {"low": 0.1, "high": 5}}


def study(**changes):
    """A `studies.Study` with a search; `changes` replace or add keys of the search."""
    searched = {"space": SPACE, "max_cells": 8, "halving": {"epochs": [1, 2], "keep": 0.5}, **changes}
    mapping = {"base": {"model": "vgg08", "epochs": 4}, "test": "chosen", "search": searched}
    return config.parse(Study, mapping, "studies.s")


def write_summary(folder, searched, diverged=()):
    """Write the summary of a finished search, and next to it what its rungs kept: closed forms, no real training.

    Returns the candidates and the chosen recipe.
    """
    found, rows = grids.candidates(searched), []

    def train(cell):
        lost = found.place(cell) in diverged
        accuracy = 0.5 - 0.1 * abs(math.log10(cell.lr) + 2) + 0.02 * cell.epochs + 0.01 * cell.seed
        facts = dict.fromkeys((*gathering.MEASURED, *gathering.LAST_EPOCH, *gathering.BEST_EPOCH), 1)
        facts |= {"status": "diverged" if lost else "finished", "diverged_step": 3 if lost else None}
        facts |= {"best_val_acc": None if lost else accuracy, "best_val_loss": 1 - accuracy, "test_acc": None}
        rows.append({"cell": cells.cell_name(cell), **cell.model_dump(), **facts})
        return -1 if lost else accuracy

    recipes, kept = found.recipes, folder.parent / "search"
    kept.mkdir()
    for rung in range(len(found.epochs)):
        results = dict(zip(recipes, map(train, found.rung(rung, recipes)), strict=True))
        recipes = sorted(recipes, key=results.get, reverse=True)[: found.kept(rung)]
        names = [cells.cell_name(cell) for cell in found.rung(rung, recipes)]
        (kept / f"rung{rung}.json").write_text(json.dumps({"kept": names}))
    for cell in found.final(recipes[0]):
        train(cell)
    folder.mkdir()
    pd.DataFrame(rows).drop_duplicates("cell").to_csv(folder / "cells.csv", index=False)
    (folder / "history.csv").write_text("cell,epoch,train_loss,train_acc,val_loss,val_acc\n")
    (folder / "gradients.csv").write_text("cell,epoch,layer,depth,mean_abs\n")
    (folder / "dataset.json").write_text("{}")
    return found, recipes[0]


def rung_files(folder):
    return sorted((folder / "search").iterdir())


def read_back(folder, searched):
    """What `search_table.trained` makes of what `write_summary` wrote into `folder`/summary."""
    return search_table.trained(search_table.load(folder / "summary"), searched, rungs.kept(rung_files(folder)))
