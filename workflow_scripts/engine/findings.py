r"""What a study shows, as facts that the templates of a report turn into sentences. Numbers stay numbers here.

A comparison of two rows says what their seeds allow: "higher" or "lower" where the means differ by more than
two standard errors of the difference, "alike" where they do not, and "single" where one of them has a single
seed, so that the spread is unknown and only the runs themselves can be spoken of.
"""

import math
import re
from dataclasses import dataclass
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from workflow_scripts.engine import protocol
from workflow_scripts.engine import summary as tables
from workflow_scripts.engine.latex import Tex, escape, number

BRIEF_BLOCKS = ("plain", "bn", "rc", "bn_rc")
ADAM_EPSILON = 1e-8
SLOPE = 0.01  # of the course networks' LeakyReLU


class Measure(NamedTuple):
    """A mean over seeds and their sample standard deviation (NaN with one seed)."""

    mean: float
    std: float


class Comparison(NamedTuple):
    """`verdict`: higher, lower, alike, single or none (nothing to compare); `gap`: first minus second mean."""

    verdict: str
    gap: float


@dataclass(frozen=True)
class Flow:
    """Mean |gradient| per weight in an epoch, first convolution first, without the classifier; averaged over seeds.

    `stages`: per stage of the network, the median over its layers. `orders`: how many orders of magnitude the first
    convolution lies below the last; infinite where the first is zero.
    """

    layers: tuple
    mean_abs: np.ndarray
    stages: tuple
    orders: float

    @property
    def first(self):
        return self.mean_abs[0]

    @property
    def last(self):
        return self.mean_abs[-1]


def context(summary, shallow, deep, student_number):
    """The facts by the names that the templates use; `shallow` and `deep` are records that select a row each.

    Raises UserError where a selection finds nothing or no cell finished.
    """
    rows = _rows(summary)
    table = tables.over_seeds(summary.cells)
    shallow, deep = (
        rows[tables.pick(table, record, f"compare.{name}")["group"]]
        for name, record in (("shallow", shallow), ("deep", deep))
    )
    variants = [row for row in rows if row.model == deep.model]
    champions = _champions(variants, table)
    remedies = {block: row for block, row in champions.items() if block != "plain"}
    return {
        "student_number": student_number,
        "data": _data(summary),
        "setup": _setup(summary.cells),
        "words": protocol.words(summary.cells),
        "rows": rows,
        "shallow": shallow,
        "deep": deep,
        "variants": variants,
        "remedies": remedies,
        "working": [row for row in remedies.values() if row.outcome == "learns"],
        "missing": [Tex(escape(tables.block_label(b))) for b in BRIEF_BLOCKS if b not in {row.block for row in variants}],
        "extra": [row for block, row in remedies.items() if block not in BRIEF_BLOCKS],
        "controlled": [row for row in variants if _equal_but_for("block", row, deep)],
        "rates": _rates(variants, champions),
        "diverged": [row for row in rows if row.diverged],
        "best": rows[tables.best(table)["group"]],
        "theory": _theory(deep, summary),
        "compare": compare,
    }


def compare(first, second, metric):
    """The `Comparison` of two rows in a metric such as `val_acc`."""
    if first is None or second is None:
        return Comparison("none", math.nan)
    (mean, std), (other, other_std) = getattr(first, metric), getattr(second, metric)
    gap = mean - other
    if math.isnan(gap):
        return Comparison("none", gap)
    if math.isnan(std) or math.isnan(other_std):
        return Comparison("single", gap)
    error = math.sqrt(std**2 / len(first.finished) + other_std**2 / len(second.finished))
    return Comparison("alike" if abs(gap) <= 2 * error else "higher" if gap > 0 else "lower", gap)


def predicted_orders(layers, image_size, filters):
    """How many orders of magnitude the first convolution's weight gradient lies below the last's at initialisation.

    For the plain course networks under PyTorch's default initialisation, Var(w) = 1 / (3 fan_in). Each convolution
    multiplies the mean square of the error that it passes back by (1 + slope^2) / 6 times the share of its taps that
    does not fall on zero padding. The activation that multiplies the error is the image (about 1) in the first layer
    and what the reduction block's biases, of variance 1 / (3 fan_in), hold up in the last. `layers` are the
    convolutions' names in order; None where they are not those of a course network with processing blocks.
    """
    orders = 0.0
    for name in layers[1:]:
        found = re.fullmatch(r"stages\.(\d+)\.(?:blocks\.\d+\.conv\d|reduction\.conv(\d))", name)
        if not found:
            return None
        size = image_size // 2 ** (int(found[1]) + int(found[2] or 0))
        inside = ((3 * size - 2) / (3 * size)) ** 2
        orders += math.log10(6 / ((1 + SLOPE**2) * inside)) / 2
    held_up = math.sqrt((1 + SLOPE**2) / 2 / (3 * 9 * filters))
    return orders + math.log10(held_up)


def _rows(summary):
    """The rows of `over_seeds` with what the report says of each beyond the table."""
    table = tables.over_seeds(summary.cells)
    cells = summary.cells.set_index("cell")
    varying = ["lr", *tables.varying(table)]
    rows = []
    for record in table.to_dict("records"):
        row = SimpleNamespace(**record)
        for metric in tables.METRICS:
            setattr(row, metric, Measure(record[metric], record[f"{metric}_std"]))
        row.block_label = Tex(escape(tables.block_label(row.block)))
        row.name = _name(record, table[table["label"] == row.label], varying)
        row.facts = cells.loc[row.cells[0]]  # of the data and the network: the same for every seed
        row.outcome = _outcome(row)
        row.flows = _flows(tables.gradients_of(summary, record))
        rows.append(row)
    return rows


