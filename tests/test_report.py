"""The report says what the run shows: its sentences turn round with the results.

The studies are synthetic: closed forms written to the files that `summarise` writes, not results of any training.
"""

import argparse
import csv
import itertools
import json
import math
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest

from tests.conftest import command, pdf_text
from workflow_scripts import compile_report
from workflow_scripts.engine import code, config, findings, flows, latex, protocol, summary, tables, typesetting
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.record import Cell

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = [ROOT / "report" / f"mlp-cw2-{part}.tex.j2" for part in ("template", "questions")]
AUTHOR = {"student_number": "s7654321"}  # as the command has it from its flag
SHALLOW, DEEP = ({"model": model, "block": "plain", "lr": 1e-3} for model in ("vgg08", "vgg38"))
FIGURES = ("curves_problem", "grad_flow_shallow", "grad_flow_deep", "curves_best", "grad_flow_best", "gradient_heatmap")
ACCURACY = {"plain": 0.4, "bn": 0.5, "rc": 0.45, "bn_rc": 0.6}  # at the end of the synthetic runs of vgg38
CHANCE = {"train_loss": math.log(10), "train_acc": 0.1, "val_loss": math.log(10), "val_acc": 0.1}


def course_layers(blocks):
    inner = [f"blocks.{block}.conv{i}" for block in range(blocks) for i in (0, 1)] + [
        "reduction.conv0",
        "reduction.conv1",
    ]
    return ["entry.conv", *(f"stages.{stage}.{layer}" for stage in range(3) for layer in inner), "classifier"]


