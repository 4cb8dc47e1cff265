"""What a landscape study shows, as facts that the templates of a report turn into sentences. Numbers stay numbers here.

Two networks are compared over all their steps and seeds, without a spread over seeds: the facts are about these runs
and say nothing about other seeds. `larger` and `smaller` need a ratio of at least `ALIKE`, of the medians or of the
maxima; these two may disagree, and the facts say when.
"""

import math
from types import SimpleNamespace
from typing import NamedTuple

from workflow_scripts.engine.landscape import runs
from workflow_scripts.engine.landscape.protocols import quantiles
from workflow_scripts.engine.landscape.runs import PROTOCOLS, QUANTITIES

ALIKE = 1.1  # the ratio below which two numbers are called alike
TURNED = {"larger": "smaller", "smaller": "larger", "alike": "alike"}  # verdict: the same, seen from the other network


class Comparison(NamedTuple):
    """The first network against another: `verdict`, on the `ratio` of the medians, is larger, smaller or alike, or none
    where there is nothing to compare.

    `above`: at how many of the `steps` recorded for both the first's value is larger. `opposed`: the maxima give the
    contrary verdict. `opening`: the last of the steps up to which, ties aside, the other network's value is on the
    other side than its median is; None where the two are in the order of their medians from the start.
    """

    verdict: str
    ratio: float
    above: int
    steps: int
    opposed: bool
    opening: int | None


def context(landscape):
    """The facts about a `runs.Landscape`, by the names that the templates use.

    `first` and `others` are networks, with label and block: the plain one and those compared with it.
    `protocols[protocol][quantity]`, `lags[k]` and the `l2` of a row of `shift` have `spread`, {label: row of
    `quantiles`}, and `compared`, {label: `Comparison` of the first network with it}. `agree[quantity]`: whether both
    protocols give the same verdicts on the medians; None where one of them recorded nothing.
    `verdicts[protocol][label]`: {larger, smaller or alike: the quantities whose median is so in this network}.
    `ended`: the runs that diverged. `beyond`: {label: at how many of how many probed steps the walk met a loss that is
    not finite}. `norms`: {label: median of the ratio of the last layer's gradient norm to the whole gradient's}.
    """
    first, *others = landscape.networks[["label", "block"]].to_dict("records")
    values = runs.per_step(landscape)
    protocols = {
        protocol: {
            quantity: _facts(values[(values["protocol"] == protocol) & (values["quantity"] == quantity)], landscape)
            for quantity in QUANTITIES
        }
        for protocol in PROTOCOLS
    }
    return {
        "first": SimpleNamespace(**first),
        "others": [SimpleNamespace(**network) for network in others],
        "rates": sorted(landscape.steps["lr"].unique().tolist()),
        "step_sizes": sorted(landscape.walks["step_size"].unique().tolist()),
        "probed": int(landscape.walks["step"].nunique()),
        "steps": int(landscape.steps["step"].nunique()),
        "ended": _ended(landscape),
        "beyond": _beyond(landscape),
        "protocols": protocols,
        "agree": {
            quantity: _agree(*(protocols[protocol][quantity] for protocol in PROTOCOLS)) for quantity in QUANTITIES
        },
        "verdicts": {
            protocol: {network["label"]: _verdicts(protocols[protocol], network["label"]) for network in others}
            for protocol in PROTOCOLS
        },
        "lags": {lag: _facts(_lag(landscape.lags, lag), landscape) for lag in sorted(landscape.lags["lag"].unique())},
        "shift": _shift(landscape),
        "norms": _norms(landscape),
        "alike": ALIKE,
    }


def _facts(values, landscape):
    """The spread and the comparisons for a table with the columns network, seed, step and value."""
    labels = landscape.networks["label"]
    found = quantiles(values.assign(protocol="", quantity="")).set_index("network")
    spread = {labels[number]: SimpleNamespace(**row) for number, row in found.to_dict("index").items()}
    numbers = landscape.networks["network"]
    compared = {labels[other]: _compare(values, found, numbers[0], other) for other in numbers[1:]}
    return SimpleNamespace(spread=spread, compared=compared)


