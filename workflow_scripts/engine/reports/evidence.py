"""What the facts of several reports rest on: measures over seeds, comparisons, rows, the data set, the setup.

A comparison of two rows says what their seeds can show: "higher" or "lower" where, from `statistics.ENOUGH` seeds
or more, the 95 % interval of the difference excludes 0, in a family of comparisons after Holm's correction, and "alike"
where these seeds could show no difference. It is "single" where one of them has a single seed: the spread is unknown,
and whether they differ cannot be told.
"""

import math
from types import SimpleNamespace
from typing import NamedTuple

import pandas as pd

from workflow_scripts.engine.configuration.cells import ROW
from workflow_scripts.engine.tables import flows, labels, names, protocol, statistics, summary
from workflow_scripts.engine.text.latex import Tex, count, escape, number
from workflow_scripts.engine.text.wording import counted

DIGITS = 8  # pixels on a side of scikit-learn's digits


class Measure(NamedTuple):
    """A mean over seeds and their sample standard deviation (NaN with one seed)."""

    mean: float
    std: float

    @classmethod
    def from_json(cls, found):
        """From a measure in chosen.json (see `choice.chosen`), where null stands for NaN."""
        return cls(found["mean"], math.nan if found["std"] is None else found["std"])


def compare(first, second, metric):
    """The `statistics.Difference` of two rows in a metric such as `val_acc`."""
    return compared([(first, second)], metric)[0][-1]


def compared(pairs, metric):
    """(row, other row, `statistics.Difference` in a metric) for each pair of rows, as one family."""
    values = [(first.by_seed[metric], second.by_seed[metric]) for first, second in pairs]
    part, _, kind = metric.partition("_")
    images = [first.facts[f"{part}_images"] for first, _ in pairs] if kind == "acc" else None
    return [(*pair, result) for pair, result in zip(pairs, statistics.compare(values, images), strict=True)]


def differing(record, other):
    """The keys of the record in which two mappings differ; pandas may have turned None into NaN."""
    pairs = {key: (record[key], other[key]) for key in ROW}
    return [key for key, (one, two) in pairs.items() if one != two and not (pd.isna(one) and pd.isna(two))]


def p_digits(p):
    """How many significant digits tell a p-value from the limit: two, or as many more as that takes.

    >>> p_digits(0.12), p_digits(0.0502)
    (2, 3)
    """
    limit = 1 - statistics.CONFIDENCE
    return next((digits for digits in range(2, 9) if f"{p:.{digits - 1}e}" != f"{limit:.{digits - 1}e}"), 2)


def rows_of(found, table):
    """The rows of `over_seeds` with what the report says about each beyond the table."""
    facts = found.cells.set_index("cell")
    rows = []
    for name, record in zip(_names(table), table.to_dict("records"), strict=True):
        row = SimpleNamespace(**record)
        for metric in summary.METRICS:
            setattr(row, metric, Measure(record[metric], record[f"{metric}_std"]))
        row.by_seed = summary.by_seed(found.cells, row.finished)
        row.name = name
        row.model_label = labels.label({**record, "block": "plain"})
        row.block_label = labels.block_label(row.block)
        row.facts = facts.loc[row.cells[0]]  # of the data and the network: the same for every seed
        row.learned = _learned(row)
        row.outcome = "learns" if row.learned else "chance" if row.finished else "diverged"
        row.flows = flows.flows(summary.gradients_by_cell(found, record))
        row.initial = flows.initial(summary.gradients_by_cell(found, record, "first_batch_mean_abs"))
        rows.append(row)
    return rows


def named(rows):
    """(row, its name among these rows) for each row."""
    return list(zip(rows, _names(pd.DataFrame(map(vars, rows))), strict=True)) if rows else []


def _names(table):
    """The label of each row, followed by the settings that set it apart from rows of the same label."""
    keys = names.by_label(table)
    return [_name(record, keys[record["label"]]) for record in table.to_dict("records")]


