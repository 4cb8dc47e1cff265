"""What a report's sentences are based on: facts, gradient flows, and what theory predicts about them."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from tests.course_runs import handed_out
from tests.made_reports import ACCURACY, DEEP, SHALLOW, TEMPLATES, course_layers, write_study
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.config import CourseRun
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.course import external
from workflow_scripts.engine.reports import evidence, findings, predictions
from workflow_scripts.engine.tables import flows, summary
from workflow_scripts.engine.text import latex
from workflow_scripts.engine.training.gradients import COLUMNS
from workflow_scripts.engine.training.trainer import Training


@pytest.mark.parametrize(
    ("train_acc", "val_acc", "learned"),
    [
        ({0: 0.12}, {0: 0.15}, 0),
        ({0: 0.13}, {0: 0.15}, 1),
        ({0: 0.12}, {0: 0.16}, 1),
        ({0: 0.05}, {0: 0.05}, 0),
        ({0: 0.12, 1: 0.5, 4: 0.12}, {0: 0.16, 1: 0.5, 4: 0.15}, 2),  # whatever the mean over them
        ({}, {}, 0),
    ],
)
def test_chance_is_within_three_deviations_of_a_guess(train_acc, val_acc, learned):
    """For a guess of a tenth: 0.126 with 1,200 training images, 0.152 with 300 validation images."""
    facts, by_seed = {"train_images": 1200, "val_images": 300}, {"train_acc": train_acc, "val_acc": val_acc}
    row = SimpleNamespace(num_classes=10, largest_class=0.1, facts=facts, by_seed=by_seed)
    assert evidence._learned(row) == learned


@pytest.mark.parametrize(("accuracy", "learned"), [(0.3, 0), (0.33, 0), (0.35, 1)])
def test_chance_is_of_the_largest_class(accuracy, learned):
    """To name always the one with 30 % of the images has learned nothing; 0.34 with 1,200 images."""
    facts, by_seed = {"train_images": 1200, "val_images": 1200}, {"train_acc": {0: accuracy}, "val_acc": {0: accuracy}}
    row = SimpleNamespace(num_classes=10, largest_class=0.3, facts=facts, by_seed=by_seed)
    assert evidence._learned(row) == learned


@pytest.mark.parametrize(("p", "digits"), [(0.12, 2), (0.0502, 3), (0.050004, 5), (0.2, 2), (1.0, 2)])
def test_a_p_value_has_the_digits_that_tell_it_from_the_limit(p, digits):
    assert evidence.p_digits(p) == digits


def test_accuracies_are_compared_as_multiples_of_an_image():
    """That each of three seeds names one image of 100 more is no evidence yet; losses that differ as evenly are."""
    by_seed = [
        {metric: dict.fromkeys(range(3), value) for metric in ("val_acc", "train_loss")} for value in (0.5, 0.51)
    ]
    less, more = (SimpleNamespace(by_seed=values, facts={"val_images": 100, "train_images": 100}) for values in by_seed)
    assert evidence.compare(more, less, "val_acc").verdict == "alike"
    assert evidence.compare(more, less, "train_loss").verdict == "higher"


def test_facts_are_closed_forms_of_the_study(tmp_path):
    study = summary.load(write_study(tmp_path, lrs=(1e-3, 1e-2)))
    facts = findings.context(study, SHALLOW, DEEP)
    assert facts["best_deep"].block == "bn_rc" and facts["matched"] is None and facts["diverged"] == []
    assert facts["overfit"] == pytest.approx(0.03) and facts["data"].chance_loss == math.log(10)
    assert [(row.block, row.lr) for row in facts["controlled"]] == [(block, 1e-3) for block in ACCURACY]
    assert facts["falls"] == pytest.approx([0.02] * 7) and not facts["bn_grows"]  # of all that learn, but the best
    theory = facts["theory"]
    assert (theory.convolutions, theory.vanishes, theory.staircase) == (37, True, False)
    assert theory.attenuation == pytest.approx(6.0**-18, rel=1e-6, abs=0)
    assert theory.below_epsilon == sum(13 / 36 * (36 - depth) > 4 for depth in range(37))
    assert theory.steps == 12 * 3  # of 1,250 images, the last 50 of which make no full batch
    assert theory.adam_step == pytest.approx(1e-3 * 1e-17 / 1e-8, rel=1e-6, abs=0)
    rates = 12 * (1e-3 + (2e-5 + 0.98e-3 * 3 / 4) + (2e-5 + 0.98e-3 / 4))  # the cosine, over three epochs
    assert theory.adam_total == pytest.approx(rates * 1e-17 / 1e-8, rel=1e-6, abs=0)
    assert theory.signal_lost and theory.critical == (2, 3) and theory.resolution == 24 * math.log10(2)
    for blocks, end in zip(theory.critical, ("high", "low"), strict=True):
        fewer, enough = (predictions.forward_orders(course_layers(n)[:-1], 16, 32) for n in (blocks - 1, blocks))
        assert getattr(fewer, end) <= 24 * math.log10(2) < getattr(enough, end)


def test_rows_that_have_no_value_of_a_key_are_alike_in_it(tmp_path):
    """Where another row has one, pandas has NaN in place of None, which equals nothing."""
    folder = write_study(tmp_path)
    cells = pd.read_csv(folder / "cells.csv")
    cells.loc[cells["block"] == "rc", "clip"] = 1.0
    cells.to_csv(folder / "cells.csv", index=False)
    facts = findings.context(summary.load(folder), SHALLOW, DEEP)
    assert facts["deeper_copy"] and [row.block for row in facts["controlled"]] == ["plain", "bn", "bn_rc"]


@pytest.mark.parametrize("missing", ["bn", "rc", "bn_rc"])
def test_both_remedies_are_compared_with_each_alone_only_where_there_are_all_three(tmp_path, missing):
    blocks = [block for block in (*ACCURACY, "gn") if block != missing]
    found = summary.load(write_study(tmp_path, blocks=blocks, final={"gn": 0.55}))
    facts = findings.context(found, SHALLOW, DEEP)
    assert (len(facts["pairs"]), len(facts["extra"])) == (1, 1) and facts["additive"] == facts["beaten"] == []


def test_two_depths_of_one_network_have_different_names_in_the_table_of_gradients(tmp_path):
    """Depth is an option here, as it could be in a user's own network; its default is null."""
    folder = write_study(tmp_path)
    table = pd.read_csv(folder / "cells.csv")
    depth = table["model"].map({"vgg08": 2.0, "vgg38": None})
    table.assign(model="vgg38", growth_rate=depth).to_csv(folder / "cells.csv", index=False)
    shallow, deep = ({**DEEP, "growth_rate": rate} for rate in (2, None))
    facts = findings.context(summary.load(folder), shallow, deep)
    assert [name for _, name in facts["table_rows"]] == [
        r"VGG38 (growth\_rate 2)",
        r"VGG38 (growth\_rate network's own)",
        "VGG38 BN",
        "VGG38 RC",
        "VGG38 BN+RC",
    ]
    assert facts["shallow"].name != facts["deep"].name
    assert [facts[role].label for role in ("shallow", "deep")] == [name for _, name in facts["table_rows"][:2]]


