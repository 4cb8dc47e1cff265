"""The diagnosis at initialisation: its measures computed by hand, its verdicts on real networks, its command."""

import math
import re

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from models.activations import ACTIVATIONS
from models.registry import list_blocks
from tests.conftest import command, inside
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.insight import diagnosis, diagnosis_figure
from workflow_scripts.engine.training.gradients import weight_layers
from workflow_scripts.engine.training.trainer import Training

CPU = torch.device("cpu")


def diagnosed(data, batches=1, **record):
    return diagnosis.diagnose(Training(Cell(**{"batch_size": 20, **record}), data, CPU), batches)


def test_the_values_of_one_image_have_no_variance(large_digits, recwarn):
    found = diagnosed(large_digits, model="vgg08", batch_size=1)
    assert found.layers["activation_variance"].isna().all() and found.verdict == "healthy" and not recwarn.list


def test_a_classifier_alone_has_a_verdict(large_digits):
    training = Training(Cell(batch_size=20), large_digits, CPU)
    training.model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    found = diagnosis.diagnose(training, 1)
    assert len(found.layers) == 1
    assert (found.ratio, found.verdict) == (1, "healthy")


def test_a_branch_that_starts_at_zero_is_not_what_the_first_layer_is_compared_with(large_digits):
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.branch = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3, padding=1)
            self.classifier = nn.Linear(4, 10)

        def forward(self, x):
            x = self.second(self.first(x))
            return self.classifier((x + 0 * self.branch(x)).mean((2, 3)))

    training = Training(Cell(batch_size=20), large_digits, CPU)
    training.model = Network()
    found = diagnosis.diagnose(training, 1)
    first, second, branch, _ = found.layers["mean_abs_gradient"]
    assert branch == 0 < second and found.verdict == "healthy"
    assert found.ratio == pytest.approx(first / second)


def test_a_network_that_passes_nothing_back_vanishes(large_digits):
    training = Training(Cell(batch_size=20), large_digits, CPU)
    training.model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 30 * 30, 10))
    nn.init.zeros_(training.model[2].weight)
    found = diagnosis.diagnose(training, 1)
    assert found.norm > 0 and math.isnan(found.ratio) and found.verdict == "vanishing"


# Measures


@pytest.fixture
def watched():
    """A small network whose first activation is an in-place layer and whose second is a function."""

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True))
            self.second = nn.Linear(4, 3)
            self.last = nn.Linear(3, 2)

        def forward(self, x):
            return self.last(F.leaky_relu(self.second(self.first(x).mean((2, 3)))))

    torch.manual_seed(0)
    network = Network()
    with torch.no_grad():
        network.first[0].bias[:] = torch.tensor([-100.0, -100.0, 100.0, 0.0])
        network.second.bias[:] = torch.tensor([-100.0, 100.0, 0.0])
    watch = diagnosis.Watch(network)
    x = torch.randn(6, 1, 5, 5)
    with watch:
        network(x)
    return network, watch, x


def test_the_variance_is_over_the_images_after_the_activation(watched):
    network, watch, x = watched
    first = F.relu(network.first[0](x)).detach()
    second = F.leaky_relu(network.second(first.mean((2, 3)))).detach()
    expected = [
        np.var(values.numpy(), axis=0, ddof=1).mean() for values in (first, second, network.last(second).detach())
    ]
    assert watch.layers == ["first.0", "second", "last"]
    assert watch.variances() == pytest.approx(expected, rel=1e-4)


def test_of_activations_in_a_row_the_first_is_the_layers():
    network, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Tanh(), nn.Linear(4, 2)), torch.randn(6, 3)
    watch = diagnosis.Watch(network)
    with watch:
        network(x)
    assert watch.variances()[0] == pytest.approx(F.relu(network[0](x)).var(0).mean().item())
    assert watch.late() == []


def test_a_unit_is_dead_where_its_activation_lets_nothing_back(watched):
    _, watch, _ = watched
    first, second, last = watch.dead()
    assert (first, second) == (0.5, pytest.approx(1 / 3)) and math.isnan(last)


def test_a_layer_that_is_registered_before_one_that_runs_earlier_is_late():
    network = nn.Sequential()
    network.head, network.stem, network.middle = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)
    with diagnosis.Watch(network) as watch:
        network.head(network.middle(network.stem(torch.ones(1, 2))))
    assert watch.late() == ["head"]