def write_study(
    folder,
    seeds=(0, 1, 2),
    lrs=(1e-3,),
    blocks=("plain", "bn", "rc", "bn_rc"),
    final=None,
    chance=(("vgg38", "plain"),),
    diverged=(),
    orders=13.0,
    dips=(),
    epochs=3,
    spread=0.002,
    **meta,
):
    """Write a summary folder: vgg08 plain and vgg38 with `blocks`, at each rate and seed.

    `final`: accuracies by block; `chance`, `diverged`: (model, block) of the runs that stay at chance or diverge;
    `orders`: how far the first layer's gradient of a run at chance lies below the last's, in powers of ten; `dips`:
    blocks whose gradients are as large at both ends, and a thousandth of that between them.
    """
    data = {"title": "synthetic", "embedded": False, "num_classes": 10, "image_size": 16, **meta}
    networks = [("vgg08", "plain"), *(("vgg38", block) for block in blocks)]
    rows = {"cells.csv": [], "history.csv": [], "gradients.csv": []}
    for network, lr, seed in itertools.product(networks, lrs, seeds):
        name = {"cell": f"{'-'.join(network)}-lr{lr:g}-seed{seed}"}
        top = 0.42 if network[0] == "vgg08" else {**ACCURACY, **(final or {})}[network[1]]
        # the seeds' deviations come in another order in each network, as they would: else all differences were certain
        place = seeds.index(seed) + networks.index(network) + lrs.index(lr)
        top += spread * (place % len(seeds) - (len(seeds) - 1) / 2) - 0.02 * lrs.index(lr)
        layers = course_layers(0 if network[0] == "vgg08" else 5)
        dip = network[0] == "vgg38" and network[1] in dips
        decay = (orders if network in chance else 0.5 * (not dip)) / (len(layers) - 2)  # orders of magnitude per layer
        for epoch in range(epochs):
            curve = CHANCE if network in chance else learning_curve(top * (epoch + 1) / epochs)
            rows["history.csv"].append({**name, "epoch": epoch, "lr": lr, **curve, "seconds": 1.0})
            for depth, layer in enumerate(layers):
                size = 1e-4 * 10.0 ** (-decay * max(0, len(layers) - 2 - depth)) * (1e-3 if dip and depth == 9 else 1)
                means = {"mean_abs": size, "l2": size, "last_batch_mean_abs": size, "first_batch_mean_abs": size}
                rows["gradients.csv"].append({**name, "epoch": epoch, "layer": layer, "depth": depth, **means})
        record = Cell(dataset="digits", lr=lr, seed=seed, epochs=epochs).model_dump()
        facts = {key: data.get(key, 1) for key in tables.MEASURED} | {
            "parameters": 56_746 if network[0] == "vgg08" else 333_226,
            "train_images": 1250,
            "val_images": 300,
            "device": "cpu",
            "seconds": 60.0,
            "status": "finished",
            "diverged_step": None,
        }
        outcome = {
            **curve,
            "best_epoch": epochs - 1,
            "best_val_loss": curve["val_loss"],
            "best_val_acc": curve["val_acc"],
        }
        outcome |= {"test_loss": curve["val_loss"], "test_acc": curve["val_acc"] - 0.02}
        if network in diverged:
            facts |= {"status": "diverged", "diverged_step": 7}
            outcome = dict.fromkeys(outcome)
        rows["cells.csv"].append({**name, **record, "model": network[0], "block": network[1], **facts, **outcome})
    folder.mkdir(parents=True, exist_ok=True)
    for file, table in rows.items():
        with open(folder / file, "w", newline="") as handle:
            writer = csv.DictWriter(handle, table[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
    (folder / "dataset.json").write_text(json.dumps(data))
    return folder


def learning_curve(accuracy):
    return {
        "train_loss": 3 - 2 * accuracy,
        "train_acc": accuracy + 0.03,
        "val_loss": 3.1 - 2 * accuracy,
        "val_acc": accuracy,
    }


def filled(folder, **study):
    """The two LaTeX texts of a synthetic study as one, white space made single spaces."""
    facts = findings.context(summary.load(write_study(folder, **study)), SHALLOW, DEEP) | AUTHOR
    return " ".join(" ".join(latex.render(template, facts) for template in TEMPLATES).split())


SENTENCES = {
    # scenario: (study, what must be said, what must not)
    "deep at chance": (
        {},
        [
            "is a failure of optimisation",
            "stays at the accuracy of guessing",
            "validation images. Lines are means over the seeds, bands one standard deviation to either side.",
        ],
        ["is \\emph{not} seen"],
    ),
    "deep trains": (
        {"chance": (), "final": {"plain": 0.5}},
        ["is \\emph{not} seen here", "learned without help", "VGG38 learns already; with each remedy it does too."],
        [
            "stays at the accuracy of guessing",
            "Why training does not recover",
            "brings VGG38 off chance",
            "diagnoses one such failure",
        ],
    ),
    "deep trains worse": (
        {"chance": (), "final": {"plain": 0.3}},
        ["the degradation of \\citet{he2016}"],
        ["is \\emph{not} seen", "no lack of capacity"],
    ),
    "deep ends higher, from one seed": (
        {"chance": (), "final": {"plain": 0.3}, "seeds": (0,)},
        [
            "ends at a training loss of $2.40$ against $2.16$; one seed cannot tell whether it trains worse",
            "which would be the degradation of \\citet{he2016}, cannot be told from one seed",
            "looks for such a failure",
        ],
        ["no overfitting but", "higher training loss (", "diagnoses one such failure", "not seen"],
    ),
    "deep at chance, from one seed": (
        {"seeds": (0,)},
        ["stays at the accuracy of guessing", "is a failure of optimisation", "diagnoses one such failure"],
        ["whether it trains worse"],
    ),
    "deep diverges": (
        {"chance": (), "diverged": (("vgg38", "plain"),)},
        ["VGG38 diverged at step 7"],
        ["is \\emph{not} seen"],
    ),
    "BN above RC": ({}, ["VGG38 BN ($50.0$\\,$\\pm$\\,0.2\\,\\%) lies 5.0 percentage points above VGG38 RC"], []),
    "BN below RC": (
        {"final": {"rc": 0.55}},
        ["VGG38 BN ($50.0$\\,$\\pm$\\,0.2\\,\\%) lies 5.0 percentage points below VGG38 RC"],
        [],
    ),
    "BN as RC": (
        {"final": {"rc": 0.501}},
        ["shows no difference from VGG38 RC ($50.1$\\,$\\pm$\\,0.2\\,\\%) that these seeds could tell"],
        ["VGG38 BN ($50.0$\\,$\\pm$\\,0.2\\,\\%) lies"],
    ),
    "wide spread": (
        {"spread": 0.02},
        ["there is no difference that these seeds could show", "the 95\\,\\% interval of their difference"],
        ["beat each", "lies 5.0 percentage points above VGG38 RC"],
    ),
    "both best": ({}, ["The two together beat each of them alone"], ["fall short"]),
    "both worse": ({"final": {"bn_rc": 0.4}}, ["fall short of the better of them"], ["beat each of them"]),
    "single seed": (
        {"seeds": (0,)},
        [
            "With one seed the spread between repetitions is unknown",
            "ended 5.0 percentage points above VGG38 RC ($45.0$\\,\\%), but one seed cannot tell whether that lasts",
            "cannot be told from one seed",
            "rests on one seed",
        ],
        ["standard deviation over seeds", "bands", "over the seeds", "$\\pm$", "beat each", "is better", "lies 5.0"],
    ),
    "no BN": (
        {"blocks": ("plain", "rc", "bn_rc")},
        ["This study says nothing of BN, which"],
        ["VGG38 BN ", "beat each"],
    ),
    "no remedy works": (
        {"chance": [("vgg38", block) for block in ACCURACY]},
        ["None of those tested does", "no remedy tested in this run"],
        ["every remedy tested brings"],
    ),
    "a remedy diverges": (
        {"diverged": (("vgg38", "rc"),)},
        [
            "VGG38 RC: 3 of 3 runs diverged (at step 7 at the earliest)",
            "Some do: off chance are VGG38 BN and VGG38 BN+RC",
        ],
        ["lies 5.0 percentage points above VGG38 RC", "every remedy tested brings"],
    ),
    "unknown block": (
        {"blocks": (*ACCURACY, "my_block"), "final": {"my_block": 0.7}},
        ["Beyond the remedies of the brief, VGG38 MY+BLOCK", "lies 10.0 percentage points above VGG38 BN+RC"],
        [],
    ),
    "one rate": ({}, ["ran at one learning rate"], ["Per block the rate"]),
    "deep trains as well": (
        {"chance": (), "final": {"plain": 0.4195}},
        ["is \\emph{not} seen here"],
        ["degradation of"],
    ),
    "three rates": (
        {"lrs": (1e-3, 1e-2, 1e-1)},
        ["for BN $\\eta=10^{-3}$ (2.0 points over $10^{-2}$)", "BN, which should allow longer steps"],
        ["ran at one learning rate"],
    ),
    "two rates, one seed": (
        {"lrs": (1e-3, 1e-2), "seeds": (0,)},
        ["for BN $\\eta=10^{-3}$ (2.0 points over $10^{-2}$, from one seed)"],
        ["BN, which should allow longer steps", "better rate"],
    ),
    "demo": ({"embedded": True, "title": "digits (scikit-learn)"}, ["\\titlenotice{\\textbf{Demonstration run.}"], []),
    "full": ({"title": "CIFAR-100"}, ["\\citep{krizhevsky2009}"], ["Demonstration run"]),
    "shallow diverges": (
        {"diverged": (("vgg08", "plain"),)},
        ["The training of VGG08 diverged at step 7", "has no finished run of VGG08 to be set against"],
        ["VGG08, with", "the shallow network", "--"],
    ),
    "shallow diverges, deep trains": (
        {"chance": (), "diverged": (("vgg08", "plain"),)},
        ["which learns in this run.", "learned without help, to $40.0$\\,$\\pm$\\,0.2\\,\\% validation accuracy."],
        ["not seen", "--"],
    ),
    "all of a remedy diverges, the others fail": (
        {"chance": [("vgg38", block) for block in ACCURACY], "diverged": (("vgg38", "rc"),)},
        ["None of those tested does: those that finished stay at chance"],
        ["all stay at chance"],
    ),
    "all deep networks diverge": (
        {"diverged": [("vgg38", block) for block in ACCURACY]},
        ["No remedy gave a finished run", "the best network by validation accuracy is VGG08."],
        ["an even profile alone does not decide", "locate the cause"],
    ),
    "level at the ends alone": (
        {"dips": ("rc",)},
        ["$0.0$ above the last's for RC", "VGG38 BN has the most even gradients, within a factor of $3.2$"],
        ["VGG38 RC has the most even"],
    ),
    "at chance for another reason": (
        {"orders": 0.5},
        ["stays at chance in this run, though its gradients do not vanish"],
        ["does not arrive", "because nothing arrives"],
    ),
    "a tie of one seed": (
        {"seeds": (0,), "final": {"rc": 0.5}},
        ["ended level with VGG38 RC, but one seed cannot tell whether that lasts"],
        ["ended 0.0 percentage points"],
    ),
    "no remedy at all": (
        {"blocks": ("plain",)},
        ["should help. ", "says nothing of BN, RC and BN+RC, which it does not have"],
        ["no remedy tested", "None of the remedies"],
    ),
    "first gradient zero": ({"orders": 400.0}, ["it is exactly zero in single precision"], ["inf", "nan"]),
}


@pytest.mark.parametrize("scenario", SENTENCES)
def test_the_sentences_follow_the_results(tmp_path, scenario):
    study, said, unsaid = SENTENCES[scenario]
    text = filled(tmp_path, **study)
    assert [sentence for sentence in said if sentence not in text] == []
    assert [sentence for sentence in unsaid if sentence in text] == []
    assert "we recommend to ask" in text  # the brief wants a recommendation for future work, whatever the results


@pytest.mark.parametrize(
    ("change", "shallow", "copy"),
    [
        ({}, SHALLOW, True),
        ({"width": 0.5}, SHALLOW, False),
        ({}, {**DEEP, "block": "bn"}, False),
        ({"parameters": 400_000}, SHALLOW, False),
    ],
)
def test_the_second_network_is_a_deeper_copy_where_it_is_one(tmp_path, change, shallow, copy):
    """Of one record but for the model, and larger; `change` is made to the cells of the first."""
    cells = pd.read_csv(write_study(tmp_path) / "cells.csv", dtype=object)
    cells.loc[cells["model"] == "vgg08", list(change)] = list(change.values())
    cells.to_csv(tmp_path / "cells.csv", index=False)
    text = latex.render(TEMPLATES[0], findings.context(summary.load(tmp_path), shallow, DEEP))
    assert ("a deeper copy of it" in text) == ("of the same design and width" in text) == copy
    assert ("and a second network, VGG38," in text) != copy


@pytest.mark.parametrize(
    ("train_acc", "val_acc", "outcome"),
    [(0.12, 0.15, "chance"), (0.13, 0.15, "learns"), (0.12, 0.16, "learns"), (0.05, 0.05, "chance")],
)
def test_chance_is_within_three_deviations_of_a_guess(train_acc, val_acc, outcome):
    """Of a tenth: 0.126 for 1,200 training images, 0.152 for 300 that validate."""
    measures = {"train_acc": findings.Measure(train_acc, 0.0), "val_acc": findings.Measure(val_acc, 0.0)}
    row = SimpleNamespace(finished=["a"], num_classes=10, facts={"train_images": 1200, "val_images": 300}, **measures)
    assert findings._outcome(row) == outcome


@pytest.mark.parametrize("scenario", SENTENCES)
def test_the_latex_is_well_formed(tmp_path, scenario):
    text = filled(tmp_path, **SENTENCES[scenario][0])
    for sign in ("\\VAR", "\\BLOCK", "%>", "nan", "None,", "None)", "  "):
        assert sign not in text
    plain = text.replace("\\{", "").replace("\\}", "")
    assert plain.count("{") == plain.count("}")
    assert not re.search(r"[a-z)}] [.;,] [A-Za-z]", text)


def test_the_numbers_are_those_of_the_tables(tmp_path):
    text = filled(tmp_path)
    assert "s7654321" in text
    assert "333,226" in text and "56,746" in text
    assert "\\g{1}=10^{-17}$ against $\\g{37}=10^{-4}$" in text
    assert "VGG38 & $10^{-17}$ & $10^{-4}$ & $13.0$ & $13.0$" in text
    assert "VGG38 BN+RC at $60.0$\\,$\\pm$\\,0.2\\,\\%" in text


def test_facts_are_closed_forms_of_the_study(tmp_path):
    study = summary.load(write_study(tmp_path, lrs=(1e-3, 1e-2)))
    facts = findings.context(study, SHALLOW, DEEP)
    assert facts["best_deep"].block == "bn_rc" and facts["matched"] is None
    assert facts["overfit"] == pytest.approx(0.03) and facts["data"].chance_loss == math.log(10)
    assert [(row.block, row.lr) for row in facts["controlled"]] == [(block, 1e-3) for block in ACCURACY]
    theory = facts["theory"]
    assert (theory.convolutions, theory.vanishes, theory.staircase) == (37, True, False)
    assert theory.attenuation == pytest.approx(6.0**-18, rel=1e-6, abs=0)
    assert theory.below_epsilon == sum(13 / 36 * (36 - depth) > 4 for depth in range(37))
    assert theory.steps == 12 * 3  # of 1,250 images, the last 50 of which are no batch
    assert theory.adam_step == pytest.approx(1e-3 * 1e-17 / 1e-8, rel=1e-6, abs=0)
    assert theory.adam_total == pytest.approx(36 * 1e-3 * 1e-17 / 1e-8, rel=1e-6, abs=0)
    last, first = (flows.predicted_orders(course_layers(theory.critical - n)[:-1], 16, 32) for n in (1, 0))
    assert last <= 24 * math.log10(2) < first


def test_a_flow_is_the_closed_form_of_its_gradients():
    layers, sizes = course_layers(1), 1e-6 * 2.0 ** np.arange(13)
    table = pd.DataFrame({"epoch": 0, "depth": range(14), "layer": layers, "mean_abs": [*sizes, 99.0]})
    table = table.iloc[::-1]  # in any order
    later = table.assign(epoch=1, mean_abs=1.0)
    flow, level = flows.flows(pd.concat([table, later]))
    assert flow.layers == tuple(layers[:-1]) and (flow.first, flow.last) == (sizes[0], sizes[-1])
    assert flow.orders == pytest.approx(12 * math.log10(2)) and flow.span == pytest.approx(2**12)
    assert flow.stages == pytest.approx([np.median(sizes[start : start + 4]) for start in (1, 5, 9)])
    assert flow.within == pytest.approx(2)  # a stage has one processing block of two layers
    assert (level.orders, level.span, level.within) == (0, 1, 1)
    first = pd.concat([table, later]).rename(columns={"mean_abs": "first_batch_mean_abs"})
    assert flows.initial(first).orders == flow.orders


def test_what_adam_can_make_of_gradients_that_grow():
    """Below its epsilon are layers that are so in every epoch; a step is that of the largest gradient of any."""
    sizes = np.array([[1e-9, 1e-9, 1e-4], [3e-8, 2e-9, 1e-4], [1e-8, 5e-9, 1e-4]])
    shown = [flows.Flow(("a", "b", "c"), epoch, 5.0, (), 1.0) for epoch in sizes]
    row = SimpleNamespace(flows=shown, initial=None, width=1, block="bn", init="own", activation=None, cells=["a"])
    row.facts, row.batch_size, row.lr = {"train_images": 95}, 10, 0.1
    found = flows.theory(row, pd.DataFrame({"cell": ["a", "a", "a", "b"], "lr": [0.1, 0.2, 0.3, 9]}))
    assert (found.below_epsilon, found.steps, found.predicted) == (1, 27, None)
    assert found.adam_step == pytest.approx(0.1 * 3 / 4) and found.adam_total == pytest.approx(0.6 * 9 * 3 / 4)


@pytest.mark.parametrize("size", [16, 32])
def test_the_prediction_is_that_of_its_variances(size):
    """Half of the orders of mean squares: of what reaches the last layer, and of what each layer passes back."""
    torch = pytest.importorskip("torch")

    def inside(size):
        ones = torch.ones(1, 1, size, size)
        return torch.nn.functional.conv2d(ones, torch.ones(1, 1, 3, 3), padding=1).mean().item() / 9

    slopes = 1 + 0.01**2
    sizes = [size >> stage + (layer == 3) for stage in range(3) for layer in range(4)]
    squares = [slopes / 2 / (3 * 9 * 32), *(6 / slopes / inside(size) for size in sizes)]
    predicted = flows.predicted_orders(course_layers(1)[:-1], size, 32)
    assert predicted == pytest.approx(sum(map(math.log10, squares)) / 2, rel=1e-6)


def test_the_gradient_at_initialisation_is_as_predicted():
    """To an order of magnitude and a half of up to fourteen, without a fitted constant."""
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
        assert flows.predicted_orders(layers, size, 32) == pytest.approx(measured, abs=1.5)


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        (
            "\\VAR{'50% of a_b & {c} #1 ~ ^ $ \\\\'}",
            r"50\% of a\_b \& \{c\} \#1 \textasciitilde{} \textasciicircum{} \$ \textbackslash{}",
        ),
        ("\\VAR{0.5|percent}", r"$50.0$\,\%"),
        ("\\VAR{(0.5, 0.01)|percent}", r"$50.0$\,$\pm$\,1.0\,\%"),
        ("\\VAR{3.14e-19|scientific}", r"$3.1{\times}10^{-19}$"),
        (
            "\\VAR{150.2|digits(2)} \\VAR{999.7|digits} \\VAR{1234.5|digits} \\VAR{0.01234|digits}",
            "$150$ $1000$ $1234$ $0.0123$",
        ),
        ("\\VAR{2e-5|number} \\VAR{0.001|number} \\VAR{0.05|number}", r"$2{\times}10^{-5}$ $10^{-3}$ 0.05"),
        ("\\VAR{0.01234|digits} \\VAR{123.4|digits} \\VAR{1234.4|digits}", "$0.0123$ $123$ $1234$"),
        ("\\VAR{12344|digits} \\VAR{0.0001234|digits}", r"$1.23{\times}10^{4}$ $1.23{\times}10^{-4}$"),
        ("\\VAR{1.3|digits} \\VAR{29|digits} \\VAR{999.9|digits} \\VAR{1959|digits}", "$1.30$ $29.0$ $1000$ $1959$"),
        ("\\VAR{0|digits} \\VAR{0.0124|digits(2)} \\VAR{14990|digits}", r"$0$ $0.012$ $1.50{\times}10^{4}$"),
        ("\\VAR{['a_b', 'c', 'd']|listed}", r"a\_b, c and d"),
        ("%> if 1 < 2\n% a LaTeX comment with {#1}\n%> endif\n", "% a LaTeX comment with {#1}\n"),
    ],
)
def test_how_values_are_printed(tmp_path, given, printed):
    template = tmp_path / "a.tex.j2"
    template.write_text(given)
    assert latex.render(template, {}) == printed


