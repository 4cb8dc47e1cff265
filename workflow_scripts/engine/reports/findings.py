"""What the study of cw2 shows, as facts that the templates of its report turn into sentences.

Numbers stay numbers here. What a comparison says is explained in `evidence.py`.
"""

import math
from types import SimpleNamespace

from workflow_scripts.engine.course import external
from workflow_scripts.engine.reports import evidence, predictions
from workflow_scripts.engine.tables import labels, protocol, statistics, summary


def context(found, shallow, deep):
    """The facts, by the names that the templates use; `shallow` and `deep` are records that select one row each.

    Raises UserError where a selection finds nothing or no cell finished.
    """
    table = summary.over_seeds(found.cells)
    rows = evidence.rows_of(found, table)
    shallow = rows[summary.pick(table, shallow, "compare.shallow")["group"]]
    deep = rows[summary.pick(table, deep, "compare.deep")["group"]]
    best = rows[summary.best(table)["group"]]
    variants = [row for row in rows if row.model == deep.model]
    champions = _champions(variants, table)
    depth = evidence.compare(deep, shallow, "train_loss")
    facts = {
        "data": evidence.data_of(found),
        "setup": evidence.setup_of(found.cells),
        "words": protocol.words(found.cells),
        "enough": statistics.ENOUGH,
        "compare": evidence.compare,
        "p_digits": evidence.p_digits,
        "infinity": math.inf,
        "rows": rows,
        "shallow": shallow,
        "deep": deep,
        "deeper_copy": deep.parameters > shallow.parameters and _equal_but_for("model", deep, shallow),
        "depth": depth,
        "degraded": shallow.outcome == "learns" and (deep.outcome != "learns" or depth.verdict == "higher"),
        "best": best,
        "best_also_differs": [
            labels.readable(key) for key in evidence.differing(vars(best), vars(deep)) if key not in ("block", "lr")
        ],
        "diverged": [row for row in rows if row.diverged],
        "elsewhere": list(external.load(found.folder).cells["label"].unique()),
        "missing": [
            labels.block_label(block) for block in labels.BRIEF_BLOCKS if block not in {row.block for row in variants}
        ],
        "rates": _rates(variants, champions),
        "several_settings": len({row.block for row in variants if row.finished})
        < sum(bool(row.finished) for row in variants),
        "tried_rates": len({row.lr for row in variants if row.block != "plain"}),
        "theory": predictions.theory(deep),
        "tried": len({row.block for row in variants} - {"plain"}),  # including those of which nothing finished
        **_remedies(champions, shallow),
        **_gradients(shallow, deep, variants),
        **_depth(best, shallow, champions, rows),
    }
    for row, name in evidence.named([shallow, deep]):  # the text names both, and two depths of a network share a label
        row.label = name
    return facts


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
    return not set(evidence.differing(vars(row), vars(other))) - {free}


def _rates(rows, champions):
    """For each block that learns and has several rates, all else equal: its two best rows, and their comparison."""
    pairs = []
    for best in champions.values():
        others = [row for row in rows if row.finished and row.lr != best.lr and _equal_but_for("lr", row, best)]
        if others and best.outcome == "learns":
            pairs.append((best, max(others, key=lambda row: row.val_acc.mean)))
    return {
        best.block: SimpleNamespace(best=best, second=second, result=result)
        for best, second, result in evidence.compared(pairs, "val_acc")
    }


def _remedies(champions, shallow):
    """Which remedies were tried and which work; BN, RC and both compared with each other, each at its best setting.

    `pairs` and `extra` are lists of (row, other row, comparison) that form one family; `beside`, which compares those
    that work with the shallow network, is a family of its own. `additive` is the part of `pairs` that compares both
    with each alone, where there are all three, and `beaten` are those alone that both are shown to beat.
    """
    remedies = {block: row for block, row in champions.items() if block != "plain"}
    bn, rc, both = (remedies.get(block) for block in ("bn", "rc", "bn_rc"))
    order = sorted(remedies.values(), key=lambda row: -row.val_acc.mean)
    best_of_brief = next((row for row in order if row.block in labels.BRIEF_BLOCKS), None)
    pairs = [pair for pair in [(bn, rc), (both, bn), (both, rc)] if None not in pair]
    others = [row for block, row in remedies.items() if block not in labels.BRIEF_BLOCKS]
    extra = [(row, best_of_brief) for row in others if best_of_brief]
    working = [row for row in remedies.values() if row.outcome == "learns"]
    beside = [(row, shallow) for row in working if shallow.finished and row is not shallow]
    family = evidence.compared(pairs + extra, "val_acc")
    additive = family[1:3] if bn and rc and both else []
    return {
        "remedies": remedies,
        "working": working,
        "wavering": [row for row in working if row.learned < len(row.finished)],
        "ranked": order,
        "pairs": family[: len(pairs)],
        "additive": additive,
        "beaten": [alone for _, alone, result in additive if result.verdict == "higher"],
        "extra": family[len(pairs) :],
        "beside": evidence.compared(beside, "val_acc"),
    }


def _gradients(shallow, deep, variants):
    """The rows whose gradient flows are compared: the deep network's blocks, all else equal to `deep`."""
    controlled = [row for row in variants if row.flows and _equal_but_for("block", row, deep)]
    table_rows = [row for row in [shallow] if row.flows and row not in controlled] + controlled
    of_block = {row.block: row for row in controlled if row.initial}
    bn, others = of_block.get("bn"), [row for row in (of_block.get("rc"), shallow) if row and row.initial]
    return {
        "controlled": controlled,
        "table_rows": evidence.named(table_rows),
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
    falls = [row.best_val_acc.mean - row.test_acc.mean for row in rows if row.outcome == "learns" and row is not best]
    return {
        "best_deep": deep[0] if deep else None,
        "falls": [fall for fall in falls if not math.isnan(fall)],  # from validation to test, of what was not chosen
        "matched": matched[0] if matched and matched[0] not in (best, shallow) else None,
        "overfit": best.train_acc.mean - best.val_acc.mean,
    }
