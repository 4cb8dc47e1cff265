"""Summaries of studies made from closed forms, as figures and tables read them."""

import json
import math

import pandas as pd

from workflow_scripts.engine.configuration.record import Cell

CLASSES, EPOCHS = 10, 3
LAYERS = ("entry.conv", "stages.0.reduction.conv0", "stages.0.reduction.conv1", "classifier")
QUALITY = {"plain": 0.1, "bn": 0.6, "rc": 0.7, "bn_rc": 0.8}  # accuracy after the last epoch, seed 0


def accuracy(record, epoch):
    return QUALITY.get(record["block"], 0.5) * (epoch + 1) / EPOCHS + 0.01 * record["seed"]


def mean_gradient(record, epoch, depth):
    return (1 + record["seed"] ** 2) * 10.0 ** (depth - len(LAYERS) - epoch)


def write_summary(folder, records, diverged=(), zero=(), end=1):
    """Write a summary folder with these records; those whose index is in `diverged` end with NaN in epoch `end`."""
    cells, history, gradients = [], [], []
    for place, record in enumerate(records):
        name, broken = f"cell{place}", place in diverged
        for epoch in range(end + 1 if broken else EPOCHS):
            known = math.nan if broken and epoch == end else 1.0
            right = accuracy(record, epoch)
            history.append([name, epoch, record["lr"], 2 - right, right / 2, known * (3 - right), right, 1.0])
            for depth, layer in enumerate(LAYERS):
                value = 0.0 if depth in zero else known * mean_gradient(record, epoch, depth)
                gradients.append([name, epoch, layer, depth, value])
        last = dict(zip(["train_loss", "train_acc", "val_loss", "val_acc"], history[-1][3:7], strict=True))
        best = {"best_val_acc": last["val_acc"], "test_loss": 2 * last["val_loss"], "test_acc": last["val_acc"] / 3}
        status = (
            {"status": "diverged", "diverged_step": 17} if broken else {"status": "finished", "diverged_step": None}
        )
        sizes = {
            "parameters": 59716,
            "num_classes": CLASSES,
            "largest_class": 1 / CLASSES,
            "val_images": 10_000,
            "seconds": 3.0,
        }
        cells.append({"cell": name, **record, **sizes, **status, **last, **best})
    folder.mkdir(parents=True, exist_ok=True)
    columns = ["cell", "epoch", "lr", "train_loss", "train_acc", "val_loss", "val_acc", "seconds"]
    pd.DataFrame(cells).to_csv(folder / "cells.csv", index=False)
    pd.DataFrame(history, columns=columns).to_csv(folder / "history.csv", index=False)
    columns = ["cell", "epoch", "layer", "depth", "mean_abs"]
    pd.DataFrame(gradients, columns=columns).to_csv(folder / "gradients.csv", index=False)
    (folder / "dataset.json").write_text(json.dumps({"title": "synthetic", "embedded": False}))
    return folder


def record(block="plain", seed=0, **values):
    """A record; its block may be unregistered, as in a summary read by an older checkout."""
    return {**Cell(**values).model_dump(), "block": block, "seed": seed}


def study(models=("vgg08", "vgg38"), blocks=tuple(QUALITY), seeds=3, **values):
    return [record(block, seed, model=model, **values) for model in models for block in blocks for seed in range(seeds)]
