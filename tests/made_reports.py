"""A synthetic study for a report: closed forms in the files that `summarise` writes, not results of any training."""

import csv
import itertools
import json
import math

from tests.conftest import ROOT
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.reports import findings
from workflow_scripts.engine.tables import gathering, summary
from workflow_scripts.engine.text import latex

TEMPLATES = [ROOT / "report" / f"mlp-cw2-{part}.tex.j2" for part in ("template", "questions")]
AUTHOR = {"student_number": "s7654321"}  # as the command gets it from its flag
SHALLOW, DEEP = ({"model": model, "block": "plain", "lr": 1e-3} for model in ("vgg08", "vgg38"))
ACCURACY = {"plain": 0.4, "bn": 0.5, "rc": 0.45, "bn_rc": 0.6}  # at the end of the synthetic runs of vgg38
CHANCE = {"train_loss": math.log(10), "train_acc": 0.1, "val_loss": math.log(10), "val_acc": 0.1}


def course_layers(blocks):
    inner = [f"blocks.{block}.conv{i}" for block in range(blocks) for i in (0, 1)] + [
        "reduction.conv0",
        "reduction.conv1",
    ]
    return ["entry.conv", *(f"stages.{stage}.{layer}" for stage in range(3) for layer in inner), "classifier"]


def write_study(
    folder,
    seeds=(0, 1, 2),
    lrs=(1e-3,),
    blocks=("plain", "bn", "rc", "bn_rc"),
    final=None,
    chance=(("vgg38", "plain"),),
    diverged=(),
    orders=13.0,
    dips=(),
    faint=(),
    more=(),
    epochs=3,
    spread=0.002,
    gain=0.03,
    apart=0.02,
    largest=0.1,
    **meta,
):
    """Write a summary folder: vgg08 plain, vgg38 with `blocks`, and `more`, at each rate and seed.

    `more`: other networks, as (model, block); `final`: accuracies by block; `chance`, `diverged`: the runs that stay at
    chance or diverge, as (model, block), (model, block, rate) or (model, block, rate, seed); `gain`, `apart`: how far
    training accuracy lies above validation accuracy, and test accuracy below it; `orders`: how many powers of ten the
    first layer's gradient lies below the last's in a run at chance; `dips`: blocks whose gradients are equally large at
    both ends and a thousandth of that in one layer between them; `faint`: blocks of vgg38 whose gradients are a
    millionth of the others'; `largest`: the share of the largest class.
    """
    data = {"title": "synthetic", "embedded": False, "num_classes": 10, "image_size": 16, **meta}
    networks = [("vgg08", "plain"), *(("vgg38", block) for block in blocks), *more]
    rows = {"cells.csv": [], "history.csv": [], "gradients.csv": []}
    for network, lr, seed in itertools.product(networks, lrs, seeds):
        run = (*network, lr, seed)
        guesses, diverges = (any(run[: len(of)] == of for of in chosen) for chosen in (chance, diverged))
        name = {"cell": f"{'-'.join(network)}-lr{lr:g}-seed{seed}"}
        top = 0.42 if network[0] == "vgg08" else {**ACCURACY, **(final or {})}[network[1]]
        # seeds deviate in a different order in each network, as in reality, or all differences would be certain
        place = seeds.index(seed) + networks.index(network) + lrs.index(lr)
        top += spread * (place % len(seeds) - (len(seeds) - 1) / 2) - 0.02 * lrs.index(lr)
        layers = course_layers(0 if network[0] == "vgg08" else 5)
        dip = network[0] == "vgg38" and network[1] in dips
        decay = (orders if guesses else 0.5 * (not dip)) / (len(layers) - 2)  # orders of magnitude per layer
        for epoch in range(epochs):
            curve = CHANCE if guesses else learning_curve(top * (epoch + 1) / epochs, gain)
            rows["history.csv"].append({**name, "epoch": epoch, "lr": lr, **curve, "seconds": 1.0})
            for depth, layer in enumerate(layers):
                size = 1e-4 * 10.0 ** (-decay * max(0, len(layers) - 2 - depth)) * (1e-3 if dip and depth == 9 else 1)
                size *= 1e-6 if network[0] == "vgg38" and network[1] in faint else 1
                means = {"mean_abs": size, "l2": size, "last_batch_mean_abs": size, "first_batch_mean_abs": size}
                rows["gradients.csv"].append({**name, "epoch": epoch, "layer": layer, "depth": depth, **means})
        record = Cell(dataset="digits", lr=lr, seed=seed, epochs=epochs).model_dump()
        facts = {key: data.get(key, 1) for key in gathering.MEASURED} | {
            "largest_class": largest,
            "parameters": 56_746 if network[0] == "vgg08" else 333_226,
            "train_images": 1250,
            "val_images": 300,
            "device": "cpu",
            "seconds": 60.0,
            "status": "finished",
            "diverged_step": None,
        }
        outcome = {
            **curve,
            "best_epoch": epochs - 1,
            "best_val_loss": curve["val_loss"],
            "best_val_acc": curve["val_acc"],
        }
        outcome |= {"test_loss": curve["val_loss"], "test_acc": curve["val_acc"] - apart}
        if diverges:
            facts |= {"status": "diverged", "diverged_step": 7}
            outcome = dict.fromkeys(outcome)
        rows["cells.csv"].append({**name, **record, "model": network[0], "block": network[1], **facts, **outcome})
    folder.mkdir(parents=True, exist_ok=True)
    for file, table in rows.items():
        with open(folder / file, "w", newline="") as handle:
            writer = csv.DictWriter(handle, table[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
    (folder / "dataset.json").write_text(json.dumps(data))
    return folder


def learning_curve(accuracy, gain):
    return {
        "train_loss": 3 - 2 * accuracy,
        "train_acc": accuracy + gain,
        "val_loss": 3.1 - 2 * accuracy,
        "val_acc": accuracy,
    }


def filled(folder, **study):
    """The two LaTeX texts of a synthetic study as one, with white space collapsed."""
    facts = findings.context(summary.load(write_study(folder, **study)), SHALLOW, DEEP) | AUTHOR
    return " ".join(" ".join(latex.render(template, facts) for template in TEMPLATES).split())
