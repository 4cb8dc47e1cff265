"""Synthetic versions of Project 2's two studies, and their filled-in report: closed forms, no network is trained."""

import json
import math

import numpy as np
import pandas as pd

from models import cifar_net
from models.registry import BLOCKS
from tests.conftest import ROOT
from tests.made_cells import write_study as write_net
from tests.made_landscapes import STUDY as LANDSCAPE
from tests.made_landscapes import write_study as write_landscape
from workflow_scripts.engine.ablation import ablation_table, ablations, pareto
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.insight import insight
from workflow_scripts.engine.reports import project2_findings as findings
from workflow_scripts.engine.text import latex

TEMPLATE = ROOT / "report/project2.tex.j2"
NET = {
    "base": {"model": "cifar_net", "block": "bn_rc", "dataset": "digits", "seed": [0, 1, 2]},
    "ablations": {
        "width": {"width": [0.5, 1, 2]},
        "loss": [{"loss": ["cross_entropy", "focal"]}, {"l2": 5e-4}],
        "optimizer": {"optimizer": ["adam", "muon", "own_adam"]},
    },
}
SURFACE = {"cells": [{"block": "plain", "optimizer": "adam", "lr": 0.001}]}
GAIN = {"focal": -0.1}  # this loss is worse for every seed
WOBBLE = {"focal": 0.001, "muon": 0.04}


def accuracy(cell):
    """Doubling the width is far better; focal is worse; with Muon the seeds differ more than the means."""
    spread = WOBBLE.get(cell.loss, WOBBLE.get(cell.optimizer, 0.002)) * (cell.seed - 1)
    return 0.7 + 0.1 * math.log2(cell.width) + GAIN.get(cell.loss, 0) + spread + 0.001 * (cell.seed == 2)


def make_net(
    folder,
    seeds=(0, 1, 2),
    mistakes=None,
    title="made",
    embedded=True,
    diverged=(),
    chosen=None,
    lost=0,
    true_size=False,
    factors=None,
    surface=False,
    **base,
):
    """Make the folder of the network's study, with everything the report reads; returns its `studies.Study`.

    `lost` is how far the test accuracy lies below the validation accuracy; `true_size`: whether the networks have the
    parameters of cifar_net; `factors` are ablations instead of the made ones.
    """
    design = {**NET, "base": {**NET["base"], **base, "seed": list(seeds)}}
    design |= {"ablations": factors} if factors else {}
    study = Study(**design, surface={"cells": [{"width": 1}]} if surface else None)
    write_net(folder, study, accuracy, diverged)
    if true_size:
        cells = pd.read_csv(folder / "summary/cells.csv")
        cells["parameters"] = [_size(block, width) for block, width in zip(cells["block"], cells["width"], strict=True)]
        cells.to_csv(folder / "summary/cells.csv", index=False)
    (folder / "summary/dataset.json").write_text(json.dumps({"title": title, "embedded": embedded}))
    found = ablations.load(folder / "summary")
    rows = ablations.rows(found, study)
    for factor, levels in rows.groupby("factor", sort=False):
        ablation_table.write(folder / f"ablations/{factor}.csv", levels)
    (folder / "figures").mkdir()
    if surface:
        make_surface(folder, "CIFAR-NET BN+RC")
    pareto.points(found, study).to_csv(folder / "figures/pareto.csv", index=False)
    best = rows.sort_values("best_val_acc").iloc[-1] if chosen is None else rows[rows["level"] == chosen].iloc[0]
    one = {"mean": 0.75, "std": None, "values": [0.75]}
    several = {"mean": 0.81, "std": 0.01, "values": [0.81] * 3}
    facts = {
        "label": best["label"],
        "record": {key: _plain(best[key]) for key in Cell.model_fields if key in best},
    }
    facts |= {"parameters": 6400, "epochs": 5, "seconds_per_epoch": 2.0, "seeds": list(seeds), "cells": best["cells"]}
    facts["best_cell"] = (best["finished"] or best["cells"])[-1]
    facts |= dict.fromkeys(("best_val_acc", "test_acc", "test_loss"), several if len(seeds) > 1 else one)
    facts["test_acc"] = {**facts["test_acc"], "mean": facts["test_acc"]["mean"] - lost}
    (folder / "chosen.json").write_text(json.dumps(facts))
    make_insight(folder / "insight", {(3, 5): 5} if mistakes is None else mistakes)
    return study


def _size(block, width):
    model = cifar_net.cifar_net(BLOCKS[block], 10, (3, 8, 8), width)
    return sum(weight.numel() for weight in model.parameters())