@pytest.mark.parametrize(
    ("final", "change", "differs"),
    [
        ({}, {}, []),
        ({}, {"growth_rate": 4, "clip": 1.0}, ["growth rate", "clip"]),
        (dict.fromkeys(ACCURACY, 0.3), {}, ["model"]),
    ],
)
def test_in_what_the_best_differs_from_the_deep_network_beside_its_block(tmp_path, final, change, differs):
    """`change` is applied to the cells of the best."""
    folder = write_study(tmp_path, final=final)
    table = pd.read_csv(folder / "cells.csv", dtype=object)
    table.loc[table["block"] == "bn_rc", list(change)] = list(change.values())
    table.to_csv(folder / "cells.csv", index=False)
    facts = findings.context(summary.load(folder), SHALLOW, DEEP)
    assert facts["best_also_differs"] == differs
    text = latex.render(TEMPLATES[0], facts)
    assert ("not in block and learning rate alone." in text) == bool(differs)


def test_what_was_trained_elsewhere_is_told_from_our_own_networks(tmp_path):
    folder = write_study(tmp_path)
    texts = {"alone": latex.render(TEMPLATES[0], findings.context(summary.load(folder), SHALLOW, DEEP))}
    run = CourseRun(folder=[handed_out(tmp_path / "handed out")], label="VGG38 & friends")
    external.write(external.collect({"friends": run}), folder)
    texts["beside"] = latex.render(TEMPLATES[0], findings.context(summary.load(folder), SHALLOW, DEEP))
    counts = {name: (text.count("elsewhere"), text.count(r"VGG38 \& friends")) for name, text in texts.items()}
    assert counts == {"alone": (0, 0), "beside": (3, 3)}  # in the captions of the table and of both figures of curves
    assert "the best network of all" in texts["alone"] and "the best network of our own" in texts["beside"]


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
        ([12], math.inf, math.inf, 2),
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
    assert (flow.orders, flow.span, flow.within) == pytest.approx((orders, span, within))


