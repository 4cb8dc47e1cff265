"""A landscape study whose cells follow closed forms for what the observers measure."""

import math

import numpy as np

from tests.made_summaries import record, write_summary
from workflow_scripts.engine.landscape import tables

STEPS, END = 40, 17  # steps of a run, and where a diverged one ended according to `write_summary`
RATES, LAGS, SIZES = (0.001, 0.002, 0.004), (1, 3), (0.5, 1.0, 4.0)
LAYERS = ("features.0", "features.3", "features.6", "classifier.4")
STUDY = {
    "grids": [{"model": "vgg_a"}],
    "landscape": {"rates": {"optimizer": "adam"}, "walk": {"optimizer": "sgd"}},
}
SCALE = {"plain": 4.0, "bn": 1.0}  # plain is this many times worse in every closed form


def loss(block, lr, step):
    """The losses of the rates cross: the lowest rate is best at first, the highest at the end."""
    return SCALE[block] * (1 + lr * (20 - step))


def arrays(cell, diverged=False, walked=True, every=5):
    """What the observers of a cell with this record would have measured, in closed form."""
    scale, lr, steps, lags = SCALE[cell["block"]], cell["lr"], np.arange(STEPS), np.array(LAGS)
    known = np.where(diverged & (steps >= END), math.nan, 1.0)
    past = np.where(steps >= lags[:, None], known, math.nan)
    found = {
        "train_loss": known * loss(cell["block"], lr, steps),
        "lags": lags,
        "gradient_norm": known * 5.0,
        "last_gradient_norm": known * 2.0,
        "gradient_distance": past * scale * lr * lags[:, None] * (1 + steps),
        "weight_distance": past * lr * np.sqrt(lags[:, None]),
    }
    if cell["optimizer"] == "sgd" and walked:
        probed, sizes = steps[::every], np.array(SIZES)
        here = known[::every, None]
        found |= {"walk_steps": probed, "step_sizes": sizes}
        found |= {"walk_loss_here": here[:, 0], "walk_gradient_norm": here[:, 0] * scale}
        found["walk_loss"] = here * scale * (1 + sizes + probed[:, None])
        found["walk_gradient_distance"] = here * scale * sizes * (1 + probed[:, None])
        found["walk_beta"] = here * scale * (1 + probed[:, None]) / lr + 0 * sizes
        found |= {"shift_steps": probed, "shift_layers": np.array(LAYERS)}
        depth = np.arange(len(LAYERS))
        found["shift_l2"] = here * scale * depth
        found["shift_cosine"] = here * (1 - 0.1 * scale**0.5 * depth)
    return found


def records(**values):
    of_rates = [record(block, model="vgg_a", lr=lr, **values) for block in SCALE for lr in RATES]
    return of_rates + [record(block, model="vgg_a", lr=0.1, optimizer="sgd", **values) for block in SCALE]


def write_study(folder, found=None, diverged=(), change=lambda cell, arrays: arrays, **options):
    """Write a summary of these records (`records()` by default), with the landscape's tables, as cell0, cell1, ..."""
    found = found or records()
    write_summary(folder / "summary", found, diverged)
    for place, cell in enumerate(found):
        (folder / f"cell{place}").mkdir()
        content = change(cell, arrays(cell, diverged=place in diverged, **options))
        np.savez(folder / f"cell{place}" / "steps.npz", **content)
    tables.gather([folder / f"cell{place}" for place in range(len(found))], folder / "summary")
    return folder / "summary"


def network(landscape, block):
    (number,) = landscape.networks.loc[landscape.networks["block"] == block, "network"]
    return number
