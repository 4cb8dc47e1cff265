"""The facts that Project 2's report puts into words: which runs, sizes and times are told apart."""

import json
import math
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from models import cifar_net, vgg_a
from models.registry import BLOCKS
from tests.made_project2 import TEMPLATE, make_insight, make_landscape, make_net
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.reports import evidence, network_shapes, project2_landscape
from workflow_scripts.engine.reports import project2_findings as findings
from workflow_scripts.engine.reports.evidence import Measure
from workflow_scripts.engine.text import latex
from workflow_scripts.engine.training import objectives, schedules


def test_names_on_the_front_can_be_listed(tmp_path):
    """A comma inside a name would make one setting look like two, and a setting may be called NA."""
    names = ["base", "plain, clip 1", "SGD, Nesterov, lr 0.2", "NA"]
    table = pd.DataFrame({"name": names, "seconds": [3, 1, 2, 4], "front_seconds": True, "diverged": 0})
    table.to_csv(tmp_path / "pareto.csv", index=False)
    found = findings._pareto(tmp_path / "pareto.csv")
    assert found == {"seconds": ["plain (clip 1)", "SGD (Nesterov, lr 0.2)", "base", "NA"], "partial": False}


def test_classes_that_the_typeface_cannot_print_go_by_their_number(tmp_path):
    make_insight(tmp_path, {(3, 5): 2})
    facts = json.loads((tmp_path / "insight.json").read_text())
    facts["class_names"][3] = "数字"
    (tmp_path / "insight.json").write_text(json.dumps(facts))
    (pair,) = findings._insight(tmp_path).pairs
    assert (pair.label, pair.predicted) == ("class 3", "class 5") and "数" not in str(findings._insight(tmp_path))


