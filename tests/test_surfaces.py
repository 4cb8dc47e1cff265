"""Loss surfaces: compared with a plain loop over a DataLoader, the filters' norms, the command and its errors."""

import csv
import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from models.registry import build_model, list_models
from tests.conftest import command, inside
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import cells
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.data.batches import COURSE_MEAN, COURSE_STD
from workflow_scripts.engine.data.datasets import split_indices
from workflow_scripts.engine.landscape import surfaces
from workflow_scripts.engine.runs import trained
from workflow_scripts.engine.training.gradients import weight_layers
from workflow_scripts.engine.training.trainer import Training

CPU = torch.device("cpu")
RECORD = {"model": "vgg08", "width": 0.125, "dataset": "digits", "augmentation": "none", "epochs": 2, "lr": 0.01}
POINTS, EXTENT, IMAGES = 3, 0.5, 300


@pytest.fixture(scope="module")
def cell(digits_file, tmp_path_factory):
    """The folder of a trained cell."""
    return train(digits_file, tmp_path_factory.mktemp("cells") / "bn", block="bn")


def train(digits_file, out, **changes):
    record = {**RECORD, **changes}
    words = [word for key, value in record.items() for word in (f"--{key.replace('_', '-')}", value)]
    inside("train_cell", "--data", digits_file, "--out", out, *words)
    return out


def plain_surface(training, data, points, pair):
    """The loss computed plainly: weights set one by one, images through a DataLoader, `.item()` at every batch."""
    train, _ = split_indices(data.train_labels, "course", 0.05)
    images = torch.from_numpy(data.train_images[train[:IMAGES]]).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (COURSE_MEAN, COURSE_STD))
    dataset = TensorDataset((images - mean) / std, torch.from_numpy(data.train_labels[train[:IMAGES]]))
    start = {name: parameter.detach().clone() for name, parameter in training.model.named_parameters()}
    found = []
    for alpha, beta in points:
        loss = hits = 0.0
        with torch.no_grad():
            for name, parameter in training.model.named_parameters():
                if name in pair[0]:
                    parameter.copy_(start[name] + alpha * pair[0][name] + beta * pair[1][name])
            for batch, labels in DataLoader(dataset, 128):
                logits = training.model(batch)
                loss += F.cross_entropy(logits, labels, reduction="sum").item()
                hits += (logits.argmax(1) == labels).sum().item()
        found.append((loss / IMAGES, hits / IMAGES))
    training.model.load_state_dict(start, strict=False)
    return found


def test_equals_the_plain_path(cell, digits):
    training = trained.load(cell, digits, CPU)
    before = {name: value.clone() for name, value in training.model.state_dict().items()}
    rows = surfaces.surface(training, digits, POINTS, EXTENT, IMAGES, seed=3)
    points = [row[1:3] for row in rows]
    expected = plain_surface(training, digits, points, surfaces.directions(training.model, 3))
    found = np.array([row[3:] for row in rows])
    np.testing.assert_allclose(found[:, 0], [loss for loss, _ in expected], rtol=1e-4)
    np.testing.assert_allclose(found[:, 1], [acc for _, acc in expected], atol=1 / IMAGES)  # one image on the edge
    assert all(torch.equal(value, before[name]) for name, value in training.model.state_dict().items())


def test_the_middle_is_the_trained_network(cell, digits):
    training = trained.load(cell, digits, CPU)
    rows = surfaces.surface(training, digits, 3, 1.0, 10**6, 0)
    ((loss, acc),) = [row[3:] for row in rows if row[:3] == ("plane", 0, 0)]
    expected = training.evaluate(training.train_batches).tolist()
    assert (loss, acc) == (pytest.approx(expected[0], rel=1e-5), pytest.approx(expected[1]))


@pytest.mark.parametrize("items", [None, 100])
def test_images_are_normalised_as_in_training_however_few(digits, items):
    training = Training(Cell(**RECORD, normalize="dataset", train_items=items), digits, CPU)
    ((images, labels),) = surfaces.training_images(training, digits, 50)
    train, _ = split_indices(digits.train_labels, "course", 0.05, items)
    pixels = digits.train_images[train] / 255
    expected = (pixels[:50] - pixels.mean((0, 1, 2))) / pixels.std((0, 1, 2))
    np.testing.assert_allclose(images.permute(0, 2, 3, 1), expected, atol=1e-5)
    assert labels.tolist() == digits.train_labels[train[:50]].tolist()