def _plain(value):
    return None if pd.isna(value) else value.item() if hasattr(value, "item") else value


def make_insight(folder, mistakes):
    """Write an insight of 100 images in ten classes; `mistakes` is {(class, predicted class): number of images}."""
    labels = np.repeat(np.arange(10), 10)
    predicted = labels.copy()
    for (label, taken_for), many in mistakes.items():
        predicted[10 * label : 10 * label + many] = taken_for
    table = insight.predictions(np.arange(100), labels, np.eye(10)[predicted])
    names = [f"class_{label}" for label in range(10)]
    layer = {"layer": "classifier", "kind": "Linear", "weight": [10, 8], "output": [10], "parameters": 90}
    facts = {"images": 100, "right": 100 - sum(mistakes.values()), "class_names": names, "structure": [layer]}
    facts |= {"filters": {"layer": "conv", "shape": [8, 3, 3, 3]}, "grad_cam": {"layer": "stages_2", "shape": [4, 4]}}
    facts |= {"tsne": {"images": 100, "features": 8, "perplexity": 30}}
    signs = np.where(np.arange(9) % 2, 1.0, -1.0).reshape(3, 3)  # the same in all channels, and next to nothing even
    content = {"insight.json": facts, "confusion.csv": insight.confusion(table, 10)}
    content |= {"filters.npz": {"weight": np.arange(1, 9).reshape(8, 1, 1, 1) * np.broadcast_to(signs, (8, 3, 3, 3))}}
    insight.write(content | {"per_class.csv": insight.per_class(table, names)}, folder)


def make_surface(folder, network):
    """Write the surface of a quadratic: a line, and the same points as a plane."""
    alpha = np.linspace(-1, 1, 9)
    line = pd.DataFrame({"network": network, "alpha": alpha, "loss": 0.5 + 4 * alpha**2})
    for name in ("lines", "contours"):
        line.to_csv(folder / f"figures/surface_{name}.csv", index=False)


def make_landscape(
    folder,
    title="made",
    embedded=True,
    surface=False,
    accuracies=None,
    trained=None,
    peaks=None,
    val_images=100,
    every=2,
    **options,
):
    """Make the folder of the landscape study; returns its `studies.Study`.

    `accuracies`: {(optimiser, block): accuracy}, for those that are not to have the made one; `trained` likewise, in
    training alone; `peaks` the best validation accuracy, in the first epoch.
    """
    folder.mkdir()
    write_landscape(folder, every=every, **options)
    cells = pd.read_csv(folder / "summary/cells.csv")
    for (optimizer, block), value in (accuracies or {}).items():
        found = (cells["optimizer"] == optimizer) & (cells["block"] == block)
        cells.loc[found, ["train_acc", "val_acc", "best_val_acc"]] = value
    for (optimizer, block), value in (trained or {}).items():
        cells.loc[(cells["optimizer"] == optimizer) & (cells["block"] == block), "train_acc"] = value
    history = pd.read_csv(folder / "summary/history.csv")
    for (optimizer, block), value in (peaks or {}).items():
        found = (cells["optimizer"] == optimizer) & (cells["block"] == block)
        cells.loc[found, "best_val_acc"] = value
        history.loc[history["cell"].isin(cells["cell"][found]) & (history["epoch"] == 0), "val_acc"] = value
    history.to_csv(folder / "summary/history.csv", index=False)
    facts = {"image_size": 32, "train_images": 90, "val_images": val_images, "test_images": 50, "device": "cpu"}
    cells.assign(**facts).to_csv(folder / "summary/cells.csv", index=False)
    (folder / "summary/dataset.json").write_text(json.dumps({"title": title, "embedded": embedded}))
    (folder / "tables").mkdir()
    (folder / "tables/landscape_table.tex").write_text(r"\begin{tabular}{l}numbers\end{tabular}")
    (folder / "figures").mkdir()
    if surface:
        make_surface(folder, "VGG-A")
    return Study(**LANDSCAPE, surface=SURFACE if surface else None)


def filled(tmp_path, landscape=None, author=(), **net):
    """The LaTeX of two made-up studies, with white space collapsed; `author`: keys of the section `report`."""
    studies = make_net(tmp_path / "net", **net), make_landscape(tmp_path / "landscape", **(landscape or {}))
    facts = findings.context(tmp_path / "net", studies[0], tmp_path / "landscape", studies[1])
    return " ".join(latex.render(TEMPLATE, facts | {**config.Report().model_dump(), **dict(author)}).split())