def test_a_unit_that_lives_in_one_batch_is_not_dead(watched):
    network, watch, x = watched
    for bias in (100.0, -100.0):
        with torch.no_grad():
            network.first[0].bias[:] = bias
        with watch:
            network(x)
        assert watch.dead()[0] == 0


@pytest.mark.parametrize(
    ("activation", "points", "alive"),
    [
        (F.relu, [-1.0, 1.0], [False, True]),
        (F.leaky_relu, [-1.0, 1.0], [False, True]),
        (torch.tanh, [-5.0, -1.0], [False, True]),
        (F.gelu, [-6.0, -0.2], [False, True]),
        (F.gelu, [-4.0, -1.5], [False, True]),  # where it falls
        (F.silu, [-8.0, -3.0], [False, True]),
        (F.elu, [-6.0, -1.0], [False, True]),
    ],
)
def test_slopes(activation, points, alive):
    slope = diagnosis._slope(activation, torch.tensor(points))
    assert (slope > diagnosis.DEAD_SLOPE).tolist() == alive


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_seen_after_its_layer(large_digits, activation):
    dead = diagnosed(large_digits, model="vgg08", width=0.25, activation=activation).layers["dead"]
    assert dead.isna().tolist() == [False] * 7 + [True]


def test_gradients_are_those_of_the_first_batches(large_digits):
    record = {"model": "vgg08", "block": "bn", "supervision": 0.3, "width": 0.25}
    found = diagnosed(large_digits, 2, **record)
    training = Training(Cell(batch_size=20, **record), large_digits, CPU)
    expected, losses = [], []
    for _, (images, labels) in zip(range(2), training.train_batches.epoch(0, 0, 20), strict=False):
        training.model.zero_grad()
        logits, *companions = training.model(images)
        losses.append(F.cross_entropy(logits, labels))
        (losses[-1] + 0.3 * sum(F.cross_entropy(one, labels) for one in companions)).backward()
        gradients = [weight.grad.double() for _, weight in weight_layers(training.model.named_parameters())]
        expected.append([[g.var(correction=0), g.norm(), g.abs().mean()] for g in gradients])
    columns = found.layers[["gradient_variance", "gradient_norm", "mean_abs_gradient"]]
    np.testing.assert_allclose(columns, np.mean(expected, axis=0), rtol=1e-4)
    assert found.loss == pytest.approx(sum(losses).item() / 2)
    mean_abs = found.layers["mean_abs_gradient"]
    assert found.layers["layer"].tolist() == training.gradients.layers
    assert found.ratio == pytest.approx(mean_abs[0] / mean_abs.iloc[-2])
    assert found.norm == pytest.approx(math.sqrt((found.layers["gradient_norm"] ** 2).sum()))


# Verdicts


@pytest.mark.parametrize(
    ("first", "ratio", "norm", "verdicts"),
    [  # the verdicts for Adam, for Muon, for steps along the gradient, and for an optimiser of which nothing is known
        (1e-3, 1.0, 1.0, ["healthy"] * 4),
        (1e-3, 1e-5, 1.0, ["vanishing"] * 4),
        (3e-9, 1.0, 1e-6, ["vanishing", "vanishing", "vanishing", "healthy"]),
        (0.0, math.nan, 0.0, ["vanishing"] * 4),
        (1e-3, 1e5, 1.0, ["exploding"] * 4),
        (1.0, 1.0, 1e4, ["healthy", "healthy", "exploding", "healthy"]),
        (math.nan, math.nan, math.nan, ["exploding"] * 4),
        (math.inf, math.nan, math.inf, ["exploding"] * 4),
    ],
)
def test_thresholds(first, ratio, norm, verdicts):
    for optimizer, verdict in zip(("adam", "muon", "momentum", "mine"), verdicts, strict=True):
        found, sentence = diagnosis.judge(first, ratio, norm, optimizer)
        assert found == verdict and sentence.lower().startswith(verdict) and sentence.endswith(".")


