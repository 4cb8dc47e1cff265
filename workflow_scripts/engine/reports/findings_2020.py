"""What the 2020/21 form of the report says beyond the first study: about all remedies, and about the search.

As in `evidence`, a comparison says what the seeds can show. Either study may be missing; then its facts are None, and
the templates omit what they would say about it.
"""

import math
from types import SimpleNamespace

from workflow_scripts.engine.ablation import ablations, remedies
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.cells import ROW
from workflow_scripts.engine.reports import evidence
from workflow_scripts.engine.reports.evidence import Measure
from workflow_scripts.engine.tables import labels, protocol, reading, search_table, summary
from workflow_scripts.engine.tables.flows import LEVEL
from workflow_scripts.engine.text.latex import Tex, escape, number
from workflow_scripts.engine.training.step_sizes import SMALLEST

# what a variant is, by key and value of its record; for blocks and initialisations not listed, the label is used
DESCRIPTIONS = {
    "block": {
        "bn": r"batch normalisation after each convolution (BN)",
        "rc": r"a residual connection around each processing block (RC)",
        "bn_rc": r"batch normalisation and residual connections (BN+RC)",
        "dense": r"dense connections within a stage, with a $1\times1$ transition in the reduction block (dense)",
        "bn_dense": r"dense connections with BN (BN+dense)",
        "bn_dense_pre": r"BN and activation before each dense convolution, as published (BN+dense (pre))",
        "rc_pool": r"residual connections also across the reductions, by average pooling (RC (pool))",
        "bn_rc_pool": r"RC (pool) with BN (BN+RC (pool))",
        "rc_proj": r"residual connections across the reductions by pooling and a $1\times1$ projection (RC (proj))",
        "bn_rc_proj": r"RC (proj) with BN (BN+RC (proj))",
        "preact_rc": r"the activation before each convolution of a residual block \citep{he2016identity} (RC (pre))",
        "bn_preact_rc": r"BN and activation before each convolution of a residual block (BN+RC (pre))",
        "skipinit_rc": r"a learnt factor, initially 0, on each residual branch \citep{desmith2020} (SkipInit)",
        "gn": r"group normalisation \citep{wu2018} in BN's place (GN)",
        "gn_rc": r"group normalisation with RC (GN+RC)",
        "ln": r"layer normalisation \citep{ba2016} in BN's place (LN)",
        "ln_rc": r"layer normalisation with RC (LN+RC)",
    },
    "init": {
        "kaiming": r"weights with the variance of \citet{he2015}",
        "xavier": r"weights with the variance of \citet{glorot2010}",
        "orthogonal": r"orthogonal weights \citep{saxe2014}",
        "lsuv": r"orthogonal weights scaled to outputs of unit variance in each layer \citep[LSUV,][]{mishkin2016}",
        "zero_residual": r"residual branches that start at 0",
    },
}
SWITCHES = {  # keys that mean a remedy wherever they are greater than 0
    "supervision": r"deep supervision by linear companion classifiers after the first stages, "
    r"with falling weight (supervision and the weight at the start)",
    "clip": r"clipping of the gradient's norm (clip and the limit)",
    "warmup_epochs": r"a learning rate that rises linearly at first (warmup epochs and their number)",
}
# what the discussion of the papers asks about variants that differ from the base only in this key: (key, value, words)
ASKED = (
    ("block", "rc", "residual connections alone"),
    ("block", "dense", "dense connections alone"),
    ("supervision", None, "deep supervision, which should not suffice,"),  # whatever its weight
)
VERDICTS = {"better": "higher", "worse": "lower", "alike": "alike"}  # the facts' name: the verdict of `statistics`


def of_remedies(folder, study):
    """The facts about a study of remedies: `folder` holds its summary, `study` is its `studies.Study`."""
    found = ablations.load(folder / "summary")
    table = remedies.compared(found, ablations.rows(found, study))
    facts = {tuple(row.cells): row for row in evidence.rows_of(found, summary.over_seeds(found.cells))}
    rows = [_variant(row, facts[tuple(row["cells"])]) for row in table.to_dict("records")]
    base, levels = rows[0], rows[1:]
    learning = [row for row in levels if row.outcome == "learns"]
    timed = [row for row in learning if not math.isnan(row.epochs_to_90.mean)]  # some learn only the training images
    known = [row for row in levels if row.initial]
    ends = [row for row in known if not math.isnan(row.initial.orders)]  # of which the last convolution has a gradient
    stuck = [row for row in levels if row.outcome == "chance"]
    for row in known:
        row.smallest, row.floor = row.initial.smallest, _floor(row, known)
    for row in levels:
        row.gradient = _gradient(row)
    verdicts = _verdicts(levels, "verdict")
    fewest, most = (end(row.seeds for row in rows) for end in (min, max))
    return SimpleNamespace(
        base=base,
        levels=levels,
        learning=learning,
        stuck=stuck,
        diverged=[row for row in rows if row.diverged],
        wavering=[row for row in learning if row.learned < len(row.finished)],
        apart=[row for row in verdicts["alike"] if row.learned == row.seeds and not base.learned],
        asked=_asked(levels, base),
        restored_but_stuck=[row for row in stuck if row.gradient == "restored"],
        faint_and_stuck=[row for row in stuck if row.gradient == "faint"],
        steep_but_better=[row for row in learning if row.gradient == "steep" and row.verdict == "higher"],
        steep_and_unsure=[row for row in learning if row.gradient == "steep" and row.verdict != "higher"],
        told_apart=bool(learning and stuck)
        and all(row.gradient == "restored" for row in learning)
        and all(row.gradient in ("steep", "faint") for row in stuck),
        top=max((row for row in levels if row.finished), key=lambda row: row.best_val_acc.mean, default=None),
        closed=[row for row in known if row.initial.closed],
        flattest=min(ends, key=lambda row: abs(row.initial.orders), default=None),
        steepest=max(ends, key=lambda row: abs(row.initial.orders), default=None),
        fastest=min(timed, key=lambda row: row.epochs_to_90.mean, default=None),
        other=_other(rows),
        described=_described(found.cells[found.cells["cell"].isin([name for row in levels for name in row.cells])]),
        words=protocol.words(found.cells),
        cells=len(found.cells),
        fewest=fewest,
        most=most,
        over=evidence.over(fewest, most),
        **verdicts,
    )


