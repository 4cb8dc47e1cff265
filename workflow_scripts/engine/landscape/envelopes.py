"""The loss landscape of runs that differ only in their learning rate, from their steps.npz files. Needs only NumPy.

This is the brief's protocol; `training/observers.py` records the arrays and also has the paper's protocol.
"""

from typing import NamedTuple

import numpy as np


class Envelope(NamedTuple):
    """Per step, over several runs: the least and the greatest value, and how many runs still have one. Each (S,)."""

    min_curve: np.ndarray
    max_curve: np.ndarray
    runs: np.ndarray


def envelope(curves):
    """The `Envelope` of `curves`: arrays (steps,) with a value per step, one per learning rate, of differing lengths.

    A run ends with its curve, or for good at its first infinity or its first NaN after a number: what a diverged run
    records after that is no point of a landscape. Where no run has a value, the envelope is NaN.
    """
    steps = max(map(len, curves), default=0)
    values = np.full((len(curves), steps), np.nan)
    for row, curve in zip(values, curves, strict=True):
        curve = np.asarray(curve, float)
        began = np.maximum.accumulate(np.isfinite(curve))  # lagged distances begin with NaN
        ended = np.maximum.accumulate(np.isinf(curve) | (began & np.isnan(curve)))
        row[: len(curve)] = np.where(ended, np.nan, curve)
    here = ~np.isnan(values)
    runs = here.sum(0)
    least = np.where(here, values, np.inf).min(0, initial=np.inf)
    greatest = np.where(here, values, -np.inf).max(0, initial=-np.inf)
    return Envelope(np.where(runs, least, np.nan), np.where(runs, greatest, np.nan), runs)


def effective_beta(gradient_distance, weight_distance):
    """Gradient distance over the distance moved, elementwise; NaN where nothing moved.

    For the distances between two steps of a run this is a secant slope of the gradient, and a lower bound on the
    constant beta of a beta-smooth loss: |g(v) - g(w)| <= beta |v - w|.
    """
    gradient_distance, weight_distance = np.asarray(gradient_distance, float), np.asarray(weight_distance, float)
    ratio = np.full(np.broadcast_shapes(gradient_distance.shape, weight_distance.shape), np.nan)
    return np.divide(gradient_distance, weight_distance, out=ratio, where=weight_distance > 0)