def test_a_verdict_names_the_optimiser_that_it_assumes():
    said = [
        diagnosis.judge(*sizes)[1] for sizes in [(1.0, 1.0, 1e4, "sgd"), (1e-9, 1.0, 1.0, "adam"), (1, 1, 1, "adam")]
    ]
    assert said[0].endswith("norm is 1e+04, above 1000, and sgd steps along it.")
    assert said[1].endswith("mean |gradient| is 1e-09, not above 1e-08, the least for adam.")
    assert said[2].endswith("the whole norm is 1, by which adam divides.")


@pytest.mark.parametrize("block", list_blocks())
def test_of_all_blocks_only_the_plain_one_vanishes_at_38_layers(large_digits, block):
    found = diagnosed(large_digits, model="vgg38", block=block)
    assert found.verdict == ("vanishing" if block == "plain" else "healthy")
    assert found.loss == pytest.approx(math.log(10), abs=1.5)


def test_the_shallow_network_is_healthy_and_a_wild_one_explodes(large_digits):
    assert diagnosed(large_digits, model="vgg08").verdict == "healthy"
    wild = {"model": "vgg38", "block": "rc", "init": "kaiming"}
    assert diagnosed(large_digits, **wild, optimizer="sgd").verdict == "exploding"
    assert diagnosed(large_digits, **wild).verdict == "healthy"  # Adam trains it


# The command


def test_prints_a_table_and_a_verdict_and_draws(tmp_path):
    figure = tmp_path / "figure.pdf"
    done = command(
        "diagnose", "--model", "vgg38", "--image-size", 16, "--batches", 2, "--batch-size", 20, "--out", figure
    )
    lines = done.stdout.splitlines()
    assert re.fullmatch(
        r"Vanishing: the first layer's gradient is \S+ times that of the last .*, below 0.0001\.", lines[-1]
    )
    assert len(lines) == 2 + 38 + 3 and lines[2].split()[:2] == ["0", "entry.conv"]
    assert max(map(len, lines[:40])) <= 80  # otherwise a terminal breaks every line in two
    assert len({line.rindex("%") for line in lines[2:39]}) == 1  # the last column is aligned
    table = pd.read_csv(figure.with_suffix(".csv"))
    assert len(table) == 38 and table["mean_abs_gradient"][0] < 1e-10 < table["mean_abs_gradient"].iloc[-1]
    assert figure.read_bytes().startswith(b"%PDF")


def test_activations_that_are_all_alike_are_marked(large_digits):
    found = diagnosed(large_digits, model="vgg38")
    zero = found.layers["depth"][found.layers["activation_variance"] == 0].tolist()
    variances, gradients, _ = diagnosis_figure.draw(found, Cell()).axes
    marked = [line.get_xdata().tolist() for line in variances.lines if line.get_marker() == "v"]
    assert zero and marked == [zero] and variances.get_legend() and not gradients.get_legend()


def test_reads_a_data_set_and_any_key_of_the_record(digits_file, capsys):
    words = ["--data", digits_file, "--block", "bn_dense", "--growth-rate", 2, "--activation", "gelu", "--width", 0.5]
    inside("diagnose", *words, "--init", "lsuv", "--supervision", "0.3")
    said = capsys.readouterr().out
    assert "stages.1.companion" in said and said.splitlines()[-1].startswith("Healthy")


BAD = {
    "model": (["--model", "vgg39"], "model: 'vgg39': unknown model; known: "),
    "block": (["--block", "bm"], "block: 'bm': unknown block; known: plain, bn, rc, bn_rc, "),
    "batches": (["--batches", 0], "argument --batches: expected a whole number from 1, found '0'"),
    "no such data": (["--data", "missing.npz"], "missing.npz: no such data set"),
    "size of given data": (["--data", "x.npz", "--image-size", 16], "--image-size is for the embedded digits"),
    "small images": (["--image-size", 4], "images of 4x4 are too small for 3 halvings: 8 needed"),
    "no size": (["--image-size", 0], "argument --image-size: expected a whole number from 1"),
    "option": (["--growth-rate", 3], "growth_rate is an option of dense blocks"),
    "figure": (["--image-size", 8, "--model", "vgg08", "--out", "figure.doc"], "expected a name that ends in .pdf"),
}


@pytest.mark.parametrize(("words", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_message(refused, words, message):
    assert message in refused("diagnose", *words)
