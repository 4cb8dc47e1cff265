"""How much gradient arrives at each layer of the main path: closed forms."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from tests.made_reports import course_layers
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.tables import flows
from workflow_scripts.engine.training.gradients import COLUMNS
from workflow_scripts.engine.training.trainer import Training


def test_a_flow_is_the_closed_form_of_its_gradients():
    layers, sizes = course_layers(1), 1e-6 * 2.0 ** np.arange(13)
    table = pd.DataFrame({"cell": "a", "epoch": 0, "depth": range(14), "layer": layers, "mean_abs": [*sizes, 99.0]})
    table = table.iloc[::-1]  # in any order
    later = table.assign(epoch=1, mean_abs=1.0)
    flow, level = flows.flows(pd.concat([table, later]))
    assert flow.layers == tuple(layers[:-1])
    assert (flow.first, flow.last) == pytest.approx((sizes[0], sizes[-1]), rel=1e-12, abs=0)
    assert flow.orders == pytest.approx(12 * math.log10(2)) and flow.span == pytest.approx(2**12)
    assert flow.stages == pytest.approx([np.median(sizes[start : start + 4]) for start in (1, 5, 9)])
    assert flow.within == pytest.approx(2)  # a stage has one processing block of two layers
    assert (level.orders, level.span, level.within) == (0, 1, 1)
    assert math.isnan(flow.orders_std)  # of one seed
    assert flows.initial(pd.concat([table, later])).orders == flow.orders
    assert flows.flows(table[:0]) == [] and flows.initial(later) is None
    assert flows.flows(table[table["depth"] == 13]) == []  # a network that is nothing but a classifier


def test_a_flow_is_of_the_main_path():
    """Companions, which are near the loss, and projections have large gradients, whatever the convolutions get."""
    layers = course_layers(1)
    beside = {"stages.0.reduction.projection": 3, "stages.0.companion": 6, "stages.1.companion": 11}
    for name, place in beside.items():
        layers.insert(place, name)
    sizes = iter(1e-6 * 2.0 ** np.arange(14))
    means = [9.0 if layer in beside else next(sizes) for layer in layers]
    table = pd.DataFrame({"cell": "a", "epoch": 0, "depth": range(17), "layer": layers, "mean_abs": means})
    path = table[~table["layer"].isin(beside)]
    (flow,), (expected,) = flows.flows(table), flows.flows(path.assign(depth=range(14)))
    assert flow.layers == expected.layers == tuple(course_layers(1)[:-1])
    assert (flow.span, flow.orders, flow.stages) == (expected.span, expected.orders, expected.stages)
    assert flow.largest.tolist() == expected.largest.tolist()


def test_a_flow_over_seeds_is_their_geometric_mean():
    """So its orders of magnitude are the mean over the seeds, none of which outweighs the others."""
    layers, orders = course_layers(1), {"a": 3, "b": 12, "c": 9}
    sizes = {cell: np.logspace(-many, 0, 13) for cell, many in orders.items()}
    table = pd.concat(
        pd.DataFrame({"cell": cell, "epoch": 2, "depth": range(14), "layer": layers, "mean_abs": [*values, many]})
        for (cell, values), many in zip(sizes.items(), (9.0, 0.1, 4.0), strict=True)  # the classifier plays no part
    )
    (flow,) = flows.flows(table)
    assert flow.below == pytest.approx((8, np.std([3, 12, 9], ddof=1)))
    assert flow.first == pytest.approx(1e-8) and flow.last == pytest.approx(1)
    assert flow.largest == pytest.approx(np.logspace(-3, 0, 13))
    table.loc[(table["cell"] == "a") & (table["depth"] == 0), "mean_abs"] = 0.0
    assert flows.flows(table)[0].orders == math.inf  # zero for one seed


@pytest.mark.parametrize(
    ("zero", "orders", "span", "within"),
    [
        ([0], math.inf, math.inf, 2),
        ([12], math.nan, 2**11, 2),  # the last convolution is in a branch, too
        ([5], 12 * math.log10(2), 2**12, math.inf),  # a branch that the gradient goes past
        (range(12), math.inf, math.inf, math.inf),  # nothing goes past these: it vanished
        (range(13), math.inf, math.inf, math.inf),
    ],
)
def test_a_flow_is_infinite_where_nothing_arrives(zero, orders, span, within):
    sizes = 1e-6 * 2.0 ** np.arange(13)
    sizes[zero] = 0
    table = {"cell": "a", "epoch": 0, "depth": range(14), "layer": course_layers(1), "mean_abs": [*sizes, 1.0]}
    (flow,) = flows.flows(pd.DataFrame(table))
    assert (flow.orders, flow.span, flow.within) == pytest.approx((orders, span, within), nan_ok=True)


@pytest.mark.parametrize(("block", "init"), [("skipinit_rc", "own"), ("rc", "zero_residual"), ("plain", "own")])
def test_a_branch_that_starts_at_0_does_not_make_a_flow_steep(digits, block, init):
    """What bypasses it is level, as with residual connections, and from the second step on so are the branches."""
    run = Training(Cell(model="vgg38", block=block, init=init, width=0.25), digits, torch.device("cpu"))
    run._gradient_step(*next(run.train_batches.epoch(0, 0, 50)))
    rows = run.gradients.rows(0, run.gradients.end_epoch(1).tolist())
    table = pd.DataFrame(rows, columns=COLUMNS).assign(cell="a")
    (flow,) = flows.flows(table[["cell", "epoch", "depth", "layer", "mean_abs"]])
    assert (flow.span < 10**flows.LEVEL) == (block != "plain") and (0 in flow.mean_abs) == (block != "plain")