def _variant(row, facts):
    """A row of `remedies.compared` with `Measure`s, and with what `evidence` says about its cells."""
    variant = SimpleNamespace(**row)
    variant.best_val_acc = Measure(row["best_val_acc"], row["best_val_acc_std"])
    variant.epochs_to_90 = Measure(row["epochs_to_90"], row["epochs_to_90_std"])
    variant.lowest = min(facts.by_seed["best_val_acc"].values(), default=math.nan)
    variant.outcome, variant.learned, variant.initial = facts.outcome, facts.learned, facts.initial
    variant.record = {key: getattr(facts, key) for key in ROW}
    variant.rescaled = variant.record["optimizer"] in SMALLEST
    return variant


def _floor(row, known):
    """The mean |gradient| below which that of a layer is too small for the row's optimiser; NaN where none is known.

    If the optimiser steps along the gradient, it depends on the learning rate; then it is a tenth of the smallest with
    which a row of the same optimiser learns, among those of `known` whose gradients are level.
    """
    optimizer = row.record["optimizer"]
    if row.rescaled:
        return SMALLEST[optimizer]
    peers = [other for other in known if other.record["optimizer"] == optimizer and other.outcome == "learns"]
    return min((peer.initial.smallest / 10 for peer in peers if _level(peer)), default=math.nan)


def _level(row):
    return row.initial.span < 10**LEVEL


def _gradient(row):
    """What the gradients of a row's convolutions are at initialisation: "steep" if they lie far apart; if they are
    level, "restored" or, where one is too small for the optimiser, "faint"; None if it is not known, as where a penalty
    has its own gradient in every layer."""
    if not row.initial or row.record["l1"] or row.record["l2"]:
        return None
    if not _level(row):
        return "steep"
    if math.isnan(row.floor):
        return None
    return "restored" if row.smallest >= row.floor else "faint"


def _asked(levels, base):
    """(row, words) for each of `ASKED` that is among the levels."""
    return [
        (row, words)
        for key, value, words in ASKED
        for row in levels
        if evidence.differing(row.record, base.record) == [key] and value in (None, row.record[key])
    ]


def _verdicts(rows, column):
    """The rows by their verdict; `single`: whether none has one of these verdicts, for want of seeds."""
    found = {name: [row for row in rows if getattr(row, column) == verdict] for name, verdict in VERDICTS.items()}
    return {**found, "single": not any(found.values())}


def _other(rows):
    """The second reference, and what the seeds can show about the others compared with it; None where there is none, or
    where it diverged."""
    reference = next((row for row in rows if getattr(row, "other", False) and row.finished), None)
    if reference is None:
        return None
    others = [row for row in rows if row is not reference]
    return SimpleNamespace(label=reference.level, **_verdicts(others, "verdict_other"))


def _described(cells):
    """A phrase for each remedy that occurs in `cells`, in the order of this file."""
    phrases = []
    for key, known in DESCRIPTIONS.items():
        values = set(cells[key])
        phrases += [Tex(text) for value, text in known.items() if value in values]
        phrases += [escape(labels.block_label(value)) for value in sorted(values - set(known) - {"plain", "own"})]
    return phrases + [Tex(text) for key, text in SWITCHES.items() if (cells[key].fillna(0) > 0).any()]


def of_search(folder, study):
    """The facts about a search: `folder` holds summary, table and chosen.json, `study` is its `studies.Study`."""
    if study.search is None:
        raise UserError("--search-study: expected a study with a `search`, found none")
    keys = list(study.search.keys)
    chosen = reading.facts(folder / "chosen.json", "choose")
    table = reading.table(folder / "tables/search.csv", "plot_search")
    title = reading.facts(folder / "summary/dataset.json", "summarise")["title"]
    rungs = [
        SimpleNamespace(epochs=int(rows["epochs"].iloc[0]), trained=len(rows))
        for rung, rows in table.groupby("rung", sort=False)
        if rung != search_table.FINAL
    ]
    return SimpleNamespace(
        label=chosen["label"],
        parameters=chosen["parameters"],
        title=title,
        cifar100="CIFAR-100" in title,
        network=chosen["label"] if {"model", "block"}.isdisjoint(keys) else None,  # that of all candidates
        candidates=rungs[0].trained,
        rungs=rungs,
        keys=[labels.heading(key) for key in keys],
        settings=[_setting(key, chosen["record"][key]) for key in keys],
        seeds=len(chosen["seeds"]),
        final_epochs=chosen["epochs"],
        val_acc=Measure.from_json(chosen["best_val_acc"]),
        test_acc=Measure.from_json(chosen["test_acc"]),
    )


def _setting(key, value):
    printed = number(value) if isinstance(value, float) else escape(labels.readable(labels.format_value(key, value)))
    return Tex(f"{escape(labels.heading(key))} {printed}")