def test_there_are_words_for_all_that_the_project_registers():
    for key, known in protocol.PHRASES.items():
        assert set(code.registered(key)) <= set(known), key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n\\VAR{nothing}\n", "line 2: 'nothing' is undefined"),
        ("a\n\n%> if 1\n", "line 3: Unexpected end of template"),
        ("\\VAR{0.123}", "0.123 is printed as it is"),
    ],
)
def test_a_mistake_in_a_template_is_named_with_its_line(tmp_path, text, message):
    template = tmp_path / "a.tex.j2"
    template.write_text(text)
    with pytest.raises(UserError, match=re.escape(message)):
        latex.render(template, {})


@pytest.mark.parametrize("other", [{}, {"init": "kaiming"}, {"activation": "tanh"}])
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


def build(folder, **study):
    """Write a study and run `fill_report` on it as a person would; returns the folder of the LaTeX."""
    write_study(folder / "summary", **study)
    for name in FIGURES:
        (folder / "figures").mkdir(exist_ok=True)
        width = 6.75 if name == "gradient_heatmap" else 3.25
        matplotlib.figure.Figure(figsize=(width, 1.9)).savefig(folder / "figures" / f"{name}.pdf")
    (folder / "table1.tex").write_text("\\begin{tabular}{lr}\\toprule Model & LR \\\\ \\bottomrule\\end{tabular}\n")
    arguments = {
        "--summary": [folder / "summary"],
        "--figures": [folder / "figures"],
        "--table": [folder / "table1.tex"],
        "--shallow": ["model=vgg08", "block=plain", "lr=1e-3"],
        "--deep": ["model=vgg38", "block=plain", "lr=0.001"],
        "--student-number": ["s7654321"],
        "--template": [TEMPLATES[0]],
        "--questions": [TEMPLATES[1]],
        "--out": [folder / "latex"],
    }
    command("fill_report", *itertools.chain.from_iterable((flag, *values) for flag, values in arguments.items()))
    return folder / "latex"


