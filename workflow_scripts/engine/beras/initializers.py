"""What the initial weights do to a signal: the variance of the activations by depth, for each initialiser."""

import Beras
import numpy as np
from Beras.layers import INITIALIZERS

DEPTH, WIDTH = 20, 256
COLUMNS = ("initializer", "seed", "depth", "variance", "predicted")


def probe(inputs, seeds, depth=DEPTH, width=WIDTH):
    """Rows (of `COLUMNS`) for an untrained chain of `depth` dense layers of `width` units, with ReLUs between them.

    `variance` is that of a dense layer's outputs over the units and the samples of `inputs`, (n, m); `predicted` is the
    value at depth 1 times `factor` for every further layer.
    """
    for initializer in INITIALIZERS:
        for seed in seeds:
            np.random.seed(seed)
            variances = list(_variances(inputs, initializer, depth, width))
            for place, variance in enumerate(variances):
                predicted = variances[0] * factor(initializer, width) ** place
                yield initializer, seed, place + 1, variance, predicted


def factor(initializer, width):
    """What a ReLU and a dense layer of `width` x `width` do to the variance, n std^2 / 2 (He et al., 2015, eq. 9).

    It holds for outputs that are symmetric about zero, of whose mean square the ReLU then lets half through.
    """
    return width * INITIALIZERS[initializer](width, width) ** 2 / 2


def _variances(x, initializer, depth, width):
    relu = Beras.ReLU()
    for _ in range(depth):
        outputs = Beras.Dense(x.shape[1], width, initializer)(x)
        yield float(outputs.var(dtype=np.float64))
        x = relu(outputs)