def test_the_line_is_the_middle_of_the_plane():
    rows = list(surfaces.places(5, 0.7))
    line = [(alpha, beta) for kind, alpha, beta in rows if kind == "line"]
    plane = [(alpha, beta) for kind, alpha, beta in rows if kind == "plane"]
    assert len(line) == 17 and len(plane) == 25
    assert line[0] == (-0.7, 0) and line[8] == (0, 0) and line[-1] == (0.7, 0)
    assert [point for point in plane if point[1] == 0] == line[::4]
    assert {alpha for alpha, _ in plane} == {beta for _, beta in plane}


def test_every_filter_has_the_norm_of_its_weights(cell, digits):
    model = trained.load(cell, digits, CPU).model
    weights = dict(weight_layers(model.named_parameters()))
    for direction in surfaces.directions(model, 0):
        assert {name.removesuffix(".weight") for name in direction} == set(weights)
        for name, tensor in direction.items():
            weight = weights[name.removesuffix(".weight")]
            torch.testing.assert_close(tensor.flatten(1).norm(dim=1), weight.detach().flatten(1).norm(dim=1))


def test_networks_of_the_same_layers_share_their_directions():
    models = [build_model("vgg08", block, 10, (3, 8, 8), width=0.25) for block in ("plain", "bn")]
    pairs = [surfaces.directions(model, 5) for model in models]
    for one, other in zip(*pairs, strict=True):
        for name in one:
            alike = F.cosine_similarity(one[name].flatten(1), other[name].flatten(1))
            torch.testing.assert_close(alike, torch.ones(len(alike)))
    first, second = pairs[0]
    assert all(abs(F.cosine_similarity(first[n].flatten(), second[n].flatten(), 0)) < 0.5 for n in first)
    other = surfaces.directions(models[0], 6)[0]
    assert not torch.equal(other["classifier.weight"], first["classifier.weight"])


def randomized(model):
    """The model with batch norm as if after some training, in evaluation mode."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.uniform_(0.5, 2, generator=generator)
            for tensor in (module.bias.data, module.running_mean):
                tensor.normal_(generator=generator)
    return model.eval()


NETWORKS = [(model, block) for model in ("vgg08", "vgg38") for block in ("plain", "bn", "rc", "bn_rc")]
NETWORKS += [("vgg_a", "plain"), ("vgg_a", "bn")]
OTHERS = [(model, "plain") for model in list_models() if model not in ("vgg08", "vgg38", "vgg_a")]


@pytest.mark.parametrize(("name", "block"), [*NETWORKS, *OTHERS], ids="-".join)
def test_folding_batch_norm_changes_no_logit(name, block):
    torch.manual_seed(0)
    model = randomized(build_model(name, block, 10, (3, 32, 32), width=0.125))
    images = torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        expected, (fast, factors) = model(images), surfaces.folded(model)
        torch.testing.assert_close(fast(images), expected, rtol=1e-4, atol=1e-4)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    if (name, block) in NETWORKS:
        assert len(factors) == len(norms)
    images = [(images, torch.zeros(4, dtype=torch.int64))]
    pair = surfaces.directions(model, 0)
    (found,) = surfaces.measure(model, images, F.cross_entropy, [(0.3, -0.2)], pair)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for parameter, first, second in zip(pair[0], pair[0].values(), pair[1].values(), strict=True):
            parameters[parameter] += 0.3 * first - 0.2 * second
        expected = F.cross_entropy(model(images[0][0]), images[0][1]).item()
    assert found[0] == pytest.approx(expected, rel=1e-4, abs=1e-5)


class Branching(nn.Module):
    """A network whose control flow depends on its values, so that it cannot be traced."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.norm(self.conv(x)).mean((2, 3))
        return x if x.sum() > 0 else -x