@pytest.mark.parametrize("width", [0.25, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("block", ["plain", "bn_rc"])
def test_the_stages_told_are_those_of_the_network(width, block):
    model = cifar_net.cifar_net(BLOCKS[block], 10, (3, 32, 32), width)
    parameters = sum(weight.numel() for weight in model.parameters())
    base = SimpleNamespace(model="cifar_net", width=width, num_classes=10, parameters=parameters)
    found = network_shapes.stages(base)
    assert list(found.own) == [stage.entry.conv.out_channels for stage in model.stages]
    assert found.pairs == sum(len(stage.pairs) for stage in model.stages)
    assert found.layers == sum(weight.dim() > 1 for weight in model.parameters())
    base.parameters += 1  # another network by this name
    assert network_shapes.stages(base) is None


@pytest.mark.parametrize("block", ["plain", "bn"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_full_size_told_is_that_of_the_network(block, channels):
    def parameters(width):
        model = vgg_a.vgg_a(BLOCKS[block], 10, (channels, 32, 32), width)
        return sum(weight.numel() for weight in model.parameters())

    run = SimpleNamespace(model="vgg_a", width=0.25, num_classes=10, parameters=parameters(0.25))
    assert network_shapes.full_size(run) == parameters(1)
    assert network_shapes.full_size(SimpleNamespace(**{**vars(run), "width": 1.0})) is None
    assert network_shapes.full_size(SimpleNamespace(**{**vars(run), "parameters": 1})) is None


def test_the_best_run_of_a_network_is_the_most_accurate_that_finished():
    outcomes = [("A", 0.3, ["a"]), ("A", 0.5, ["b"]), ("A", math.nan, []), ("B", math.nan, [])]
    runs = [SimpleNamespace(label=label, val=Measure(mean, 0), finished=names) for label, mean, names in outcomes]
    assert project2_landscape._best(runs, ["A", "B", "C"]) == {"A": runs[1]}


def _run(label, val, end=None, train=None, images=2000):
    measures = {"val": val, "end": val if end is None else end, "train": val if train is None else train}
    return SimpleNamespace(
        label=label,
        images=dict.fromkeys(measures, images),
        **{name: Measure(mean, math.nan) for name, mean in measures.items()},
    )


@pytest.mark.parametrize(
    ("accuracies", "guess", "images", "unlike"),
    [
        ((0.3, 0.99), 0.1, 2000, ("A", "B", False)),
        ((0.99, 0.3), 0.1, 2000, ("B", "A", False)),
        ((0.9, 0.95), 0.1, 2000, None),
        ((None, 0.9), 0.1, 2000, None),
        ((0.19, 0.1), 0.1, 2000, ("B", "A", True)),  # with ten classes
        ((0.01, 0.109), 0.01, 1000, ("A", "B", True)),  # with a hundred
        ((0.1, 0.12), 0.1, 2000, None),  # both guess
        ((43 / 90, 44 / 90), 0.335, 90, None),  # one image is no difference, though only one exceeds guessing
    ],
)
def test_runs_are_unlike_where_one_learned_much_less(accuracies, guess, images, unlike):
    runs = zip("AB", accuracies, strict=True)
    walked = {label: _run(label, mean, images=images) for label, mean in runs if mean is not None}
    found = project2_landscape._unlike(walked, "A", "B", guess)
    assert (found and (found.less.label, found.more.label, found.guesses)) == unlike


def test_runs_are_compared_by_where_they_end_before_what_they_passed_by():
    back_at_chance = {"A": _run("A", 0.95, 0.1), "B": _run("B", 0.94, 0.94)}
    found = project2_landscape._unlike(back_at_chance, "A", "B", 0.1)
    assert (found.less.label, found.guesses, found.which) == ("A", True, "end")
    found = project2_landscape._unlike({"A": _run("A", 0.95, 0.5, 0.5), "B": _run("B", 0.55, 0.5, 0.5)}, "A", "B", 0.1)
    assert (found.less.label, found.guesses, found.which) == ("B", False, "val")


def test_runs_are_compared_by_their_training_too():
    """The landscape is that of the training loss; a network near the loss of guessing may validate a little better."""
    walked = {"A": _run("A", 0.17, train=0.147), "B": _run("B", 0.257, train=0.406)}
    found = project2_landscape._unlike(walked, "A", "B", 0.1)
    assert (found.less.label, found.guesses, found.which) == ("A", False, "train")


@pytest.mark.parametrize(
    ("counts", "ends"),
    [
        ((100, 400, 100), [["0", "2"], ["1"]]),  # all with the smallest value are named
        ((100, 109), None),
        ((100, 100), None),
        ((), None),
    ],
)
def test_sizes_are_told_where_they_differ(counts, ends):
    found = findings._sizes([SimpleNamespace(level=str(i), parameters=many) for i, many in enumerate(counts)])
    assert (found and [[level.level for level in end] for end in found]) == ends


@pytest.mark.parametrize(
    ("times", "ends"),
    [
        (((1.9, 2.1), (1.0, 1.2), (1.5, 1.6)), ["1", "0"]),
        (((1.9, 2.1), (1.0, 1.8)), None),  # two runs of one setting differ by more than the settings do
        (((4.0, 4.1), (1.0, 1.8)), ["1", "0"]),
        (((1.0, 1.001), (1.05, 1.051)), None),
        (((2.0,), (1.0,)), None),  # one seed: nobody knows what the machine's load does
        ((), None),
    ],
)
def test_times_are_told_only_where_they_differ_more_than_runs_of_one_setting(times, ends):
    """They also follow the machine's load, which is no property of a setting."""
    seconds = pd.Series({f"{i}-{seed}": time for i, runs in enumerate(times) for seed, time in enumerate(runs)})
    levels = [
        SimpleNamespace(
            level=str(i),
            finished=[f"{i}-{seed}" for seed in range(len(runs))],
            seconds_per_epoch=Measure(sum(runs) / len(runs), math.nan),
        )
        for i, runs in enumerate(times)
    ]
    unsteady = findings._unsteady([level.finished for level in levels], seconds)
    found = findings._times(levels, seconds, unsteady)
    assert (found and [level.level for level in found]) == ends


def _with_times(tmp_path, times):
    """The report where {cell: seconds per epoch}, and 2 seconds in all others."""
    study = make_net(tmp_path / "net")
    path = tmp_path / "net/summary/history.csv"
    history = pd.read_csv(path)
    for cell, seconds in times.items():
        history.loc[history["cell"] == f"cifar_net-bn_rc-{cell}", "seconds"] = seconds
    history.to_csv(path, index=False)
    landscape = make_landscape(tmp_path / "landscape")
    facts = findings.context(tmp_path / "net", study, tmp_path / "landscape", landscape)
    return " ".join(latex.render(TEMPLATE, facts | config.Report().model_dump()).split())


def test_times_that_differ_between_seeds_are_told(tmp_path):
    text = _with_times(tmp_path, {"width2-digits-lr0.001-seed0": 5.0})
    assert "so the second list is one of these runs more than of the settings: two runs of one setting took" in text
    assert "took $2.00$ and $5.00$\\,s per epoch." in text
    assert "two runs of the same setting differ by, up to a factor of $2.50$ here" in text
    assert "An epoch takes" not in text


def test_a_slow_setting_is_told(tmp_path):
    times = (5.0, 5.01, 5.08)  # of which mean and deviation are 5.03 and 0.04
    text = _with_times(tmp_path, {f"width2-digits-lr0.001-seed{seed}": time for seed, time in enumerate(times)})
    assert (
        "An epoch takes from $2.00$\\,$\\pm$\\,0.00\\,s (width 0.5) to $5.03$\\,$\\pm$\\,0.04\\,s (width 2), further"
        in text
    )
    assert "trains for 5 epochs of $5.03$\\,$\\pm$\\,0.04\\,s, at this pace $25.2$ seconds in all" in text
    assert "more than of the settings." in text and "two runs of one setting took" not in text


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({}, True),
        ({"warmup_epochs": 5}, True),
        ({"warmup_epochs": 6}, False),  # it may fall before the warm-up ends
        ({"final_lr": 0.1}, False),  # it rises all the way
        ({"warmup_epochs": 0}, False),
        ({"schedule": "cosine"}, False),
    ],
)
def test_the_peak_told_is_the_highest_rate_of_the_schedule(other, told):
    record = {"schedule": "linear", "lr": 0.02, "final_lr": 0.001, "warmup_epochs": 2, "epochs": 10, **other}
    cell = SimpleNamespace(**record)
    rates = [schedules.learning_rate(cell, epoch, step, 1000) for epoch in range(10) for step in range(1000)]
    assert findings._peak(record) == (pytest.approx(max(rates), rel=0.05) if told else None)


@pytest.mark.parametrize("classes", [10, 100])
def test_smoothed_labels_have_a_least_loss(classes):
    target = torch.full((classes,), findings.SMOOTHING / classes)
    target[0] += 1 - findings.SMOOTHING
    least = objectives.label_smoothing(target.log()[None], torch.zeros(1, dtype=torch.long))
    assert findings._entropy_of_smoothed(classes) == pytest.approx(least.item(), rel=1e-5)


@pytest.mark.parametrize(
    ("blocks", "parts"),
    [
        (("bn_rc", "bn"), ["residual connections"]),
        (("bn_rc", "bn", "rc", "plain"), ["batch normalisation", "residual connections"]),
        (("bn", "bn"), []),
        (("bn", "gn"), []),  # what stands in its place is no part that is known
    ],
)
def test_the_parts_told_are_those_that_differ(blocks, parts):
    assert findings._parts(set(blocks)) == parts


@pytest.mark.parametrize(
    ("items", "cut"), [((50, 50), [True, True]), ((math.nan, 50), [False, True]), ((90, 50), [False, True])]
)
def test_all_the_images_are_no_part_of_them(items, cut):
    """As many as there are may be asked for."""
    there = [{"name": "made", "train_images": 100}]
    cells = pd.DataFrame({"dataset": "made", "train_items": items, "val_images": 10})
    cells["train_images"] = cells["train_items"].fillna(90)
    assert evidence._cut(cells, there).tolist() == cut
