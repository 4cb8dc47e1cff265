"""The report says what the run shows: its sentences change with the results."""

import re

import pandas as pd
import pytest

from tests.made_reports import ACCURACY, AUTHOR, DEEP, SHALLOW, TEMPLATES, filled, write_study
from tests.report_scenarios import SENTENCES
from workflow_scripts.engine.reports import findings
from workflow_scripts.engine.tables import summary
from workflow_scripts.engine.text import latex


@pytest.mark.parametrize("scenario", SENTENCES)
def test_the_sentences_follow_the_results(tmp_path, scenario):
    study, said, unsaid = SENTENCES[scenario]
    text = filled(tmp_path, **study)
    assert [sentence for sentence in said if sentence not in text] == []
    assert [sentence for sentence in unsaid if sentence in text] == []
    assert "we recommend asking" in text  # the brief wants a recommendation for future work, whatever the results


@pytest.mark.parametrize(
    ("precision", "said", "depth"),
    [
        ("fp32", "in single precision, resolves $2^{-24}$, $7.2$", "from $n=2$"),
        ("bf16", "in bfloat16, resolves $2^{-8}$, $2.4$", "at $n=1$"),
    ],
)
def test_the_signal_is_compared_with_the_arithmetic_of_the_run(tmp_path, precision, said, depth):
    cells = pd.read_csv(write_study(tmp_path) / "cells.csv", dtype=object)
    cells.assign(precision=precision).to_csv(tmp_path / "cells.csv", index=False)
    text = latex.render(TEMPLATES[1], findings.context(summary.load(tmp_path), SHALLOW, DEEP) | AUTHOR)
    assert said in text and depth in text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, (True, True)),
        ({"weight_decay": 5e-4}, (True, False)),  # which moves a weight whatever its gradient is
        ({"weight_decay": 0.05, "optimizer": "adamw"}, (True, False)),
        ({"init": "kaiming"}, (False, False)),
        ({"supervision": 0.3}, (False, False)),
        ({"l2": 5e-4}, (False, False)),
    ],
)
def test_what_the_initialisation_and_adam_do_is_told_of_networks_for_which_it_holds(tmp_path, change, told):
    cells = pd.read_csv(write_study(tmp_path) / "cells.csv", dtype=object)
    cells.assign(**change).to_csv(tmp_path / "cells.csv", index=False)
    text = latex.render(TEMPLATES[1], findings.context(summary.load(tmp_path), SHALLOW, DEEP) | AUTHOR)
    said = "convolutions above the first, the error shrinks to", "would move a weight by"
    assert tuple(sentence in text for sentence in said) == told


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
    """It is if its record is the same except for the model, and it is larger; `change` is for the first's cells."""
    cells = pd.read_csv(write_study(tmp_path) / "cells.csv", dtype=object)
    cells.loc[cells["model"] == "vgg08", list(change)] = list(change.values())
    cells.to_csv(tmp_path / "cells.csv", index=False)
    text = latex.render(TEMPLATES[0], findings.context(summary.load(tmp_path), shallow, DEEP))
    assert ("a deeper copy of it" in text) == ("of the same design and width" in text) == copy
    assert ("and a second network, VGG38," in text) != copy


@pytest.mark.parametrize(
    ("blocks", "change", "said"),
    [
        ((), {}, ["The initialisation is PyTorch's default \\citep{paszke2019}. 15 networks were trained"]),
        (ACCURACY, {"init": "kaiming"}, ["The initialisation is normal with the variance of \\citet{he2015}."]),
        (("bn",), {"init": "lsuv"}, ["[LSUV,][]{mishkin2016} and PyTorch's default \\citep{paszke2019}. 15"]),
        (
            ACCURACY,
            {"clip": 1.0, "warmup_epochs": 5.0, "dropout": 0.3, "l1": 1e-5, "l2": 5e-4, "supervision": 0.3},
            [
                "The norm of the whole gradient is limited to 1.",
                "factor that rises linearly from 0 to 1 (epochs: 5).",
                "Dropout has probability 0.3. The losses of companion classifiers are added with a weight of 0.3",
                "absolute values times $10^{-5}$ is added to the loss. Half the sum of the weights' squares times",
            ],
        ),
        (
            ("bn",),
            {"activation": "gelu"},
            ["The activation function in place of the network's own is GELU in some of the runs. 15 networks"],
        ),
    ],
)
def test_the_setup_is_that_of_the_records(tmp_path, blocks, change, said):
    """`change` is applied to the cells of these blocks."""
    folder = write_study(tmp_path)
    table = pd.read_csv(folder / "cells.csv", dtype=object)
    table.loc[table["block"].isin(blocks), list(change)] = list(change.values())
    table.to_csv(folder / "cells.csv", index=False)
    text = " ".join(latex.render(TEMPLATES[0], findings.context(summary.load(folder), SHALLOW, DEEP)).split())
    assert [sentence for sentence in said if sentence not in text] == []


