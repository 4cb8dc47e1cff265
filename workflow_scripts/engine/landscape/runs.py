"""The tables of a landscape study, read back: its networks, what each protocol measured per step, and bands of that.

`rates` is the protocol of the brief (one run per learning rate), `walk` that of Santurkar et al. 2018 (from one run's
weights along the gradient). In both, a network has at each step a range of losses, of gradient distances and of
quotients of gradient distance over distance moved: their widths or maxima are what the protocols are compared by.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import grids
from workflow_scripts.engine.configuration.grids import NETWORK
from workflow_scripts.engine.landscape.names import TABLES
from workflow_scripts.engine.landscape.tables import FILES
from workflow_scripts.engine.tables import names, reading, summary

PROTOCOLS = {"rates": "over learning rates", "walk": "along the gradient"}
GRADIENTS = {"rates": "last layer's gradient", "walk": "whole gradient"}  # whose distances they measure
QUANTITIES = {"loss_range": "range of losses", "gradient_distance": "gradient distance", "beta": "effective β"}
TYPES = {"cell": str, "layer": str, "step": int, "lag": int, "depth": int}  # of columns that are not floats
POINTS = 400  # in a band over the steps: as many as a page can show


@dataclass(frozen=True)
class Landscape:
    """`networks` has a row per network with its keys and label; the other tables refer to it by row number.

    `steps` and `lags` are of the cells of `rates`, `walks` and `shifts` of those of `walk`; a cell that diverged has no
    rows from that step on. `ends` has a row per cell that diverged: protocol, network, lr, seed, step.
    `blocks` are those of all cells of the study.
    """

    networks: pd.DataFrame
    steps: pd.DataFrame
    lags: pd.DataFrame
    walks: pd.DataFrame
    shifts: pd.DataFrame
    ends: pd.DataFrame
    blocks: pd.Series


def load(folder, study, first_seed=False):
    """The `Landscape` in the summary folder of a `studies.Study`; raises UserError where a part of it is missing.

    With `first_seed` it is of only the cells with the lowest seed of each network in each protocol, which the figures
    show. Cells that a protocol cannot tell apart are refused: see `grids.check_protocol`.
    """
    folder = Path(folder)
    facts = summary.load(folder).cells
    protocols = {name: rows_of(facts, study, name) for name in PROTOCOLS}
    networks, number_of = _networks(pd.concat(protocols.values()).drop_duplicates("cell"))
    protocols = {name: table.assign(network=table["cell"].map(number_of)) for name, table in protocols.items()}
    for name, table in protocols.items():
        grids.check_protocol(f"landscape.{name}", table.set_index("cell")[["network", "lr", "seed"]].to_dict("index"))
    if first_seed:
        lowest = {name: table.groupby("network")["seed"].transform("min") for name, table in protocols.items()}
        protocols = {name: table[table["seed"] == lowest[name]] for name, table in protocols.items()}
    ends = pd.concat(table[table["diverged_step"].notna()].assign(protocol=name) for name, table in protocols.items())
    rates, walked = (table[["cell", "network", "lr", "seed", "diverged_step"]] for table in protocols.values())
    sources = zip(TABLES, (rates, rates, walked, walked), strict=True)
    tables = [_until_divergence(_read(folder / name), some) for name, some in sources]
    missing = sorted(set(rates["cell"]) - set(tables[0]["cell"]) - set(ends["cell"]))
    if missing:
        raise UserError(f"{folder / TABLES[0]}: expected the cell {missing[0]}, found none of its steps")
    keys = ["protocol", "network", "lr", "seed"]
    ends = ends.assign(step=ends["diverged_step"].astype(int))[[*keys, "step"]]
    return Landscape(networks, *tables, ends, facts["block"])


def rows_of(facts, study, protocol):
    """The rows of a summary's `cells` that a protocol of the study selects; raises UserError if there are none."""
    if study.landscape is None:
        raise UserError("--study: expected a study with a section `landscape`, found none; see config.schema.json")
    record = grids.selected(getattr(study.landscape, protocol))
    found = summary.select(facts, record)
    if found.empty:
        wanted = ", ".join(f"{key}={value}" for key, value in record.items())
        raise UserError(f"landscape.{protocol}: expected cells with {wanted}, found none in the summary")
    return found


def _networks(facts):
    """(the networks, {cell: its network}) of the rows of a summary's `cells`."""
    rows = summary.over_seeds(facts)
    rows["network"] = rows.groupby(list(NETWORK), sort=False, dropna=False).ngroup()
    number_of = rows.explode("cells").set_index("cells")["network"]
    rows = rows.drop_duplicates("network").reset_index(drop=True)
    keys = [key for key in NETWORK[2:] if rows[key].nunique(dropna=False) > 1]
    labels = [", ".join([row["label"], *names.settings(row, keys)]) for _, row in rows.iterrows()]
    return rows.assign(label=labels)[[*NETWORK, "network", "label"]], number_of


def _read(path):
    types = {column: TYPES.get(column, float) for column in FILES[path.name]}  # even where no row shows them
    return reading.table(path, "summarise_landscape", types, dtype=types)


