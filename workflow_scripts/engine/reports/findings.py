"""What a study shows, as facts that the templates of a report turn into sentences. Numbers stay numbers here.

A comparison of two rows says what their seeds can show: "higher" or "lower" where the 95 % interval of the difference
excludes 0, in a family of comparisons after Holm's correction, and "alike" where these seeds could show no difference.
It is "single" where one of them has a single seed: the spread is unknown, and whether they differ cannot be told.
"""

import math
from types import SimpleNamespace
from typing import NamedTuple

import pandas as pd

from workflow_scripts.engine.configuration.cells import ROW
from workflow_scripts.engine.tables import flows, labels, names, protocol, statistics, summary
from workflow_scripts.engine.text.latex import Tex, escape, number


class Measure(NamedTuple):
    """A mean over seeds and their sample standard deviation (NaN with one seed)."""

    mean: float
    std: float

    @classmethod
    def from_json(cls, found):
        """From a measure in chosen.json (see `choice.chosen`), where null stands for NaN."""
        return cls(found["mean"], math.nan if found["std"] is None else found["std"])


def context(found, shallow, deep):
    """The facts, by the names that the templates use; `shallow` and `deep` are records that select one row each.

    Raises UserError where a selection finds nothing or no cell finished.
    """
    table = summary.over_seeds(found.cells)
    rows = rows_of(found, table)
    shallow = rows[summary.pick(table, shallow, "compare.shallow")["group"]]
    deep = rows[summary.pick(table, deep, "compare.deep")["group"]]
    best = rows[summary.best(table)["group"]]
    variants = [row for row in rows if row.model == deep.model]
    champions = _champions(variants, table)
    depth = compare(deep, shallow, "train_loss")
    facts = {
        "data": data_of(found),
        "setup": setup_of(found.cells),
        "words": protocol.words(found.cells),
        "compare": compare,
        "infinity": math.inf,
        "rows": rows,
        "shallow": shallow,
        "deep": deep,
        "deeper_copy": deep.parameters > shallow.parameters and _equal_but_for("model", deep, shallow),
        "depth": depth,
        "degraded": shallow.outcome == "learns" and (deep.outcome != "learns" or depth.verdict == "higher"),
        "best": best,
        "best_also_differs": [labels.readable(key) for key in _differing(best, deep) if key not in ("block", "lr")],
        "diverged": [row for row in rows if row.diverged],
        "missing": [
            labels.block_label(block) for block in labels.BRIEF_BLOCKS if block not in {row.block for row in variants}
        ],
        "rates": _rates(variants, champions),
        "tried_rates": len({row.lr for row in variants if row.block != "plain"}),
        "theory": flows.theory(deep),
        "tried": len({row.block for row in variants} - {"plain"}),  # including those of which nothing finished
        **_remedies(champions, shallow),
        **_gradients(shallow, deep, variants),
        **_depth(best, shallow, champions, rows),
    }
    for row, name in _named([shallow, deep]):  # the text names both, and two depths of a network share a label
        row.label = name
    return facts


def compare(first, second, metric):
    """The `statistics.Comparison` of two rows in a metric such as `val_acc`."""
    return compared([(first, second)], metric)[0][-1]


def compared(pairs, metric):
    """(row, other row, `statistics.Comparison` in a metric) for each pair of rows, as one family."""
    values = [(first.by_seed[metric], second.by_seed[metric]) for first, second in pairs]
    return [(*pair, result) for pair, result in zip(pairs, statistics.compare(values), strict=True)]


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


def _named(rows):
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
    above = set()
    for part in ("train", "val"):
        limit = statistics.chance(row.num_classes, row.facts[f"{part}_images"])
        above |= {seed for seed, accuracy in row.by_seed[f"{part}_acc"].items() if accuracy > limit}
    return len(above)


def _champions(rows, table):
    """{block: the best of its rows by `summary.best`}, without blocks of which nothing finished."""
    champions = {}
    for block in dict.fromkeys(row.block for row in rows if row.finished):
        groups = [row.group for row in rows if row.block == block]
        best = summary.best(table[table["group"].isin(groups)])["group"]
        champions[block] = next(row for row in rows if row.group == best)
    return champions


def _equal_but_for(free, row, other):
    """Whether two rows have the same record, apart from the key `free`."""
    return not set(_differing(row, other)) - {free}


def _differing(row, other):
    """The keys of the record in which two rows differ."""
    pairs = {key: (getattr(row, key), getattr(other, key)) for key in ROW}  # pandas may have turned None into NaN
    return [key for key, (one, two) in pairs.items() if one != two and not (pd.isna(one) and pd.isna(two))]