def test_a_network_that_cannot_be_traced_is_measured_as_it_is():
    model = randomized(Branching())
    assert surfaces.folded(model) == (model, {})
    images, labels = torch.randn(8, 3, 6, 6), torch.zeros(8, dtype=torch.int64)
    pair = surfaces.directions(model, 0)
    ((loss, _),) = surfaces.measure(model, [(images, labels)], F.cross_entropy, [(0, 0)], pair)
    assert loss == pytest.approx(F.cross_entropy(model(images), labels).item())


def test_companion_classifiers_are_no_part_of_a_surface():
    networks = [build_model("vgg08", "bn", 10, (3, 8, 8), width=0.125, supervision=weight) for weight in (0.3, 0.0)]
    networks[0] = randomized(networks[0])
    networks[1].eval().load_state_dict(networks[0].state_dict(), strict=False)
    images, pair = [(torch.randn(4, 3, 8, 8), torch.zeros(4, dtype=torch.int64))], surfaces.directions(networks[0], 0)
    pair_without = [{name: tensor for name, tensor in one.items() if "companion" not in name} for one in pair]
    found = [
        surfaces.measure(network, images, F.cross_entropy, [(0.3, -0.2)], moved)
        for network, moved in zip(networks, (pair, pair_without), strict=True)
    ]
    assert len(pair[0]) == len(pair_without[0]) + 2 and found[0] == found[1]


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_the_command_writes_the_table(cell, digits_file, digits, tmp_path):
    arguments = ("--cell", cell, "--data", digits_file, "--points", 3, "--extent", 0.5, "--images", 200, "--seed", 1)
    command("measure_surface", *arguments, "--out", tmp_path / "a.csv", "--device", "cpu")
    rows = rows_of(tmp_path / "a.csv")
    assert list(rows[0]) == ["kind", "alpha", "beta", "loss", "acc"]
    assert [row["kind"] for row in rows] == ["line"] * 9 + ["plane"] * 9
    expected = surfaces.surface(trained.load(cell, digits, CPU), digits, 3, 0.5, 200, 1)
    assert [tuple(map(float, list(row.values())[1:])) for row in rows] == [tuple(row[1:]) for row in expected]


def test_losses_that_are_not_finite_are_written_as_such(cell, digits_file, tmp_path):
    harmed = copied(cell, tmp_path / "cell")
    weights = load_file(harmed / "model.safetensors")
    weights["classifier.weight"].fill_(math.nan)
    save_file(weights, harmed / "model.safetensors")
    measured(harmed, digits_file, tmp_path / "a.csv", "--points", 2)
    rows = rows_of(tmp_path / "a.csv")
    assert {row["loss"] for row in rows} == {"nan"} and len(rows) == 5 + 4
    weights["classifier.weight"].fill_(3e38)
    weights["classifier.weight"][0] = -3e38
    save_file(weights, harmed / "model.safetensors")
    measured(harmed, digits_file, tmp_path / "a.csv", "--points", 2)
    assert {row["loss"] for row in rows_of(tmp_path / "a.csv")} <= {"nan", "inf"}


def test_a_cell_that_diverged_has_a_surface_around_the_weights_before(cell, digits_file, tmp_path):
    diverged = copied(cell, tmp_path / "cell", status="diverged")
    measured(diverged, digits_file, tmp_path / "a.csv", "--points", 2, "--images", 50)
    assert all(math.isfinite(float(row["loss"])) for row in rows_of(tmp_path / "a.csv"))


def test_a_bf16_cell_is_measured_in_bf16_to_a_few_percent(cell, digits, tmp_path):
    record = json.loads((cell / "cell.json").read_text())["record"]
    other = copied(cell, tmp_path / "cell", record={**record, "precision": "bf16"})
    fp32, bf16 = (
        np.array([row[3:] for row in surfaces.surface(trained.load(folder, digits, CPU), digits, 3, 0.5, 300, 0)])
        for folder in (cell, other)
    )
    assert (fp32[:, 0] != bf16[:, 0]).any()
    np.testing.assert_allclose(bf16[:, 0], fp32[:, 0], rtol=0.03)
    np.testing.assert_allclose(bf16[:, 1], fp32[:, 1], atol=0.03)


def copied(cell, folder, **changes):
    """A copy of the files that a surface is measured from, with changes to cell.json."""
    folder.mkdir()
    facts = json.loads((cell / "cell.json").read_text())
    (folder / "cell.json").write_text(json.dumps({**facts, **changes}))
    (folder / "model.safetensors").write_bytes((cell / "model.safetensors").read_bytes())
    return folder