def _until_divergence(table, some):
    """The rows of `table` for the cells in `some`, with network, lr and seed, before the step where they diverged."""
    table = table.merge(some, on="cell")
    return table[~(table["step"] >= table["diverged_step"])].drop(columns="diverged_step")


# What a protocol measured of a network per step: tables as `_ranges` returns them


def loss_envelope(steps):
    """The least and greatest training loss per step, over the learning rates whose runs have not diverged by then."""
    return _over_rates(steps, "train_loss")


def VGG_Grad_Pred(lags, lag):
    """The range over the rates of the l2 distance between the gradients of step i and step i - `lag`.

    The gradient is that of the last linear layer's weights, as in the brief; the name is the brief's.
    """
    return _over_rates(lags[lags["lag"] == lag], "gradient_distance")


def VGG_Beta_Smooth(lags):
    """The range over the rates of the largest gradient distance over the distance moved, over all lags.

    There is none where nothing moved. Both distances are of the last linear layer's weights; the name is the brief's.
    For one loss such a quotient is a secant slope of the gradient, and so at most the beta of a beta-smooth loss:
    |g(v) - g(w)| <= beta |v - w|. Here each step has another batch, so it also holds their difference over the distance
    moved, which exceeds any beta where steps are small; and the other layers have moved, too.
    """
    moved = lags[lags["weight_distance"] > 0]
    quotients = moved.assign(beta=moved["gradient_distance"] / moved["weight_distance"])
    return _over_rates(quotients.groupby(["network", "seed", "lr", "step"], as_index=False)["beta"].max(), "beta")


def along_gradient(walks, column):
    """The range of a column of `walks` over the step sizes; a value that is not finite counts as infinite.

    Steps whose walk led nowhere, as where the rate or the gradient is 0, are left out: 0 / 0 is no effective beta.
    """
    walks = walks[walks["beta"].notna() | (walks["gradient_distance"] != 0)]
    return _ranges(walks, walks[column].where(np.isfinite(walks[column]), math.inf))


def _over_rates(table, column):
    """The range of a column over the rates; only a run that is about to diverge has values that are not finite."""
    return _ranges(table, table[column].where(np.isfinite(table[column])))


def _ranges(table, values):
    """The least and the greatest of the `values` of the rows, and of how many runs or step sizes there are any.

    Columns: network, seed, step, `min_curve`, `max_curve` and `runs`. NaN is no value; where there is none, no row.
    """
    found = table.assign(value=values).dropna(subset="value").groupby(["network", "seed", "step"])["value"]
    return found.agg(min_curve="min", max_curve="max", runs="count").reset_index()


def per_step(landscape):
    """The compared quantities of each protocol: columns protocol, quantity, network, seed, step and `value`.

    `loss_range` is the largest loss minus the least, where there are two or more; `gradient_distance` (of the smallest
    lag) and `beta` are the largest over the rates or the step sizes. Infinite where the walk met a non-finite value.
    """
    lag = landscape.lags["lag"].min()
    found = {
        ("rates", "loss_range"): loss_envelope(landscape.steps),
        ("rates", "gradient_distance"): VGG_Grad_Pred(landscape.lags, lag),
        ("rates", "beta"): VGG_Beta_Smooth(landscape.lags),
        ("walk", "loss_range"): along_gradient(landscape.walks, "loss"),
        ("walk", "gradient_distance"): along_gradient(landscape.walks, "gradient_distance"),
        ("walk", "beta"): along_gradient(landscape.walks, "beta"),
    }
    tables = []
    for (protocol, quantity), table in found.items():
        values = width(table) if quantity == "loss_range" else table["max_curve"]
        table = table.assign(protocol=protocol, quantity=quantity, value=values).dropna(subset="value")
        tables.append(table[["protocol", "quantity", "network", "seed", "step", "value"]])
    return pd.concat(tables, ignore_index=True)


def width(curves):
    """`max_curve` minus `min_curve`; NaN where fewer than two runs are left, infinite where `max_curve` is."""
    with np.errstate(invalid="ignore"):
        found = curves["max_curve"] - curves["min_curve"]
    return found.where(np.isfinite(curves["max_curve"]), math.inf).where(curves["runs"] > 1)


def windows(curves, points=POINTS):
    """At most `points` windows of equally many steps per network: `step` (the first), `steps` (how many), the medians
    `low` and `high` of min_curve and max_curve, and their extremes `lowest` and `highest`.

    Where there are no more steps than points, these are the curves themselves.
    """
    places = np.sort(curves["step"].unique())
    size = max(1, -(-len(places) // points))
    window = np.searchsorted(places, curves["step"]) // size
    found = curves.groupby(["network", window]).agg(
        step=("step", "min"),
        steps=("step", "size"),
        low=("min_curve", "median"),
        high=("max_curve", "median"),
        lowest=("min_curve", "min"),
        highest=("max_curve", "max"),
    )
    return found.reset_index("network").reset_index(drop=True)
