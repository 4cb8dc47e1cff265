"""What a report's sentences are based on: facts of the study and comparisons."""

import math
from types import SimpleNamespace

import pandas as pd
import pytest

from tests.course_runs import handed_out
from tests.made_reports import ACCURACY, DEEP, SHALLOW, TEMPLATES, course_layers, write_study
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.config import CourseRun
from workflow_scripts.engine.course import external
from workflow_scripts.engine.reports import evidence, findings, predictions
from workflow_scripts.engine.tables import summary
from workflow_scripts.engine.text import latex


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


def test_a_selection_without_cells_is_refused(tmp_path):
    study = summary.load(write_study(tmp_path))
    with pytest.raises(UserError, match=r"compare\.deep"):
        findings.context(study, SHALLOW, {"model": "vgg38", "block": "dense"})