def compiled(source, out):
    return command("compile_report", source, "--out", out, check=False)


needs_latex = pytest.mark.skipif(not shutil.which("latexmk"), reason="latexmk is not installed")


@needs_latex
def test_the_demo_report_compiles_and_says_that_it_is_one(tmp_path):
    source = build(tmp_path, embedded=True, title="digits (scikit-learn)") / "mlp-cw2-template.tex"
    run = compiled(source, tmp_path / "report.pdf")
    assert (run.returncode, run.stderr) == (0, "")
    first = (tmp_path / "report.pdf").read_bytes()
    for path in (tmp_path / "latex/build").iterdir():  # as a killed LaTeX leaves its files
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    compiled(source, tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes() == first
    pages = pdf_text(tmp_path / "report.pdf").split("\f")
    assert "Demonstration run." in pages[0] and "s7654321" in pages[0]
    assert next(number for number, page in enumerate(pages, 1) if "\nReferences\n" in page) <= 6


@needs_latex
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("text\n\\nosuchcommand\n", "Undefined control sequence"),
        ("as \\ref{tab:nothing} shows\n", "undefined references or citations: tab:nothing"),
    ],
)
def test_a_mistake_in_the_latex_is_one_clear_message(tmp_path, body, message):
    source = tmp_path / "a.tex"
    source.write_text(f"\\documentclass{{article}}\n\\begin{{document}}\n{body}\\end{{document}}\n")
    run = compiled(source, tmp_path / "a.pdf")
    assert run.returncode == 1
    assert message in run.stderr and str(tmp_path / "build" / "a.log") in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "a.pdf").exists()


