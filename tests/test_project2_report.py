"""The report of Project 2 says what its two studies show: its sentences turn round with the results.

The studies are made of closed forms, and written to the files that the commands write; no network was trained.
"""

import json
import math
import re
import shutil
from types import SimpleNamespace

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest
import torch

from tests.conftest import ROOT, command
from tests.made_cells import write_study as write_net
from tests.made_landscapes import STUDY as LANDSCAPE
from tests.made_landscapes import write_study as write_landscape
from workflow_scripts.engine import (
    ablation_table,
    ablations,
    config,
    insight,
    landscape_names,
    latex,
    objectives,
    pareto,
)
from workflow_scripts.engine import project2_findings as findings
from workflow_scripts.engine.findings import Measure
from workflow_scripts.engine.record import Cell
from workflow_scripts.engine.studies import Study

TEMPLATE = ROOT / "report/project2.tex.j2"
NET = {
    "base": {"model": "cifar_net", "block": "bn_rc", "dataset": "digits", "seed": [0, 1, 2]},
    "ablations": {
        "width": {"width": [0.5, 1, 2]},
        "loss": [{"loss": ["cross_entropy", "focal"]}, {"l2": 5e-4}],
        "optimizer": {"optimizer": ["adam", "muon", "own_adam"]},
    },
}
SURFACE = {"cells": [{"model": "vgg_a", "block": "plain"}]}
GAIN = {"focal": -0.1}  # a loss that is worse for every seed
WOBBLE = {"focal": 0.001, "muon": 0.04}


def accuracy(cell):
    """Twice the width is better by far; focal is worse; with Muon the seeds differ more than the means."""
    spread = WOBBLE.get(cell.loss, WOBBLE.get(cell.optimizer, 0.002)) * (cell.seed - 1)
    return 0.7 + 0.1 * math.log2(cell.width) + GAIN.get(cell.loss, 0) + spread + 0.001 * (cell.seed == 2)


def make_net(
    folder, seeds=(0, 1, 2), mistakes=None, title="made", embedded=True, diverged=(), chosen=None, lost=0, **base
):
    """The folder of the study of the network, with all that the report reads of it; returns its `studies.Study`.

    `lost`: how far the test accuracy lies below that on the validation images.
    """
    study = Study(**{**NET, "base": {**NET["base"], **base, "seed": list(seeds)}})
    write_net(folder, study, accuracy, diverged)
    (folder / "summary/dataset.json").write_text(json.dumps({"title": title, "embedded": embedded}))
    found = ablations.load(folder / "summary")
    rows = ablations.rows(found, study)
    for factor, levels in rows.groupby("factor", sort=False):
        ablation_table.write(folder / f"ablations/{factor}.csv", levels)
    (folder / "figures").mkdir()
    pareto.points(found, study).to_csv(folder / "figures/pareto.csv", index=False)
    best = rows.sort_values("best_val_acc").iloc[-1] if chosen is None else rows[rows["level"] == chosen].iloc[0]
    one = {"mean": 0.75, "std": None, "values": [0.75]}
    several = {"mean": 0.81, "std": 0.01, "values": [0.81] * 3}
    facts = {
        "label": best["label"],
        "record": {key: _plain(best[key]) for key in Cell.model_fields if key in best},
    }
    facts |= {"parameters": 6400, "epochs": 5, "seconds_per_epoch": 2.0, "seeds": list(seeds), "cells": best["cells"]}
    facts |= dict.fromkeys(("best_val_acc", "test_acc", "test_loss"), several if len(seeds) > 1 else one)
    facts["test_acc"] = {**facts["test_acc"], "mean": facts["test_acc"]["mean"] - lost}
    (folder / "chosen.json").write_text(json.dumps(facts))
    make_insight(folder / "insight", {(3, 5): 5} if mistakes is None else mistakes)
    return study


def _plain(value):
    return None if pd.isna(value) else value.item() if hasattr(value, "item") else value


