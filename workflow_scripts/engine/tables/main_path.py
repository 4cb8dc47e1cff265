"""The main path of a network, from the input to the output, as the names of its layers show it.

Not on it are companion classifiers (deep supervision), which are near the loss whatever stage they follow, and the
projections of shortcuts: without them, layers at the same place can be compared between variants of a network.
"""

import re

import numpy as np

ASIDE = re.compile(r"\.(?:companion|projection)$")


def aside(layers):
    """Whether each of these layers is off the main path: an array of booleans.

    >>> aside(["entry.conv", "stages.0.companion", "classifier"])
    array([False,  True, False])
    """
    return np.array([bool(ASIDE.search(layer)) for layer in layers], bool)


def places(layers):
    """The place of each of these layers, in the order of their depth, on the main path: an array of numbers from 0.

    A layer off the main path is half-way between its neighbours on it.

    >>> places(["entry.conv", "stages.0.companion", "classifier"])
    array([0. , 0.5, 1. ])
    """
    beside = aside(layers)
    return np.cumsum(~beside) - 1 + beside / 2
