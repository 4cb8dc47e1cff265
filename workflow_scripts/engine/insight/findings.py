"""What `inspect_cell` found, read back, and which of many classes figures and reports name."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.engine.tables import reading
from workflow_scripts.engine.text.wording import class_names

NAMED = 20  # classes up to which names and counts are legible in a column
EXTREMES = 10  # classes at either end of the accuracies, where there are more than NAMED
PAIRS = 5  # most confused pairs of classes that are named, where there are more than NAMED


@dataclass(frozen=True)
class Insight:
    """The files of `inspect_cell`, read."""

    folder: Path
    facts: dict

    def table(self, name):
        """The data frame in the CSV file of this name."""
        return reading.table(self.folder / f"{name}.csv", "inspect_cell", dtype={"name": str})

    def arrays(self, name):
        """{name: array} in the .npz file of this name."""
        with np.load(self.folder / f"{name}.npz", allow_pickle=False) as file:
            return dict(file)

    @property
    def names(self):
        """The readable names of the classes, in the order of their labels."""
        return class_names(self.facts["class_names"])


def load(folder):
    """The `Insight` in a folder; raises UserError where there is none."""
    folder = Path(folder)
    return Insight(folder, reading.facts(folder / "insight.json", "inspect_cell"))


def most_confused(table, pairs=PAIRS):
    """The rows of `confusion` off the diagonal with the most images; none where there are no mistakes."""
    wrong = table[(table["label"] != table["predicted"]) & (table["images"] > 0)]
    return wrong.sort_values("images", ascending=False, kind="stable")[:pairs]


def shares(weight):
    """Of the squares of all weights of filters (filters, channels, rows, columns), the share that lies in the means of
    each filter's channels (`even`), and in its means over the channels (`common`).

    Independent weights of mean 0 and one variance have 1 / (rows * columns) and 1 / channels on average.

    >>> one = np.array([[[[1.0, -1.0]], [[1.0, -1.0]]]])
    >>> shares(one), shares(one + 1)
    ({'even': 0.0, 'common': 1.0}, {'even': 0.5, 'common': 1.0})
    """
    squares = np.square(weight, dtype=np.float64).mean()
    over = {"even": (2, 3), "common": 1}
    return {name: float(np.square(weight.mean(axis, dtype=np.float64)).mean() / squares) for name, axis in over.items()}