def make_insight(folder, mistakes):
    """100 images of ten classes; `mistakes`, {(class, what it is taken for): how many of its images}."""
    labels = np.repeat(np.arange(10), 10)
    predicted = labels.copy()
    for (label, taken_for), many in mistakes.items():
        predicted[10 * label : 10 * label + many] = taken_for
    table = insight.predictions(np.arange(100), labels, np.eye(10)[predicted])
    names = [f"class_{label}" for label in range(10)]
    layer = {"layer": "classifier", "kind": "Linear", "weight": [10, 8], "output": [10], "parameters": 90}
    facts = {"images": 100, "right": 100 - sum(mistakes.values()), "class_names": names, "structure": [layer]}
    facts |= {"filters": {"layer": "conv", "shape": [8, 3, 3, 3]}, "grad_cam": {"layer": "stages_2", "shape": [4, 4]}}
    facts |= {"tsne": {"images": 100, "features": 8, "perplexity": 30}}
    content = {"insight.json": facts, "confusion.csv": insight.confusion(table, 10)}
    insight.write(content | {"per_class.csv": insight.per_class(table, names)}, folder)


def make_landscape(folder, title="made", embedded=True, surface=False, **options):
    """The folder of the landscape study; returns its `studies.Study`."""
    folder.mkdir()
    write_landscape(folder, **options)
    cells = pd.read_csv(folder / "summary/cells.csv")
    facts = {"image_size": 32, "train_images": 90, "val_images": 10, "test_images": 50, "device": "cpu"}
    cells.assign(**facts).to_csv(folder / "summary/cells.csv", index=False)
    (folder / "summary/dataset.json").write_text(json.dumps({"title": title, "embedded": embedded}))
    (folder / "tables").mkdir()
    (folder / "tables/landscape_table.tex").write_text(r"\begin{tabular}{l}numbers\end{tabular}")
    (folder / "figures").mkdir()
    if surface:
        alpha = np.linspace(-1, 1, 9)
        line = pd.DataFrame({"network": "VGG-A", "alpha": alpha, "loss": 0.5 + 4 * alpha**2})
        line.to_csv(folder / "figures/surface_lines.csv", index=False)
        line.to_csv(folder / "figures/surface_contours.csv", index=False)
    return Study(**LANDSCAPE, surface=SURFACE if surface else None)


def filled(tmp_path, landscape=None, author=(), **net):
    """The LaTeX of two made studies, white space made single spaces; `author`: keys of the section `report`."""
    studies = make_net(tmp_path / "net", **net), make_landscape(tmp_path / "landscape", **(landscape or {}))
    facts = findings.context(tmp_path / "net", studies[0], tmp_path / "landscape", studies[1])
    return " ".join(latex.render(TEMPLATE, facts | {**config.Report().model_dump(), **dict(author)}).split())


def never_walked(cell, arrays):
    return {name: array for name, array in arrays.items() if "walk" not in name and "shift" not in name}


def bn_worse_along_the_gradient(cell, arrays):
    """The walk's quotients of the network with BN a hundred times as large, so that the protocols disagree."""
    scale = 100 if cell["block"] == "bn" else 1
    return {name: scale * array if name == "walk_beta" else array for name, array in arrays.items()}


def bn_rougher_along_the_gradient(cell, arrays):
    """The walks and the covariate shift of the network with BN, a hundred times as large."""
    seen = ("walk_loss", "walk_gradient_distance", "walk_beta", "shift_l2")
    scale = 100 if cell["block"] == "bn" else 1
    return {name: scale * array if name in seen else array for name, array in arrays.items()}


def bn_worse_at_the_last_step(cell, arrays):
    """A last gradient of the network with BN that is far from all before it, so that maxima contradict medians."""
    if cell["block"] == "bn":
        arrays["gradient_distance"][:, -1] *= 1000
    return arrays


