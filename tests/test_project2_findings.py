"""The facts that Project 2's report puts into words: which runs, sizes and times are told apart."""

import math
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from tests.made_project2 import TEMPLATE, make_landscape, make_net
from workflow_scripts.engine.ablation import ablations
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.reports import project2_findings as findings
from workflow_scripts.engine.reports.evidence import Measure
from workflow_scripts.engine.text import latex
from workflow_scripts.engine.training import objectives


def test_names_on_the_front_can_be_listed(tmp_path):
    """A comma inside a name would make one setting look like two."""
    names = ["base", "plain, clip 1", "SGD, Nesterov, lr 0.2"]
    table = pd.DataFrame({"name": names, "seconds": [3, 1, 2], "front_seconds": True})
    table.to_csv(tmp_path / "pareto.csv", index=False)
    found = findings._pareto(tmp_path / "pareto.csv")
    assert found == {"seconds": ["plain (clip 1)", "SGD (Nesterov, lr 0.2)", "base"]}


def test_the_best_run_of_a_network_is_the_most_accurate_that_finished():
    outcomes = [("A", 0.3, ["a"]), ("A", 0.5, ["b"]), ("A", math.nan, []), ("B", math.nan, [])]
    runs = [SimpleNamespace(label=label, val=Measure(mean, 0), finished=names) for label, mean, names in outcomes]
    assert findings._best(runs, ["A", "B", "C"]) == {"A": runs[1]}


@pytest.mark.parametrize(
    ("accuracies", "limit", "unlike"),
    [
        ((0.3, 0.99), 0.12, ("A", "B", False)),
        ((0.99, 0.3), 0.12, ("B", "A", False)),
        ((0.9, 0.95), 0.12, None),
        ((None, 0.9), 0.12, None),
        ((0.19, 0.1), 0.12, ("B", "A", True)),  # with ten classes
        ((0.01, 0.109), 0.02, ("A", "B", True)),  # with a hundred
        ((0.1, 0.12), 0.12, None),  # both guess
    ],
)
def test_runs_are_unlike_where_one_learned_much_less(accuracies, limit, unlike):
    walked = {
        label: SimpleNamespace(label=label, val=Measure(mean, math.nan))
        for label, mean in zip("AB", accuracies, strict=True)
        if mean is not None
    }
    found = findings._unlike(walked, "A", "B", limit)
    assert (found and (found.less.label, found.more.label, found.guesses)) == unlike


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
        (((2.0, 0.1), (1.0, 0.1), (1.5, 0.1)), ["1", "0"]),
        (((2.0, 0.6), (1.0, 0.5)), None),  # hidden by the scatter of the seeds
        (((1.0, 0.001), (1.05, 0.001)), None),
        (((2.0, math.nan), (1.0, math.nan)), ["1", "0"]),  # one seed
        ((), None),
    ],
)
def test_times_are_told_where_they_differ(times, ends):
    found = findings._times(
        [SimpleNamespace(level=str(i), seconds_per_epoch=Measure(*time)) for i, time in enumerate(times)]
    )
    assert (found and [level.level for level in found]) == ends


def test_times_that_differ_between_seeds_are_told(tmp_path):
    study = make_net(tmp_path / "net")
    path = tmp_path / "net/summary/history.csv"
    history = pd.read_csv(path)
    history.loc[history["cell"] == "cifar_net-bn_rc-width2-digits-lr0.001-seed0", "seconds"] = 5.0
    history.to_csv(path, index=False)
    found = findings._unsteady(ablations.load(tmp_path / "net/summary"))
    assert (found.least, found.most) == (2.0, 5.0)
    landscape = make_landscape(tmp_path / "landscape")
    facts = findings.context(tmp_path / "net", study, tmp_path / "landscape", landscape)
    text = " ".join(latex.render(TEMPLATE, facts | config.Report().model_dump()).split())
    assert "seeds of the same setting took from $2.00$ to $5.00$\\,s per epoch." in text


@pytest.mark.parametrize("classes", [10, 100])
def test_smoothed_labels_have_a_least_loss(classes):
    target = torch.full((classes,), findings.SMOOTHING / classes)
    target[0] += 1 - findings.SMOOTHING
    least = objectives.label_smoothing(target.log()[None], torch.zeros(1, dtype=torch.long))
    assert findings._entropy_of_smoothed(classes) == pytest.approx(least.item(), rel=1e-5)