def _rates(rows, champions):
    """For each block that learns and has several rates, all else equal: its two best rows, and their comparison."""
    pairs = []
    for best in champions.values():
        others = [row for row in rows if row.finished and row.lr != best.lr and _equal_but_for("lr", row, best)]
        if others and best.outcome == "learns":
            pairs.append((best, max(others, key=lambda row: row.val_acc.mean)))
    return {
        best.block: SimpleNamespace(best=best, second=second, result=result)
        for best, second, result in compared(pairs, "val_acc")
    }


def _remedies(champions, shallow):
    """Which remedies were tried and which work; BN, RC and both compared with each other, each at its best setting.

    `pairs` and `extra` are lists of (row, other row, comparison) that form one family; `beside`, which compares those
    that work with the shallow network, is a family of its own.
    """
    remedies = {block: row for block, row in champions.items() if block != "plain"}
    bn, rc, both = (remedies.get(block) for block in ("bn", "rc", "bn_rc"))
    order = sorted(remedies.values(), key=lambda row: -row.val_acc.mean)
    alone = next((row for row in order if row in (bn, rc)), None)
    best_of_brief = next((row for row in order if row.block in labels.BRIEF_BLOCKS), None)
    pairs = [pair for pair in [(bn, rc), (both, alone)] if None not in pair]
    others = [row for block, row in remedies.items() if block not in labels.BRIEF_BLOCKS]
    extra = [(row, best_of_brief) for row in others if best_of_brief]
    working = [row for row in remedies.values() if row.outcome == "learns"]
    beside = [(row, shallow) for row in working if shallow.finished and row is not shallow]
    family = compared(pairs + extra, "val_acc")
    return {
        "remedies": remedies,
        "working": working,
        "wavering": [row for row in working if row.learned < len(row.finished)],
        "ranked": order,
        "pairs": family[: len(pairs)],
        "additive": family[len(pairs) - 1][2] if bn and rc and both else None,
        "extra": family[len(pairs) :],
        "beside": compared(beside, "val_acc"),
    }


def _gradients(shallow, deep, variants):
    """The rows whose gradient flows are compared: the deep network's blocks, all else equal to `deep`."""
    controlled = [row for row in variants if row.flows and _equal_but_for("block", row, deep)]
    table_rows = [row for row in [shallow] if row.flows and row not in controlled] + controlled
    of_block = {row.block: row for row in controlled if row.initial}
    bn, others = of_block.get("bn"), [row for row in (of_block.get("rc"), shallow) if row and row.initial]
    return {
        "controlled": controlled,
        "table_rows": _named(table_rows),
        "flattest": min(controlled, key=lambda row: row.flows[0].span, default=None),
        "bn_row": bn,
        "rc_row": of_block.get("rc"),
        # Yang et al. (2019): with BN the gradient grows on its way down; others may show slight growth, too
        "bn_grows": bn is not None and bn.initial.orders < min([0, *(row.initial.orders for row in others)]),
    }


def _depth(best, shallow, champions, rows):
    """What shows whether depth pays off: the best deep network, and the shallow one with the best network's block."""
    deep = sorted(champions.values(), key=lambda row: -row.val_acc.mean)
    matched = [
        row for row in rows if row.model == shallow.model and row.finished and _equal_but_for("model", row, best)
    ]
    return {
        "best_deep": deep[0] if deep else None,
        "matched": matched[0] if matched and matched[0] not in (best, shallow) else None,
        "overfit": best.train_acc.mean - best.val_acc.mean,
    }


def data_of(found):
    """The data set of a study: title, whether it comes with the software, whether only a part of its training images
    was used, sizes, the loss of a constant guess."""
    facts = found.cells.iloc[0]
    return SimpleNamespace(
        title=found.dataset["title"],
        embedded=bool(found.dataset["embedded"]),
        cut=bool(facts["train_items"] > 0),  # NaN where it is not given
        chance_loss=math.log(facts["num_classes"]),
        **{key: int(facts[key]) for key in ("num_classes", "image_size", "train_images", "val_images", "test_images")},
    )


def setup_of(cells):
    """Numbers of cells and seeds, a row's fewest and most seeds, whether any augments or has a width other than 1."""
    seeds = cells.groupby(list(ROW), dropna=False).size()
    return SimpleNamespace(
        cells=len(cells),
        seeds=cells["seed"].nunique(),
        fewest=int(seeds.min()),
        most=int(seeds.max()),
        augmented=bool((cells["augmentation"] != "none").any()),
        other_width=bool((cells["width"] != 1).any()),
    )