SENTENCES = {
    # scenario: (net, landscape, what must be said, what must not)
    "as made": (
        {},
        {},
        [
            "Demonstration run.",
            "None of the numbers is of the project's data set",
            "Chosen by validation accuracy, CIFAR-NET BN+RC with width 2 (6,400 parameters) has",
            "Validation accuracy is higher with width 2 ($80.03$",
            "It is lower with width 0.5",
            "Validation accuracy is lower with focal",
            r"These seeds could show no difference for Muon ($70.03$\,$\pm$\,4.05\,\%) and own Adam",
            "Muon \\citep{jordan2024muon} makes",
            "What is called \\emph{own} is this project's",
            r"is $10.00$\,\% for VGG-A and $60.00$\,\% for VGG-A BN. Those of VGG-A and VGG-A BN are more than 10",
            "Sizes go from 400 parameters (width 0.5) to 6,400 (width 2).",
            r"The highest accuracy of a class is $100.0$\,\% (9 classes), the lowest $50.0$\,\% (\emph{class 3}, 10 "
            "images;",
            r"The mistakes (Figure~\ref{fig:confusion}) are \emph{class 3} taken for \emph{class 5} (5).",
            "intervals overlap: these images may be too few to tell which is harder",
            "$10.0$ seconds in all",
            "none is more accurate than width 0.5, base, L2 0.0005, Muon, own Adam and width 2 (by parameters)",
            "On the range of losses they agree: that of VGG-A is larger than that of VGG-A BN in the median.",
            r"Along the gradient the median effective $\beta$ of VGG-A BN, which is small where the loss is smooth, "
            r"is smaller than that of VGG-A; the learning rates say the same.",
            "Of the 3 layers that have others before them, the median distance is smaller with VGG-A BN than with "
            "VGG-A in 3, larger in 0 and alike in 0. The median cosine of VGG-A BN is nearer to 1 in 3 of 3.",
            r"s1234567 \\{\small Code: not given (\texttt{report.code\_url} in \texttt{config.yaml})}",
            r"has $81.00$\,$\pm$\,1.00\,\% (an error of $19.00$\,$\pm$\,1.00\,\%) on the test images",
            r"trains for 5 epochs of $2.00$\,$\pm$\,0.00\,s, $10.0$ seconds in all",
            "Between them are, without weights: a $2\\times2$ max-pool",
            "before a pair's second activation, the sum with the pair's input; the mean over the positions",
            r"But of the two runs walked along, that of VGG-A reached only $10.00$\,\% in validation, and that of "
            r"VGG-A BN $60.00$\,\%, so that one which learned less is compared",
            "The run of VGG-A reached only",
            r"What is said along the gradient is of the unequal runs of Section~\ref{sec:walk}.",
            "Nor does the cosine make up for runs that have come unequally far",
            r"has a test error of $19.00$\,$\pm$\,1.00\,\% with 6,400 parameters. A difference from the base could be "
            "shown for levels of width and loss, and of no other factor.",
            r"At the best of its rates VGG-A reaches $10.00$\,\% and VGG-A BN reaches $60.00$\,\% in validation. Over "
            "learning rates, in the median and beside VGG-A, the range of losses, the gradient distance and the "
            r"effective $\beta$ are smaller with VGG-A BN: its training depends less on the rate. Along the gradient "
            r"the range of losses, the gradient distance and the effective $\beta$ are smaller. This agrees with "
            r"\citet{santurkar2018}, who find all three smaller with BN; but as the runs walked along have come "
            "unequally far, it does not test their finding.",
            "is smaller in all of the 3 layers with others before them: BN reduces it, as",
        ],
        [
            "For orientation",
            "Loss surfaces",
            "they disagree",
            "There are none among these images",
            "diverged",
            "dropout before",
            "points below the validation accuracy",
            "smoothed labels",
            "An epoch takes",
            "of one and the same setting",
            "all of it times a factor",
        ],
    ),
    "links": (
        {
            "author": {
                "author": "Li Hua, 22307130001",
                "code_url": "https://example.org/a_b?c=%20#d",
                "weights_url": "https://example.org/w",
            }
        },
        {},
        [
            r"\urldef{\codelink}\url{https://example.org/a_b?c=%20#d}",
            r"\author{Li Hua, 22307130001 \\{\small Code: \codelink} \\{\small Data: not given (\texttt{report.data\_",
            r"\\{\small Weights: \weightslink}",
        ],
        ["s1234567", "code\\_url"],
    ),
    "the test is harder": (
        {"lost": 0.05},
        {},
        ["That is 5.0 points below the validation accuracy of the same weights: choosing setting and epoch"],
        [],
    ),
    "smoothed labels and a warm-up": (
        {"loss": "label_smoothing", "schedule": "linear", "warmup_epochs": 1},
        {},
        [
            "which smoothed labels keep above $0.500$;",
            r"learning rate $10^{-3}$ at the start, then a straight line to $2{\times}10^{-5}$ over the whole run, "
            "changed at every step, all of it times a factor that rises linearly from 0 to 1 in the first epoch;",
        ],
        [],
    ),
    "one mistake": (
        {"mistakes": {(3, 5): 1}},
        {},
        [r"The mistake (Figure~\ref{fig:confusion}) is \emph{class 3} taken for \emph{class 5} (1)."],
        ["most frequent"],
    ),
    "mistakes of many pairs": (
        {"mistakes": {(3, 5): 3, (4, 6): 2, (5, 7): 2, (6, 8): 1}},
        {},
        [r"Of the 8 mistakes (Figure~\ref{fig:confusion}), the most frequent are \emph{class 3} taken"],
        ["(1)."],
    ),
    "mistakes of many pairs alike": (
        {"mistakes": {(3, 5): 2, (4, 6): 1, (5, 7): 1, (6, 8): 1}},
        {},
        [r"Of the 5 mistakes (Figure~\ref{fig:confusion}), among the most frequent are \emph{class 3} taken"],
        [],
    ),
    "BN is rougher": (
        {},
        {"change": bn_rougher_along_the_gradient},
        [
            r"Along the gradient the range of losses, the gradient distance and the effective $\beta$ are larger. This "
            r"does not show the smoothing of \citet{santurkar2018}, who find",
            "is smaller in none of the 3 layers with others before them: BN does not reduce it throughout",
        ],
        ["agrees with", "BN reduces it"],
    ),
    "every rate of a network diverged": (
        {},
        {"diverged": {0, 1, 2}},
        [r"best of its rates VGG-A BN reaches $60.00$\,\% in validation. No run of VGG-A over the rates finished."],
        [],
    ),
    "every level of a factor diverged": (
        {
            "diverged": [
                f"cifar_net-bn_rc-{name}digits-lr0.001-seed{seed}"
                for name in ("", "width0.5-", "width2-")
                for seed in range(3)
            ],
            "chosen": "1",
        },
        {},
        [
            "3 of 3 runs with width 2 diverged",
            "The base, width 1, diverged from every seed, and nothing can be compared with it",
        ],
        ["Sizes go from", "has --"],
    ),
    "CIFAR-10": (
        {"title": "CIFAR-10", "embedded": False},
        {"title": "CIFAR-10", "embedded": False},
        [
            "For orientation, as published elsewhere and not measured here: ",
            "krizhevsky2009",
            " 90 images are for training, 10, taken from the training images",
        ],
        ["Demonstration run", "None of the numbers is of", "a part of the training", "a random part"],
    ),
    "CIFAR-10 cut to a CPU": (
        {"title": "CIFAR-10", "embedded": False, "train_items": 90},
        {"title": "CIFAR-10", "embedded": False},
        [
            "in 21 runs on a part of the training images, 90 of them.",
            " 90 images are for training, a random part of those there are, 10, taken",
            "not measured here, after training on all 50,000 images: ResNet-110",
        ],
        [],
    ),
    "medians and maxima contradict each other": (
        {},
        {"change": bn_worse_at_the_last_step},
        [
            "Of the gradient distance over learning rates median and maximum contradict each other: ",
            "Of the effective $\\beta$ over learning rates median and maximum contradict each other: VGG-A has the "
            "larger median, but not the larger maximum. A maximum is one step of a run, the median half of them.",
        ],
        ["maximum. A maximum is one step of a run, the median half of them. Of"],
    ),
    "the second part reads the same test images": (
        {},
        {},
        ["which were read for none of the other settings.", "after the choice and for none of the other settings, is"],
        ["for it alone", "this setting alone"],
    ),
    "one seed": (
        {"seeds": (1,)},
        {},
        [
            "With one seed the spread between repetitions is unknown",
            "Without a spread to judge them by, the runs made have reached: width 0.5 ($60.00",
        ],
        ["Validation accuracy is higher with", "is lower with", "These seeds could show", "these seeds could show"],
    ),
    "the base is chosen": (
        {"chosen": "1"},
        {},
        ["Of all settings, CIFAR-NET BN+RC, the base itself, has"],
        ["CIFAR-NET BN+RC with width 2"],
    ),
    "no mistakes": (
        {"mistakes": {}},
        {},
        ["There are none among these images", "there is no wrong prediction to show"],
        ["the most frequent", "crosses: classified wrong", "Below: the wrong predictions"],
    ),
    "a class all wrong": (
        {"mistakes": {(3, 5): 10}},
        {},
        ["lowest $0.0$\\,\\% (\\emph{class 3}, 10 images;", "intervals lie apart"],
        ["intervals overlap"],
    ),
    "a level diverged": (
        {"diverged": ("cifar_net-bn_rc-width2-digits-lr0.001-seed0",)},
        {},
        ["1 of 3 runs with width 2 diverged, the earliest at step 17"],
        [],
    ),
    "a walk diverged": (
        {},
        {"diverged": {6}},
        [
            r"it is $60.00$\,\% for VGG-A BN. That of VGG-A diverged at step 17.",
            "for VGG-A BN, over 4 and 8 steps (smaller with VGG-A BN",
        ],
        ["points apart", "reached only"],
    ),
    "a rate diverged": (
        {},
        {"diverged": {0}},
        ["VGG-A at rate $10^{-3}$ diverged at step 17", "with VGG-A BN. Along the gradient the range"],
        ["depends less on the rate"],  # it may be only that the worst run has left the range
    ),
    "nothing probed": (
        {},
        {"change": never_walked},
        [
            "No step was probed in this run.",
            "only one of them has something to say",
            "Along the gradient there is nothing to compare, so that the finding",
        ],
        [
            "they agree",
            "\\gradfigure{walks}",
            "\\gradfigure{covariate_shift}",
            "Along the gradient the median effective",
            "who find all three",
            "internal covariate shift of VGG-A BN",
        ],
    ),
    "protocols disagree": (
        {},
        {"change": bn_worse_along_the_gradient},
        [
            r"On the effective $\beta$ they disagree: in the median, that of VGG-A is larger over learning rates and "
            "smaller along the gradient, compared with VGG-A BN.",
            "over learning rates it is not so",
            r"Along the gradient the effective $\beta$ is larger, the range of losses and the gradient distance are "
            "smaller. This agrees only in part with",
        ],
        [r"On the effective $\beta$ they agree"],
    ),
    "a surface": (
        {},
        {"surface": True},
        [
            "Loss surfaces",
            "For VGG-A the loss in the centre is $0.500$, and $56$\\,\\% of the plane to $\\pm1$ lies below",
        ],
        [],
    ),
}


