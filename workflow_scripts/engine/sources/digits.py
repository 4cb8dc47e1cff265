"""scikit-learn's 1,797 handwritten digits, 8x8 (Alpaydin & Kaynak 1998): real data that comes with the package."""

import numpy as np

from workflow_scripts.engine.sources import Decoded, register_source

TRAIN = 1500  # of 1,797, in the package's order


@register_source("digits")
def digits(dataset, cache):
    """The digits, their 17 grey levels spread over 0..255."""
    from sklearn.datasets import load_digits  # takes a second, which only this source should cost

    package = load_digits()
    images = np.rint(package.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = package.target
    return Decoded(
        train_images=images[:TRAIN],
        train_labels=labels[:TRAIN],
        test_images=images[TRAIN:],
        test_labels=labels[TRAIN:],
        class_names=[str(digit) for digit in range(10)],
        title="digits (scikit-learn)",
        embedded=True,
    )
