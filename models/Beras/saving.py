"""Weights in a file: one .npz archive with an array for each of the layers' variables, and no pickles."""

import os
from zipfile import BadZipFile

import numpy as np


def save_weights(model, path):
    """Write the variables of all layers of `model` to `path`. The file is written completely or not at all."""
    temporary = f"{os.fspath(path)}.part"
    try:
        with open(temporary, "wb") as file:  # an open file: np.savez would add .npz to another name
            np.savez(file, **_variables(model))
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def load_weights(model, path):
    """Copy the arrays of `path` into the variables of `model`, in place.

    Raises ValueError if the file holds anything other than this model's variables; the model is then unchanged.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
    except (ValueError, EOFError, BadZipFile, AttributeError, TypeError) as error:
        raise ValueError(f"{path} is not a file of weights (an .npz archive of arrays): {error}") from error
    variables = _variables(model)
    expected = {key: variable.shape for key, variable in variables.items()}
    found = {key: array.shape for key, array in arrays.items()}
    if found != expected:
        key = next(key for key in (*expected, *found) if expected.get(key) != found.get(key))
        raise ValueError(
            f"{path} does not fit the model: for {key} expected {_described(expected, key)}, "
            f"found {_described(found, key)}"
        )
    for key, variable in variables.items():
        variable[...] = arrays[key]


def _variables(model):
    """{"layer0.0": array, ...}, named by the layer's index in the model and the variable's index in the layer."""
    return {
        f"layer{i}.{j}": variable for i, layer in enumerate(model.layers) for j, variable in enumerate(layer.variables)
    }


def _described(shapes, key):
    return f"an array of shape {shapes[key]}" if key in shapes else "no array"