def _compare(values, found, first, other):
    if first not in found.index or other not in found.index:
        return Comparison("none", math.nan, 0, 0, False, None)
    keys = ["seed", "step"]
    one, two = (values[values["network"] == network].set_index(keys)["value"] for network in (first, other))
    both = one.to_frame("one").join(two.rename("two"), how="inner")
    verdict, ratio = _verdict(found.loc[first, "median"], found.loc[other, "median"])
    of_maxima, _ = _verdict(found.loc[first, "maximum"], found.loc[other, "maximum"])
    above = int((both["one"] > both["two"]).sum())
    opposed = {verdict, of_maxima} == {"larger", "smaller"}
    return Comparison(verdict, ratio, above, len(both), opposed, _opening(both, verdict))


def _opening(both, verdict):
    """`Comparison.opening` for a table of the values `one` and `two` by seed and step; of several seeds, most count."""
    if verdict not in ("larger", "smaller"):
        return None
    signs = (both["one"] > both["two"]).astype(int) - (both["one"] < both["two"])
    order = signs.groupby(level="step").sum().sort_index() * (1 if verdict == "larger" else -1)
    order = order[order != 0]
    contrary = order[(order < 0).cummin()]
    return None if contrary.empty else int(contrary.index[-1])


def _verdict(one, two):
    """(verdict, ratio) of two non-negative numbers, which may be infinite."""
    if one == two:
        return "alike", 1.0
    ratio = math.inf if two == 0 or math.isinf(one) else float(one / two)
    return "larger" if ratio >= ALIKE else "smaller" if ratio <= 1 / ALIKE else "alike", ratio


def _agree(rates, walk):
    verdicts = [[comparison.verdict for comparison in facts.compared.values()] for facts in (rates, walk)]
    return None if any("none" in found for found in verdicts) else verdicts[0] == verdicts[1]


def _verdicts(quantities, label):
    found = {verdict: [] for verdict in TURNED}
    for quantity, facts in quantities.items():
        if (verdict := facts.compared[label].verdict) in TURNED:
            found[TURNED[verdict]].append(quantity)
    return found


def _lag(lags, lag):
    return runs.VGG_Grad_Pred(lags, lag).rename(columns={"max_curve": "value"})


def _shift(landscape):
    """A row per layer that has others before it: depth, layers, `l2` with spread and comparisons, `cosine` a spread.

    A cosine may be negative, so a ratio of cosines would mean nothing.
    """
    rows = []
    for depth, group in landscape.shifts[landscape.shifts["depth"] > 0].groupby("depth"):
        l2, cosine = (_facts(_known(group, column), landscape) for column in ("l2", "cosine"))
        layers = list(group["layer"].unique())
        rows.append(SimpleNamespace(depth=int(depth), layers=layers, l2=l2, cosine=cosine.spread))
    return rows


def _known(table, column):
    return table.rename(columns={column: "value"}).dropna(subset="value")


def _norms(landscape):
    """{label: median over rates and steps of the ratio of the last layer's gradient norm to the whole gradient's}."""
    found = landscape.steps.assign(share=landscape.steps["last_gradient_norm"] / landscape.steps["gradient_norm"])
    medians = found.groupby("network")["share"].median()
    return {landscape.networks["label"][number]: float(share) for number, share in medians.items()}


def _ended(landscape):
    """The runs that diverged: protocol, label, lr, seed, step."""
    labelled = landscape.ends.assign(label=landscape.ends["network"].map(landscape.networks["label"]))
    return [SimpleNamespace(**row) for row in labelled.to_dict("records")]


def _beyond(landscape):
    """{label: (at how many probed steps the walk met a loss that is not a finite number, how many there are)}."""
    losses = runs.along_gradient(landscape.walks, "loss")
    met = losses["max_curve"].map(math.isinf).groupby(losses["network"])
    return {landscape.networks["label"][number]: (int(those.sum()), len(those)) for number, those in met}
