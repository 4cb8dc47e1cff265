"""Labels as vectors: class k of n is a row of n zeros with a one at k."""

import numpy as np

from .core import Callable


class OneHotEncoder(Callable):
    """Learns which labels exist (`fit`), then encodes (`forward`) and decodes (`inverse`) them.

    `uniq` holds the labels, sorted; `uniq2oh` maps each of them to its vector.
    """

    def fit(self, data):
        """Learn the labels from `data`, (samples,), which should contain every label that will ever occur.

        Raises ValueError for another shape, as of labels that are vectors already, and if one of them is NaN, which
        equals no label, not even itself, and so could never be found.
        """
        uniq = np.unique(_labels(data))
        if np.any(uniq != uniq):  # of all values only NaN and its like
            raise ValueError("found NaN among the labels, which is no class: leave out the samples that have no label")
        self.uniq = uniq
        self._vectors = np.eye(len(self.uniq), dtype=np.float32)
        self.uniq2oh = dict(zip(self.uniq.tolist(), self._vectors, strict=True))

    def forward(self, data):
        """(samples,) labels -> (samples, classes) float32. Calls `fit` on `data` first if it was never called.

        Raises ValueError for another shape, and for a label that `fit` has not seen.
        """
        data = _labels(data)
        if not hasattr(self, "uniq"):
            self.fit(data)
        unknown = np.setdiff1d(data, self.uniq)
        if len(unknown):
            raise ValueError(
                f"label {unknown.tolist()[0]!r} is not one of the {len(self.uniq)} that the encoder was fitted to: "
                f"{np.array2string(self.uniq, separator=', ', threshold=20, max_line_width=np.inf)}"
            )
        return self._vectors[np.searchsorted(self.uniq, data)]

    def inverse(self, data):
        """(samples, classes) -> (samples,): the label of the largest entry in each row.

        Raises RuntimeError if no label is known yet, and ValueError for another shape.
        """
        if not hasattr(self, "uniq"):
            raise RuntimeError("fit() or forward() should come before inverse(): the encoder knows no labels yet")
        data = np.asarray(data)
        if data.ndim != 2 or data.shape[1] != len(self.uniq):
            raise ValueError(f"inverse() takes vectors (samples, {len(self.uniq)}), found shape {data.shape}")
        return self.uniq[data.argmax(axis=1)]


def _labels(data):
    data = np.asarray(data)
    if data.ndim != 1:
        raise ValueError(f"OneHotEncoder takes labels (samples,), found shape {data.shape}")
    return data