@pytest.mark.parametrize("scenario", SENTENCES)
def test_sentences_follow_the_results(tmp_path, scenario):
    net, landscape, said, unsaid = SENTENCES[scenario]
    text = filled(tmp_path, landscape, **net)
    for sentence in said:
        assert sentence in text, sentence
    for sentence in unsaid:
        assert sentence not in text, sentence


def test_names_on_the_front_can_be_listed(tmp_path):
    """A comma of a name's own would make two settings of one."""
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
    ("accuracies", "unlike"),
    [((0.3, 0.99), ["A", "B"]), ((0.99, 0.3), ["B", "A"]), ((0.9, 0.95), None), ((None, 0.9), None)],
)
def test_runs_are_unlike_where_one_learned_much_less(accuracies, unlike):
    walked = {
        label: SimpleNamespace(label=label, val=Measure(mean, math.nan))
        for label, mean in zip("AB", accuracies, strict=True)
        if mean is not None
    }
    found = findings._unlike(walked, "A", "B")
    assert (found and [run.label for run in found]) == unlike


@pytest.mark.parametrize(
    ("counts", "ends"),
    [
        ((100, 400, 100), [["0", "2"], ["1"]]),  # all of the smallest are named
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
        (((2.0, 0.6), (1.0, 0.5)), None),  # what the seeds scatter swallows it
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
    assert "seeds of one and the same setting took from $2.00$ to $5.00$\\,s per epoch." in text


@pytest.mark.parametrize("classes", [10, 100])
def test_smoothed_labels_have_a_least_loss(classes):
    target = torch.full((classes,), findings.SMOOTHING / classes)
    target[0] += 1 - findings.SMOOTHING
    least = objectives.label_smoothing(target.log()[None], torch.zeros(1, dtype=torch.long))
    assert findings._entropy_of_smoothed(classes) == pytest.approx(least.item(), rel=1e-5)


def test_every_citation_and_reference_is_there(tmp_path):
    text = filled(tmp_path, {"surface": True})
    known = set(re.findall(r"@\w+\{(\w+),", (ROOT / "report/references.bib").read_text()))
    cited = {name for group in re.findall(r"\\cite[tp](?:\[[^\]]*\])*\{([^}]*)\}", text) for name in group.split(",")}
    assert cited <= known, cited - known
    labels = set(re.findall(r"\\label\{([^}]*)\}", text))
    labels |= {f"fig:{name}" for name in re.findall(r"\\gradfigure(?:here)?\{([^}]*)\}", text)}
    assert set(re.findall(r"\\ref\{([^}]*)\}", text)) <= labels
    for name in ("santurkar2018", "ioffe2015", "li2018", "he2016", "simonyan2015", "selvaraju2017", "vandermaaten2008"):
        assert name in cited


def test_the_command_writes_a_folder_that_can_be_typeset(tmp_path):
    net, landscape, out = tmp_path / "net", tmp_path / "landscape", tmp_path / "report"
    make_net(net)
    make_landscape(landscape, surface=True)
    figures = ["filters", "grad_cam", "confusion", "class_accuracy", "tsne", "pareto", "samples_digits"]
    for path in [
        *(net / f"figures/{name}.pdf" for name in figures),
        *(net / f"ablations/{name}.pdf" for name in NET["ablations"]),
        *(landscape / f"figures/{name}.pdf" for name in (*landscape_names.FIGURES, *landscape_names.SURFACES)),
    ]:
        matplotlib.figure.Figure((3.25, 1)).savefig(path)
    words = ["--net", net, "--net-study", json.dumps(NET), "--landscape", landscape]
    words += ["--landscape-study", json.dumps(LANDSCAPE | {"surface": SURFACE}), "--template", TEMPLATE, "--out", out]
    command("fill_project2", *words, "--student-number", "s7654321", "--code-url", "https://example.org/a_b?c=%20#d")
    text = (out / "project2.tex").read_text()
    assert "s7654321" in text
    for name in re.findall(r"\\gradfigure(?:here)?\{([^}]*)\}", text):
        assert (out / f"figures/{name}.pdf").is_file(), name
    for name in re.findall(r"\\input\{([^}]*)\}", text):
        assert (out / f"{name}.tex").is_file(), name
    if shutil.which("latexmk"):
        done = command("compile_report", out / "project2.tex", "--out", tmp_path / "project2.pdf")
        assert (tmp_path / "project2.pdf").read_bytes().startswith(b"%PDF")
        assert "overfull" not in done.stderr


def test_what_is_missing_is_named(tmp_path, refused):
    make_net(tmp_path / "net")
    make_landscape(tmp_path / "landscape")
    words = ["--net", tmp_path / "net", "--net-study", json.dumps(NET), "--landscape-study", json.dumps(LANDSCAPE)]
    words += ["--landscape", tmp_path / "landscape", "--template", TEMPLATE, "--out", tmp_path / "report"]
    assert "expected a file that the report shows" in refused("fill_project2", *words)  # figures of the ablations
    (tmp_path / "net/insight/insight.json").unlink()
    assert "inspect_cell` writes, found none" in refused("fill_project2", *words)
    assert "--net-study is not valid" in refused("fill_project2", *words[:3], '{"grid": []}', *words[4:])
    assert "argument --net-study: expected JSON, found '{'" in refused("fill_project2", *words[:3], "{", *words[4:])
