"""What a trained network has learned, as tidy files: its filters, its mistakes, its features, where it looks.

Everything is about the *validation* images: the test images are read once, for the result reported for the chosen
network, and nothing that somebody might act upon is taken from them.
"""

import contextlib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.insight.grad_cam import grad_cam, last_map
from workflow_scripts.engine.training.trainer import EVALUATION_BATCH

EMBEDDED = 1000  # images in the t-SNE: more would be a cloud of ink, and take minutes
FEW = 100  # images up to which t-SNE is exact; with very few, scikit-learn's fast algorithm crashes the process
PERPLEXITY = 30  # scikit-learn's default; less where there are few images
Z = 1.959964  # standard deviations: 95 % of a normal distribution lie within


def inspect(training, data, count):
    """{file name: its content}: data frames for .csv, mappings of arrays for .npz, facts for .json.

    `count` is how many right and how many wrong predictions are examined with Grad-CAM.
    """
    model, images = training.model, training.val_indices
    probabilities, features = outputs(training)
    table = predictions(images, data.train_labels[images], probabilities)
    maps, layer = heat_maps(training, data, examples(table, count), probabilities)
    name, filters = first_filters(model)
    embedding, perplexity = tsne(features, table)
    facts = {
        "images": len(table),
        "right": int((table["label"] == table["predicted"]).sum()),
        "image_shape": list(data.image_shape),
        "class_names": data.class_names.tolist(),
        "dataset": training.cell.dataset,
        "structure": structure(training),
        "filters": {"layer": name, "shape": list(filters.shape)},
        "grad_cam": {"layer": layer, "shape": list(maps["map_predicted"].shape[1:])},
        "tsne": {"images": len(embedding), "features": features.shape[1], "perplexity": perplexity},
    }
    return {
        "insight.json": facts,
        "filters.npz": {"weight": filters},
        "predictions.csv": table,
        "confusion.csv": confusion(table, data.num_classes),
        "per_class.csv": per_class(table, data.class_names),
        "tsne.csv": embedding,
        "grad_cam.npz": maps,
    }


WRITERS = {".csv": whole_files.write_table, ".json": whole_files.write_json, ".npz": whole_files.write_arrays}


def write(content, out):
    """Write what `inspect` returns to the folder `out`."""
    for name, thing in content.items():
        path = Path(out) / name
        WRITERS[path.suffix](path, thing)