@pytest.mark.parametrize(("block", "init"), [("skipinit_rc", "own"), ("rc", "zero_residual"), ("plain", "own")])
def test_a_branch_that_starts_at_0_does_not_make_a_flow_steep(digits, block, init):
    """What bypasses it is level, as with residual connections, and from the second step on so are the branches."""
    run = Training(Cell(model="vgg38", block=block, init=init, width=0.25), digits, torch.device("cpu"))
    run._gradient_step(*next(run.train_batches.epoch(0, 0, 50)))
    rows = run.gradients.rows(0, run.gradients.end_epoch(1).tolist())
    table = pd.DataFrame(rows, columns=COLUMNS).assign(cell="a")
    (flow,) = flows.flows(table[["cell", "epoch", "depth", "layer", "mean_abs"]])
    assert (flow.span < 10**flows.LEVEL) == (block != "plain") and (0 in flow.mean_abs) == (block != "plain")


STEP = np.arange(27)  # steps of three epochs of nine
# {schedule: (warm-up epochs, the sum of its rates from 0.1 to 0.01, by a closed form or an array)}
RATES = {
    "constant": (0, 27 * 0.1),
    "linear": (0, 27 * 0.1 - 0.09 / 27 * 26 * 27 / 2),
    "cosine": (0, 9 * (0.1 + (0.01 + 0.09 * 3 / 4) + (0.01 + 0.09 * 1 / 4))),
    "cosine_course_2023": (0, (0.01 + 0.045 * (1 + np.cos(np.pi * STEP / 3))).sum()),
    "constant after a warm-up": (1, 0.1 * (5 + 18)),  # a ninth, two ninths, ... of the rate
}


def row_with(shown, schedule="constant", warmup=0):
    """A row of 27 steps with these flows, of a network for which no gradient is predicted."""
    row = SimpleNamespace(flows=shown, initial=None, width=1, block="bn", init="own", activation=None, cells=["a"])
    row.facts, row.batch_size, row.lr, row.supervision = {"train_images": 95}, 10, 0.1, 0.0
    row.precision = "fp32"
    row.schedule, row.final_lr, row.warmup_epochs, row.epochs = schedule, 0.01, warmup, 3
    return row


@pytest.mark.parametrize("schedule", RATES)
def test_what_adam_can_make_of_gradients_that_grow(schedule):
    """Layers count as below epsilon if they are in every epoch and seed; a step is that of the largest gradient."""
    warmup, rates = RATES[schedule]
    sizes = np.array([[1e-9, 1e-9, 1e-4], [3e-8, 2e-9, 1e-4], [1e-8, 5e-9, 1e-4]])
    shown = [flows.Flow(("a", "b", "c"), epoch / 9, epoch, 5.0, 0.0, (), 1.0) for epoch in sizes]
    found = predictions.theory(row_with(shown, schedule.split()[0], warmup))
    assert (found.below_epsilon, found.steps, found.predicted) == (1, 27, None)
    assert found.adam_step == pytest.approx(0.1 * 3 / 4) and found.adam_total == pytest.approx(rates * 3 / 4)


@pytest.mark.parametrize(
    ("orders", "stages", "within", "staircase"),
    [(5, 3, 9, True), (5, 3, 11, False), (3, 3, 9, False), (5, 2, 9, False)],
)
def test_a_staircase_falls_far_and_is_level_within_its_stages(orders, stages, within, staircase):
    sizes = np.array([10.0**-orders, 1.0])
    flow = flows.Flow(("a", "b"), sizes, sizes, orders, 0.0, (0.1,) * stages, within)
    assert predictions.theory(row_with([flow])).staircase == staircase


@pytest.mark.parametrize("size", [16, 32])
def test_the_prediction_is_that_of_its_variances(size):
    """Half the orders of the mean squares: of what reaches the last layer, and of what each layer passes back."""
    torch = pytest.importorskip("torch")

    def inside(size):
        ones = torch.ones(1, 1, size, size)
        return torch.nn.functional.conv2d(ones, torch.ones(1, 1, 3, 3), padding=1).mean().item() / 9

    slopes = 1 + 0.01**2
    sizes = [size >> stage + (layer == 3) for stage in range(3) for layer in range(4)]
    squares = [slopes / 2 / (3 * 9 * 32), *(6 / slopes / inside(size) for size in sizes)]
    predicted = predictions.predicted_orders(course_layers(1)[:-1], size, 32)
    assert predicted == pytest.approx(sum(map(math.log10, squares)) / 2, rel=1e-6)
    squares[0] = 1 / (3 * 9 * 32)  # beside the biases is what tells images apart, which the activation halves like them
    signal = predictions.forward_orders(course_layers(1)[:-1], size, 32)
    assert signal.low == pytest.approx(sum(map(math.log10, squares)) / 2, rel=1e-6)
    assert signal.high == pytest.approx(signal.low + math.log10(size))  # of size^2 independent positions