def test_choosing_explains_a_fall_to_the_test_images_that_only_the_chosen_network_shows(tmp_path):
    folder = write_study(tmp_path)
    table = pd.read_csv(folder / "cells.csv")
    table["test_acc"] -= 0.1 * (table["block"] == "bn_rc")
    table.to_csv(folder / "cells.csv", index=False)
    text = " ".join(latex.render(TEMPLATES[1], findings.context(summary.load(folder), SHALLOW, DEEP) | AUTHOR).split())
    assert (
        ", 12.0 points below the validation" in text
        and "Choosing network and epoch on the validation images flatters" in text
    )
    assert "fall as much" not in text


@pytest.mark.parametrize(("schedule", "share"), [("cosine", "$67$\\,\\%"), ("constant", None)])
def test_steps_that_add_up_to_less_than_their_number_says_are_explained_by_the_schedule(tmp_path, schedule, share):
    """The cosine of three epochs is at 1, 3/4 and 1/4 of the way down to a fiftieth."""
    folder = write_study(tmp_path)
    cells = pd.read_csv(folder / "cells.csv", dtype=object).assign(schedule=schedule)
    cells.to_csv(folder / "cells.csv", index=False)
    text = " ".join(latex.render(TEMPLATES[1], findings.context(summary.load(folder), SHALLOW, DEEP) | AUTHOR).split())
    assert (f"($\\eta$ is {share} of its initial value on average)." in text) == bool(share)
    assert ("of its initial value on average" in text) == bool(share)


@pytest.mark.parametrize(
    ("seeds", "single", "said", "unsaid"),
    [
        ((0, 1, 2), (), ["Values are mean", "interval of their difference"], ["a single seed, we report", "With one"]),
        (
            (0, 1, 2),
            ("rc",),
            ["Values of several seeds are mean", "interval of their difference", "a single seed, we report the runs"],
            ["With one seed"],
        ),
        (
            (0,),
            (),
            ["With one seed the spread"],
            ["interval of their difference", "a single seed, we report", "Values"],
        ),
    ],
)
def test_how_differences_are_judged_is_said_where_some_are(tmp_path, seeds, single, said, unsaid):
    """`single`: blocks of which only one seed was trained, beside others with three."""
    folder = write_study(tmp_path, seeds=seeds)
    cells = pd.read_csv(folder / "cells.csv", dtype=object)
    cells[(cells["seed"] == "0") | ~cells["block"].isin(single)].to_csv(folder / "cells.csv", index=False)
    text = " ".join(latex.render(TEMPLATES[0], findings.context(summary.load(folder), SHALLOW, DEEP)).split())
    assert [sentence for sentence in said if sentence not in text] == []
    assert [sentence for sentence in unsaid if sentence in text] == []


def test_that_only_a_part_of_the_training_images_is_used_is_said(tmp_path):
    folder = write_study(tmp_path, title="CIFAR-100")
    cells = pd.read_csv(folder / "cells.csv", dtype=object).assign(train_items=1250)
    cells.loc[cells["model"] == "vgg08", ["train_items", "train_images"]] = 100
    cells.to_csv(folder / "cells.csv", index=False)
    text = " ".join(latex.render(TEMPLATES[0], findings.context(summary.load(folder), SHALLOW, DEEP)).split())
    assert "We study this on a part of CIFAR-100, with" in text
    assert "100 to 1,250 for training" in text and "; of the others, a random part is used. Images are" in text


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ([0.3, 0.3], "above $p$, the share of the largest class among the training images ($30.0$\\,\\%). The"),
        ([0.3, 0.2], "above $p$, the share of the largest class among the training images. The"),
    ],
)
def test_what_guessing_is(tmp_path, shares, said):
    """`shares`: the largest class's, of the cells in turn."""
    folder = write_study(tmp_path)
    cells = pd.read_csv(folder / "cells.csv", dtype=object)
    cells["largest_class"] = [shares[place % 2] for place in range(len(cells))]
    cells.to_csv(folder / "cells.csv", index=False)
    text = " ".join(latex.render(TEMPLATES[0], findings.context(summary.load(folder), SHALLOW, DEEP)).split())
    assert said in text


def test_a_network_that_names_the_largest_class_stays_at_the_accuracy_of_guessing(tmp_path):
    text = filled(tmp_path, chance=(), final={"plain": 0.3}, gain=0.0, largest=0.3)
    assert "which stays at the accuracy of guessing" in text and "It learns" not in text
    assert "the loss of equal probabilities" not in text  # which this network's is not


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
    assert "VGG38 & $10^{-17}$ & $10^{-4}$ & $13.0$\\,$\\pm$\\,0.0 & $13.0$\\,$\\pm$\\,0.0" in text
    assert "VGG38 BN+RC at $60.0$\\,$\\pm$\\,0.2\\,\\%" in text


def test_the_answers_say_which_equations_others_refer_to():
    """Who replaces an answer by words of their own, as its file invites to, must keep those, or LaTeX fails."""
    head, *parts = re.split(r"\\newcommand\{\\(question\w+)\}", TEMPLATES[1].read_text())
    answers = dict(zip(parts[::2], parts[1::2], strict=True))
    shared = {
        label
        for text in answers.values()
        for label in re.findall(r"\\ref\{(eq:\w+)\}", text)
        if f"\\label{{{label}}}" not in text
    }
    assert shared and all(label in head for label in shared)