def _name(record, namesakes, varying):
    """The row's label, followed by those settings that tell it from the rows of the same label."""
    keys = [key for key in varying if namesakes[key].nunique(dropna=False) > 1]
    values = {key: number(record[key]) if isinstance(record[key], float) else escape(str(record[key])) for key in keys}
    settings = [rf"$\eta{{=}}${values[key]}" if key == "lr" else f"{escape(key)} {values[key]}" for key in keys]
    return Tex(escape(record["label"]) + (f" ({', '.join(settings)})" if settings else ""))


def _outcome(row):
    """`diverged` (every seed), `chance` (training and validation accuracy within three deviations of 1/C), `learns`."""
    if not row.finished:
        return "diverged"
    chance = 1 / row.num_classes
    at_chance = all(
        measure.mean <= chance + 3 * math.sqrt(chance * (1 - chance) / images)
        for measure, images in ((row.train_acc, row.facts["train_images"]), (row.val_acc, row.facts["val_images"]))
    )
    return "chance" if at_chance else "learns"


def _flows(gradients):
    """The `Flow` of each epoch; none for cells that diverged before one ended."""
    return [_flow(epoch.sort_values("depth").iloc[:-1]) for _, epoch in gradients.groupby("epoch")]


def _flow(convolutions):
    layers, values = tuple(convolutions["layer"]), convolutions["mean_abs"].to_numpy()
    stage = convolutions["layer"].str.extract(r"^stages\.(\d+)\.")[0]
    stages = tuple(convolutions["mean_abs"].groupby(stage).median())
    orders = math.log10(values[-1] / values[0]) if values[0] > 0 and values[-1] > 0 else math.inf
    return Flow(layers, values, stages, orders)


def _champions(rows, table):
    """{block: the best of its rows by `summary.best`}; a block of which nothing finished has none."""
    champions = {}
    for block in dict.fromkeys(row.block for row in rows if row.finished):
        groups = [row.group for row in rows if row.block == block]
        best = tables.best(table[table["group"].isin(groups)])["group"]
        champions[block] = next(row for row in rows if row.group == best)
    return champions


def _equal_but_for(free, row, other):
    """Whether two rows have the same record, the key `free` left out."""
    return all(getattr(row, key) == getattr(other, key) for key in tables.ROW if key != free)


def _rates(rows, champions):
    """For each block with several learning rates, all else equal: its label, the best row, the next best, the result."""
    found = []
    for best in champions.values():
        others = [row for row in rows if row.finished and row.lr != best.lr and _equal_but_for("lr", row, best)]
        if others:
            second = max(others, key=lambda row: row.val_acc.mean)
            result = compare(best, second, "val_acc")
            found.append(SimpleNamespace(label=best.block_label, best=best, second=second, result=result))
    return found


def _data(summary):
    facts = summary.cells.iloc[0]
    return SimpleNamespace(
        title=summary.dataset["title"],
        embedded=bool(summary.dataset["embedded"]),
        num_classes=int(facts["num_classes"]),
        image_size=int(facts["image_size"]),
        chance_acc=1 / facts["num_classes"],
        chance_loss=math.log(facts["num_classes"]),
        **{key: int(facts[key]) for key in ("train_images", "val_images", "test_images")},
    )


def _setup(cells):
    """Counts: of all cells, of seeds, the fewest and the most seeds of a row, and whether the width varies or is not 1."""
    seeds = cells.groupby(list(tables.ROW), dropna=False).size()
    return SimpleNamespace(
        cells=len(cells),
        seeds=cells["seed"].nunique(),
        fewest=int(seeds.min()),
        most=int(seeds.max()),
        narrow_or_wide=bool((cells["width"] != 1).any()),
    )


def _theory(deep, summary):
    """Prediction and consequences for the deep network; `flow` is None where no gradient of it was recorded."""
    if not deep.flows:
        return SimpleNamespace(flow=None, predicted=None)
    first, filters = deep.flows[0], round(32 * deep.width)
    history = summary.history[summary.history["cell"] == deep.cells[0]]
    steps = math.ceil(deep.facts["train_images"] / deep.batch_size)
    largest = max(flow.first for flow in deep.flows)
    return SimpleNamespace(
        flow=first,
        convolutions=len(first.layers),
        attenuation=6 ** (-(len(first.layers) - 1) / 2),
        per_stage=6 ** (-(len(first.layers) - 1) / 6),
        filters=filters,
        predicted=predicted_orders(first.layers, deep.facts["image_size"], filters) if deep.block == "plain" else None,
        below_epsilon=int((np.max([flow.mean_abs for flow in deep.flows], axis=0) < ADAM_EPSILON).sum()),
        steps=steps * len(deep.flows),
        adam_step=deep.lr * largest / (largest + ADAM_EPSILON),
        adam_total=float((history["lr"] * steps).sum() * largest / (largest + ADAM_EPSILON)),
        vanishes=first.orders > 4,
    )