def test_without_latexmk_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="apt-get install .*latexmk"):
        compile_report.compile_latex(tmp_path / "a.tex", tmp_path / "build")
    packages = re.search(r"^TEX := ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert compile_report.INSTALL.split()[3:] == packages.replace("\\", "").split()  # what make setup installs


SHOWING = r"""\gradfigure{one}{Of the first folder.} \gradfigurehere{sub/two}{Of the second, by Zoë.}
\includegraphics[width=1cm]{figures/three.pdf} 100\% \gradfigure{four}{}
% \gradfigure{old}{Not shown.}
\newcommand{\wide}[1]{\includegraphics{#1}}
"""


def test_a_report_takes_the_figures_that_it_shows(tmp_path):
    for name in ("a/one", "b/one", "b/sub/two", "b/three", "b/four", "b/five", "b/old", "b/other"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.pdf").write_text(name)
    texts = {"report": SHOWING, "answers": r"\gradfigure{five}{}"}
    for name, text in texts.items():
        (tmp_path / f"{name}.tex.j2").write_text(text, encoding="utf-8")
    templates = [tmp_path / f"{name}.tex.j2" for name in texts]
    beside = {"style": tmp_path / "report.tex.j2", "references": tmp_path / "answers.tex.j2"}
    arguments = SimpleNamespace(template=templates[0], out=tmp_path / "out", **beside, **AUTHOR)
    typesetting.fill(arguments, templates, {}, [tmp_path / "a", tmp_path / "b"])
    assert all((tmp_path / "out" / path.name).read_bytes() == path.read_bytes() for path in beside.values())
    for name, text in texts.items():
        assert (tmp_path / f"out/{name}.tex").read_text(encoding="utf-8") == text
    taken = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.pdf")}
    assert taken == {f"figures/{name}.pdf" for name in ("one", "sub/two", "three", "four", "five")}
    assert (tmp_path / "out/figures/one.pdf").read_text() == "a/one"
    (tmp_path / "b/four.pdf").unlink()
    (tmp_path / "a/four.pdf").mkdir()
    with pytest.raises(UserError, match=r"/a/four\.pdf: expected a file that the report shows, found none"):
        typesetting.fill(arguments, templates, {}, [tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["report/gradscape.sty", "report/references.bib"]),
        (["--style", "mine.sty"], ["mine.sty", "report/references.bib"]),
        (["--references", "mine.bib"], ["report/gradscape.sty", "mine.bib"]),
    ],
)
def test_style_and_bibliography_lie_beside_the_template(words, expected):
    parser = argparse.ArgumentParser()
    typesetting.add_flags(parser)
    arguments = parser.parse_args(["--template", "report/report.tex.j2", *words])
    assert typesetting.shared(arguments) == [Path(name) for name in expected]
    assert arguments.student_number == config.Report().student_number