@torch.no_grad()
def outputs(training):
    """(probabilities, features) of all validation images: float64 (n, classes), and float32 (n, d), the inputs of the
    last linear layer; raises UserError for a network without one."""
    kept = {}

    def keep(module, inputs):
        kept["features"] = inputs[0].flatten(1).float().cpu()

    linear = [module for module in training.model.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise UserError(f"the network {training.cell.model} has no linear layer whose inputs would be its features")
    probabilities, features = [], []
    with contextlib.ExitStack() as hooks:
        for module in linear:  # the last to run overwrites the others
            hooks.enter_context(module.register_forward_pre_hook(keep))
        for images, _ in training.val_batches.in_order(EVALUATION_BATCH):
            probabilities.append(training.predict(images).double().softmax(1).cpu())
            features.append(kept["features"])
    return torch.cat(probabilities).numpy(), torch.cat(features).numpy()


@torch.no_grad()
def structure(training):
    """A mapping per layer with a weight, in the order in which they run: `layer`, `kind`, the shapes of its `weight`
    and of its `output` for one image, its number of `parameters`."""
    rows = []

    def note(name):
        def hook(module, inputs, output):
            row = {"layer": name, "kind": type(module).__name__, "weight": list(module.weight.shape)}
            rows.append(row | {"output": list(output.shape[1:]), "parameters": sum(map(torch.numel, own[name]))})

        return hook

    modules = dict(training.model.named_modules())
    own = {name: [*module.parameters(recurse=False)] for name, module in modules.items() if hasattr(module, "weight")}
    images, _ = next(training.val_batches.in_order(EVALUATION_BATCH))
    with contextlib.ExitStack() as hooks:
        for name in own:
            hooks.enter_context(modules[name].register_forward_hook(note(name)))
        training.model(images[:1])
    return rows


def predictions(images, labels, probabilities):
    """A row per image: its `image` (index among the training images of the data set), `label`, `predicted`, and the
    `confidence`, the probability of the predicted class."""
    predicted = probabilities.argmax(1)
    confidence = probabilities[np.arange(len(predicted)), predicted]
    return pd.DataFrame({"image": images, "label": labels, "predicted": predicted, "confidence": confidence})


def confusion(table, classes):
    """How many images of each label were predicted as each class, zeros included: `label`, `predicted`, `images`."""
    counts = np.bincount(table["label"] * classes + table["predicted"], minlength=classes**2)
    label, predicted = np.divmod(np.arange(classes**2), classes)
    return pd.DataFrame({"label": label, "predicted": predicted, "images": counts})


def per_class(table, names):
    """A row per class: its `images`, how many are `right`, the `accuracy` with Wilson's 95 % interval `low`, `high`,
    how often it is `predicted`, and the `precision` of these. What would divide by zero is NaN."""
    classes = len(names)
    right = np.bincount(table["label"][table["label"] == table["predicted"]], minlength=classes)
    images, predicted = (np.bincount(table[column], minlength=classes) for column in ("label", "predicted"))
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy, precision = right / images, right / predicted
        middle = (accuracy + Z**2 / (2 * images)) / (1 + Z**2 / images)
        half = Z / (1 + Z**2 / images) * np.sqrt(accuracy * (1 - accuracy) / images + Z**2 / (4 * images**2))
        low, high = np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
    columns = {"images": images, "right": right, "accuracy": accuracy, "low": low, "high": high}
    columns |= {"predicted": predicted, "precision": precision}
    return pd.DataFrame({"label": np.arange(classes), "name": names, **columns})


def examples(table, count):
    """The rows of `predictions` to examine: up to `count` right ones, the first of each class in turn, so that they are
    of as many classes as possible; then up to `count` wrong ones, those with the highest confidence."""
    right = table["label"] == table["predicted"]
    turn = table[right].groupby("label").cumcount()
    first = table[right].assign(turn=turn).sort_values(["turn", "label"], kind="stable").drop(columns="turn")
    worst = table[~right].sort_values("confidence", ascending=False, kind="stable")
    return pd.concat([first[:count], worst[:count]])


def heat_maps(training, data, shown, probabilities):
    """(Grad-CAM arrays for the rows `shown` of `predictions`, name of the layer whose feature map is used).

    `pixels` uint8 (m, rows, columns, channels); `image`, `label`, `predicted` (m,); for each of the last two, the
    network's `probability_...` (m,) and the heat map `map_...` (m, h, w).
    """
    model, places = training.model, shown.index.to_numpy(copy=True)
    images = images_at(training.val_batches, places)
    layer = last_map(model, images)
    arrays = {"pixels": data.train_images[shown["image"]], "image": shown["image"].to_numpy()}
    for role in ("label", "predicted"):
        classes = shown[role].to_numpy(copy=True)
        with training.precision():
            maps = grad_cam(model, layer, images, torch.from_numpy(classes).to(training.device))
        arrays |= {
            role: classes,
            f"probability_{role}": probabilities[places, classes],
            f"map_{role}": maps.cpu().numpy(),
        }
    return arrays, layer


def images_at(batches, places):
    """The images at an array of indices into `Batches`, normalised (m, c, h, w); batches are not kept in memory."""
    parts = [
        images[np.sort(places[places // EVALUATION_BATCH == number]) % EVALUATION_BATCH]
        for number, (images, _) in enumerate(batches.in_order(EVALUATION_BATCH))
    ]
    return torch.cat(parts)[np.argsort(np.argsort(places))]


def first_filters(model):
    """(name, weights (filters, channels, rows, columns)) of the first convolution. UserError if there is none."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            return name, module.weight.detach().float().cpu().contiguous().numpy()
    raise UserError("the network has no convolution whose filters could be shown")


def tsne(features, table):
    """(data frame, perplexity) of a t-SNE (van der Maaten & Hinton 2008) of features (n, d) into the plane.

    Columns: `image`, `x`, `y`, `label`, `right`. Of more images than `EMBEDDED`, that many are taken, evenly spaced.
    Raises UserError where there are fewer than four.
    """
    from sklearn.manifold import TSNE  # here because it takes seconds to import
    from threadpoolctl import threadpool_limits

    chosen = np.unique(np.linspace(0, len(table) - 1, min(len(table), EMBEDDED)).round().astype(int))
    perplexity = min(PERPLEXITY, (len(chosen) - 1) / 3)
    if len(chosen) < 4:
        raise UserError(f"a t-SNE needs at least 4 validation images, found {len(chosen)}; raise val_fraction")
    picked = features[chosen].astype(np.float64)
    start = "pca" if min(picked.shape) > 1 and np.ptp(picked, axis=0).any() else "random"
    with threadpool_limits(1), warnings.catch_warnings():  # one thread: results depend on the order of sums
        warnings.simplefilter("ignore")  # scikit-learn's about features that are all alike
        method = "exact" if len(chosen) <= FEW else "barnes_hut"
        places = TSNE(perplexity=perplexity, init=start, random_state=0, method=method).fit_transform(picked)
    rows = table.iloc[chosen]
    columns = {"image": rows["image"], "x": places[:, 0], "y": places[:, 1], "label": rows["label"]}
    return pd.DataFrame(columns | {"right": rows["label"] == rows["predicted"]}), perplexity