def test_the_gradient_at_initialisation_is_as_predicted():
    """To within one and a half of up to fourteen orders of magnitude, without a fitted constant."""
    torch = pytest.importorskip("torch")
    from models.registry import build_model

    for model, size in (("vgg08", 32), ("vgg38", 16), ("vgg38", 32)):
        torch.manual_seed(0)
        network = build_model(model, num_classes=10, image_shape=(3, size, size))
        loss = torch.nn.functional.cross_entropy(network(torch.randn(20, 3, size, size)), torch.arange(20) % 10)
        loss.backward()
        means = {
            name.removesuffix(".weight"): weight.grad.double().abs().mean()
            for name, weight in network.named_parameters()
            if weight.ndim > 1
        }
        layers = list(means)[:-1]
        assert layers == course_layers(0 if model == "vgg08" else 5)[:-1]
        measured = math.log10(means[layers[-1]] / means[layers[0]])
        assert predictions.predicted_orders(layers, size, 32) == pytest.approx(measured, abs=1.5)


@pytest.mark.parametrize(("blocks", "size"), [(1, 16), (2, 16), (2, 32)])
def test_the_signal_at_initialisation_is_as_estimated(blocks, size):
    """Images of noise are independent from position to position, which is the estimate's end `high`; a network whose
    images are of one colour each, with what the padding does to them, lies nearer to `low`. In double precision."""
    torch = pytest.importorskip("torch")
    from models.course_vgg import _course_vgg
    from models.registry import BLOCKS, build_model

    build_model("vgg08")  # registers the blocks
    estimate = predictions.forward_orders(course_layers(blocks)[:-1], size, 32)
    deficits = {"noise": [], "plain": []}
    for seed in range(2):
        torch.manual_seed(seed)
        network = _course_vgg(blocks, BLOCKS["plain"], 10, (3, size, size), 1.0, None, None).double()
        seen = []
        network.dropout.register_forward_pre_hook(lambda _, features, seen=seen: seen.append(features[0]))
        noise = torch.randn(20, 3, size, size, dtype=torch.float64)
        for kind, images in {"noise": noise, "plain": noise[..., :1, :1].expand_as(noise)}.items():
            with torch.no_grad():
                network(images)
            mean = seen[-1].mean(0)
            deficits[kind].append(math.log10(mean.norm() / (seen[-1] - mean).norm(dim=1).mean()))
    assert np.mean(deficits["noise"]) == pytest.approx(estimate.high, abs=0.5)
    assert estimate.low - 0.2 < np.mean(deficits["plain"]) < np.mean(deficits["noise"]) - 0.3


@pytest.mark.parametrize("precision", predictions.ARITHMETIC)
def test_the_signal_is_lost_to_the_arithmetic_from_the_estimated_depth_on(digits, precision):
    """Whether what tells images apart is that of double precision, or rounding: at and below the estimated depths."""
    from models.course_vgg import _course_vgg
    from models.registry import BLOCKS, build_model

    build_model("vgg08")  # registers the blocks
    bits, dtype = predictions.ARITHMETIC[precision][1], {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    assert torch.finfo(dtype).eps == 2.0 ** (1 - bits)
    first, last = predictions.critical_depths(8, 32, bits * math.log10(2))
    images = torch.from_numpy(digits.train_images[:40]).permute(0, 3, 1, 2).float() / 128 - 1

    def apart(network, images):
        seen = []
        network.dropout.register_forward_pre_hook(lambda _, features: seen.append(features[0].double()))
        with torch.no_grad():
            network(images)
        return (seen[-1] - seen[-1].mean(0)).flatten()

    for blocks, found in ((first - 1, True), (last + 1, False)):
        torch.manual_seed(0)
        network = _course_vgg(blocks, BLOCKS["plain"], 10, (3, 8, 8), 1.0, None, None)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            rounded = apart(network, images)
        exact = apart(network.double(), images.double())
        agreement = torch.dot(rounded, exact) / (rounded.norm() * exact.norm() + 1e-300)
        assert agreement > 0.5 if found else abs(agreement) < 0.2


@pytest.mark.parametrize(
    "other",
    [{}, {"init": "kaiming"}, {"activation": "tanh"}, {"supervision": 0.3}, {"l1": 1e-5}, {"l2": 5e-4}],
)
def test_the_estimate_is_made_of_the_network_that_it_holds_for(tmp_path, other):
    folder = write_study(tmp_path)
    cells = pd.read_csv(folder / "cells.csv", dtype=object).assign(**other)
    cells.to_csv(folder / "cells.csv", index=False)
    theory = findings.context(summary.load(folder), SHALLOW, DEEP)["theory"]
    assert (theory.predicted is None) == bool(other)
    assert theory.initial.orders == pytest.approx(theory.flow.orders)


def test_a_selection_without_cells_is_refused(tmp_path):
    study = summary.load(write_study(tmp_path))
    with pytest.raises(UserError, match=r"compare\.deep"):
        findings.context(study, SHALLOW, {"model": "vgg38", "block": "dense"})