def measured(cell, data, out, *arguments):
    """Run the command in this process."""
    inside("measure_surface", "--cell", cell, "--data", data, "--out", out, "--device", "cpu", *arguments)


BAD = {
    "no points": (["--points", 0], "points: '0': Input should be greater than or equal to 2"),
    "one point": (["--points", 1], "points: '1': Input should be greater than or equal to 2"),
    "no number of points": (["--points", "many"], "points: 'many': expected a whole number"),
    "no images": (["--images", 0], "images: '0': Input should be greater than or equal to 1"),
    "no extent": (["--extent", 0], "extent: '0': Input should be greater than 0"),
    "an endless extent": (["--extent", "inf"], "extent: "),
    "a negative seed": (["--seed", -1], "seed: "),
}


@pytest.mark.parametrize(("flags", "message"), BAD.values(), ids=BAD)
def test_bad_settings_are_one_clear_message(refused, cell, digits_file, tmp_path, flags, message):
    out = tmp_path / "a.csv"
    assert message in refused("measure_surface", "--cell", cell, "--data", digits_file, "--out", out, *flags)
    assert not out.exists()


@pytest.mark.parametrize("missing", ["cell.json", "model.safetensors"])
@pytest.mark.parametrize("harm", ["missing", "empty", "cut off", "another"])
def test_a_cell_whose_files_are_missing_or_damaged(refused, cell, digits_file, tmp_path, missing, harm):
    harmed = copied(cell, tmp_path / "cell")
    path = harmed / missing
    content = path.read_bytes()
    path.unlink()
    if harm != "missing":
        path.write_bytes({"empty": b"", "cut off": content[: len(content) // 2], "another": b"{}"}[harm])
    message = refused("measure_surface", "--cell", harmed, "--data", digits_file, "--out", tmp_path / "a.csv")
    assert str(harmed) in message and "\n" not in message
    assert (missing if harm == "missing" else "damaged") in message
    assert not (tmp_path / "a.csv").exists()


def test_weights_of_another_network(refused, cell, digits_file, tmp_path):
    record = json.loads((cell / "cell.json").read_text())["record"]
    harmed = copied(cell, tmp_path / "cell", record={**record, "width": 0.5})
    message = refused("measure_surface", "--cell", harmed, "--data", digits_file, "--out", tmp_path / "a.csv")
    assert "does not fit the network" in message


def test_images_of_another_data_set(refused, cell, digits_file, tmp_path):
    facts = json.loads((cell / "cell.json").read_text())
    other = copied(cell, tmp_path / "cell", dataset={**facts["dataset"], "sha256": "0", "title": "Letters"})
    message = refused("measure_surface", "--cell", other, "--data", digits_file, "--out", tmp_path / "a.csv")
    assert "was trained on Letters with other images" in message


def test_the_records_options_reach_the_network(cell, digits):
    training = trained.load(cell, digits, CPU)
    assert cells.options(training.cell) == {"width": 0.125} and isinstance(training.cell, Cell)
    assert training.model.num_filters == 4


def test_a_cell_that_diverged_is_loaded_where_that_is_asked_for(cell, digits, tmp_path):
    lost = copied(cell, tmp_path / "cell", status="diverged")
    with pytest.raises(UserError, match=f"{lost}: expected a cell that finished, found one that diverged"):
        trained.load(lost, digits, CPU)
    for training in (trained.load(lost, digits, CPU, diverged=True), trained.load(cell, digits, CPU)):
        assert not any(module.training for module in training.model.modules())
        loaded = training.model.state_dict()
        assert all(torch.equal(value, loaded[name]) for name, value in training.best.items())


def test_a_cell_of_a_record_that_is_none(cell, digits, tmp_path):
    record = json.loads((cell / "cell.json").read_text())["record"]
    other = copied(cell, tmp_path / "cell", record={**record, "widht": 2})
    with pytest.raises(UserError, match=f"{other}/cell.json is not valid:\n  widht: unknown key; did you mean 'width'"):
        trained.load(other, digits, CPU)