def _name(record, keys):
    values = {key: _in_latex(key, record[key]) for key in keys}
    settings = [rf"$\eta$\,=\,{values[key]}" if key == "lr" else f"{escape(key)} {values[key]}" for key in keys]
    return Tex(escape(record["label"]) + (f" ({', '.join(settings)})" if settings else ""))


def _in_latex(key, value):
    known = isinstance(value, float) and not math.isnan(value)
    return number(value) if known else escape(labels.format_value(key, value))


def _learned(row):
    """How many of the row's seeds end with a training or validation accuracy above `statistics.chance`."""
    guess = statistics.guess(row.largest_class, row.num_classes)
    above = set()
    for part in ("train", "val"):
        limit = statistics.chance(guess, row.facts[f"{part}_images"])
        above |= {seed for seed, accuracy in row.by_seed[f"{part}_acc"].items() if accuracy > limit}
    return len(above)


def data_of(found):
    """The data set of a study: title, whether it comes with the software, whether only a part of its training images
    was used by all cells (`cut`) or by some (`partly`), sizes, the loss of equal probabilities; in LaTeX, what its
    images are (`images`). `train_images` are the fewest and the most, one number where all cells have as many.

    `largest_class`: the share of the largest class among the training images; NaN where it differs between the cells.
    """
    cells = found.cells
    facts = cells.iloc[0]
    cut = _cut(cells, found.dataset.get("datasets", []))
    sources = {dataset.get("source") for dataset in found.dataset.get("datasets", [])}
    return SimpleNamespace(
        title=found.dataset["title"],
        embedded=bool(found.dataset["embedded"]),
        cut=bool(cut.all()),
        partly=bool(cut.any() and not cut.all()),
        images=_images(int(facts["image_size"]), small_digits=sources == {"digits"}),
        largest_class=_only(cells["largest_class"]),
        chance_loss=math.log(facts["num_classes"]),
        train_images=tuple(sorted({int(cells["train_images"].min()), int(cells["train_images"].max())})),
        **{key: int(facts[key]) for key in ("num_classes", "image_size", "val_images", "test_images")},
    )


def _cut(cells, datasets):
    """Which cells leave out a part of the training images; one may also ask for as many as there are."""
    there = cells["dataset"].map({dataset.get("name"): dataset.get("train_images") for dataset in datasets})
    return (cells["train_items"] > 0) & (cells["train_images"] + cells["val_images"] != there)  # NaN: not given


def _only(values):
    """The value that all of them have; NaN where they differ."""
    return float(values.iloc[0]) if values.nunique() == 1 else math.nan


def _images(size, small_digits):
    """How many pixels they have; scikit-learn's digits are grey images of 8 x 8, enlarged to any other size."""
    pixels = rf"${size}\times{size}$"
    if not small_digits:
        return Tex(rf"of {pixels} pixels")
    return Tex(r"of $8\times8$ grey pixels" + (f", enlarged to {pixels}" if size != DIGITS else ""))


def options(cells):
    """Sentences, without their full stop, about what these cells set of that which most studies leave as it is."""
    words = protocol.words(cells)
    drawn = [] if set(cells["init"]) == {"own"} else [Tex(f"The initialisation is {words.init}")]
    return drawn + words.also


def over(fewest, most):
    """From how many seeds a figure or a table is, in words.

    >>> over(3, 3), over(1, 3)
    ('3 seeds', '1 to 3 seeds')
    """
    return counted(count(most if fewest == most else (fewest, most)), "seed")


def setup_of(cells):
    """Numbers of cells and seeds, a row's `fewest` and `most` seeds, and both in words, for captions (`over`); whether
    any augments or has a width other than 1."""
    seeds = cells.groupby(list(ROW), dropna=False).size()
    fewest, most = int(seeds.min()), int(seeds.max())
    return SimpleNamespace(
        cells=len(cells),
        seeds=cells["seed"].nunique(),
        fewest=fewest,
        most=most,
        over=over(fewest, most),
        augmented=bool((cells["augmentation"] != "none").any()),
        other_width=bool((cells["width"] != 1).any()),
    )
