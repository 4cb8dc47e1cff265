"""Networks, losses and observers as users write them: oddities are handled, or reported in a sentence.

They are added to a copy of the source; one process trains all of them.
"""

import json
import re
import shutil
import subprocess
import sys
import textwrap

import pytest

from tests.conftest import ROOT

NETWORKS = """
import math

import torch
from torch import nn
from torch.nn.utils import parametrizations

from models.registry import register_model


class Net(nn.Module):
    def __init__(self, outputs, normed=False, unused=False, dropped=False, looks=False):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        if normed:
            self.a, self.b = parametrizations.weight_norm(self.a), parametrizations.spectral_norm(self.b)
        if unused:
            self.unused = nn.Linear(4, 4)
        self.head, self.dropped, self.looks = nn.Linear(4, outputs), dropped, looks

    def forward(self, x):
        x = self.a(x).relu()
        if not (self.dropped and self.training):
            x = x + self.b(x).relu()
        if self.looks and x.max() > 1e9:
            return x
        return self.head(x.mean((2, 3)))


@register_model("too_many")
def too_many(block, num_classes, image_shape):
    return Net(2 * num_classes)


@register_model("nothing")
def nothing(block, num_classes, image_shape):
    Net(num_classes)


@register_model("without_weights")
def without_weights(block, num_classes, image_shape):
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(math.prod(image_shape)))


@register_model("listed")
class Listed(nn.Module):
    def __init__(self, block, num_classes, image_shape):
        super().__init__()
        self.head = nn.Linear(4, num_classes)
        self.layers = [nn.Conv2d(3, 4, 3)]  # not an nn.ModuleList

    def forward(self, x):
        return self.head(self.layers[0](x).mean((2, 3)))


@register_model("referring")
class Referring(Listed):
    def __init__(self, block, num_classes, image_shape):
        super().__init__(block, num_classes, image_shape)
        self.body, self.teacher = nn.Sequential(*self.layers), [nn.Linear(4, 4).requires_grad_(False)]
        self.kinds = {"hidden": nn.Linear}


@register_model("wide")
def wide(block, num_classes, image_shape, dropout=0, width=2.0):
    return Net(num_classes)


@register_model("demanding")
def demanding(block, num_classes, image_shape, activation):
    return Net(num_classes)
"""
ODDITY = """

@register_model("{0}")
def {0}(block, num_classes, image_shape):
    return Net(num_classes, {0}=True)
"""
NETWORKS += "".join(map(ODDITY.format, ("normed", "unused", "dropped", "looks")))
# as README.md has it
LADDER = textwrap.dedent(
    re.search(r'( {4}"""A stem, a number of blocks(?:.*\n)(?:    .*\n|\n)*)', (ROOT / "README.md").read_text())[1]
)
LOSS = """
from torch.nn import functional as F

from workflow_scripts.engine.training.objectives import register_loss


@register_loss("twice")
def twice(logits, labels):
    return 2 * F.cross_entropy(logits, labels)
"""
OBSERVERS = """
from workflow_scripts.engine.training.observers import Observer, register_observer


@register_observer("with_graph")
class WithGraph(Observer):
    def __init__(self, training, settings):
        super().__init__(training)
        self.series["norm"] = self.empty()

    def before_update(self, images, labels):
        self.note(norm=sum(weight.square().sum() for weight in self.training.parameters))

    def arrays(self):
        return self.taken()[0]


@register_observer("unwritable")
class Unwritable(Observer):
    def __init__(self, training, settings):
        super().__init__(training)

    def arrays(self):
        raise RuntimeError("no arrays")
"""
PROGRAM = """
import csv, json, sys
from pathlib import Path

import numpy as np
import torch

from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.insight import diagnosis
from models.registry import build_model
from workflow_scripts.engine.training.gradients import weight_layers
from workflow_scripts.engine.training.trainer import Training
from workflow_scripts.engine.workflow import preview

data, found = datasets.load(Path(sys.argv[1])), {}
for model, loss, observer in json.loads(sys.argv[2]):
    cell = Cell(model=model, loss=loss, dataset="digits", width=1, batch_size=700, epochs=1, val_fraction=0.02)
    measured = {observer: {}} if observer else {}
    try:
        training = Training(cell, data, torch.device("cpu"), measured)
        while not training.finished:
            training.run_epoch()
        arrays = {name: array.tolist() for each in training.observers.values() for name, array in each.arrays().items()}
        rows = {row[1]: row[3] for row in training.gradient_rows}
        found[model, loss, observer] = {"gradients": rows, "loss": training.history[0][2], **arrays}
    except Exception as error:
        found[model, loss, observer] = f"{type(error).__name__}: {error}"
cells = {f"{model}-seed0": Cell(model=model, dataset="digits") for model in ("looks", "listed")}
described = {"digits": config.Dataset(source="digits")}
said = preview.preview({"s": cells}, {"s": list(cells)}, described, Path("none"), Path("none"))
ladders = {
    block: [name for name, _ in weight_layers(build_model("ladder", block, 10, (3, 8, 8), depth=2).named_parameters())]
    for block in ("plain", "bn", "rc", "bn_rc", "dense")
}
print(json.dumps({"found": list(found.items()), "said": said, "ladders": ladders}))
"""
TRAINED = [
    ("too_many", "cross_entropy", None),
    ("nothing", "cross_entropy", None),
    ("without_weights", "cross_entropy", None),
    ("normed", "cross_entropy", None),
    ("unused", "cross_entropy", None),
    ("dropped", "cross_entropy", None),
    ("dropped", "twice", None),
    ("normed", "cross_entropy", "with_graph"),
    ("normed", "cross_entropy", "unwritable"),
    ("ladder", "cross_entropy", None),
    ("wide", "cross_entropy", None),
    ("demanding", "cross_entropy", None),
    ("listed", "cross_entropy", None),
    ("referring", "cross_entropy", None),
]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory, digits_file):
    """{(model, loss, observer): outcome}, and what a dry-run says about a network that looks at its input."""
    folder = tmp_path_factory.mktemp("own")
    for package in ("models", "workflow_scripts"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "models/mine").mkdir()
    (folder / "models/mine/own.py").write_text(NETWORKS)
    (folder / "models/ladder.py").write_text(LADDER)
    (folder / "workflow_scripts/engine/training/own_loss.py").write_text(LOSS)
    (folder / "workflow_scripts/engine/own_observers.py").write_text(OBSERVERS)
    command = [sys.executable, "-c", PROGRAM, digits_file, json.dumps(TRAINED)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    return {tuple(key): value for key, value in printed["found"]}, printed["said"], printed["ladders"]


@pytest.mark.parametrize(
    ("trained", "message"),
    [
        (
            TRAINED[0],
            "UserError: the network too_many gave a tensor .700, 20. for 700 images, expected logits .700, 10.",
        ),
        (TRAINED[1], "ValueError: the network nothing is None, expected a torch.nn.Module"),
        (TRAINED[2], "ValueError: expected the weights of convolutions or linear layers, found none"),
        (TRAINED[12], "ValueError: the network listed keeps layers in a plain list, tuple or dict, layers, where "),
        (TRAINED[8], "RuntimeError: no arrays"),
        (TRAINED[10], "ValueError: the network wide, its option width: expected the default 1.0, which .* found 2.0"),
        (TRAINED[11], "ValueError: the network demanding, its option activation: .* default None, .* found no default"),
    ],
    ids=[
        "too many logits",
        "a function without return",
        "no layer with weights",
        "layers in a list",
        "an observer that cannot be written",
        "a default that no record tells",
        "an option without a default",
    ],
)
def test_what_cannot_be_trained_is_told_of(outcome, trained, message):
    assert re.match(message, outcome[0][trained])


def test_weights_under_normalisation_are_layers(outcome):
    gradients = outcome[0][TRAINED[3]]["gradients"]
    assert list(gradients) == ["a", "b", "head"] and min(gradients.values()) > 0


@pytest.mark.parametrize(("trained", "layer"), [(TRAINED[4], "unused"), (TRAINED[5], "b")])
def test_the_gradient_of_a_layer_that_takes_no_part_is_zero(outcome, trained, layer):
    assert [name for name, value in outcome[0][trained]["gradients"].items() if value == 0] == [layer]


def test_a_list_may_refer_to_layers_that_are_known_or_frozen(outcome):
    assert list(outcome[0][TRAINED[13]]["gradients"]) == ["head", "body.0"]


def test_a_loss_may_lie_in_a_file_of_its_own(outcome):
    assert outcome[0][TRAINED[6]]["loss"] > 1.5 * outcome[0][TRAINED[5]]["loss"]


def test_the_network_of_the_readme_takes_every_kind_of_block(outcome):
    convolutions = ["stem", *(f"rungs.{rung}.conv{place}" for rung in (0, 1) for place in (0, 1)), "reader"]
    assert len(outcome[2]) == 5 and all(layers == convolutions for layers in outcome[2].values())
    assert list(outcome[0][TRAINED[9]]["gradients"])[-1] == "reader" and outcome[0][TRAINED[9]]["loss"] < 3


def test_an_observer_may_note_what_has_a_graph(outcome):
    assert len(outcome[0][TRAINED[7]]["norm"]) == 2 and min(outcome[0][TRAINED[7]]["norm"]) > 0


def test_a_dry_run_says_what_it_could_not_count(outcome):
    *_, looks, listed = outcome[1]
    assert looks.startswith("  Not counted without images: s/looks-seed0: ")
    assert listed.startswith("  Cannot be trained: s/listed-seed0: the network listed keeps layers in a plain ")
    assert "s  2 cells, 2 to train, 200 epochs, FLOP unknown" in outcome[1][1]
