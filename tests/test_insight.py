"""What is read from a trained network is what it computes: predictions, heat maps, filters and features."""

import json
import re
import shutil
import textwrap

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from scipy import stats
from torch import nn

from tests.conftest import ROOT, command, inside
from tests.tiny_runs import CPU, tiny
from workflow_scripts.engine.insight import insight, insight_figures, names
from workflow_scripts.engine.insight.grad_cam import grad_cam
from workflow_scripts.engine.runs import trained
from workflow_scripts.engine.training.trainer import Training

SIZES = ["--width", "0.25", "--epochs", "2", "--batch-size", "50", "--augmentation", "none", "--val-fraction", "0.2"]


@pytest.fixture(scope="module")
def study(digits_file, tmp_path_factory):
    """A study's folder with one trained cell, and the data it was trained on."""
    folder = tmp_path_factory.mktemp("study")
    record = ["--model", "vgg08", "--block", "bn", "--dataset", "digits", "--lr", "0.003", *SIZES]
    inside("train_cell", "--data", digits_file, "--out", folder / "cell-seed0", *record)
    (folder / "chosen.json").write_text(json.dumps({"best_cell": "cell-seed0"}))
    return folder


@pytest.fixture(scope="module")
def folder(study, digits_file):
    """What the command makes from the chosen cell."""
    command("inspect_cell", "--chosen", study / "chosen.json", "--data", digits_file, "--out", study / "insight")
    return study / "insight"


# The files


def test_the_files_are_those_that_the_rules_name(folder):
    assert {path.name for path in folder.iterdir()} == set(names.FILES)


def test_the_predictions_are_those_that_the_trainer_counted(study, folder, digits):
    table = pd.read_csv(folder / "predictions.csv")
    right = table["label"] == table["predicted"]
    assert right.mean() == pytest.approx(pd.read_csv(study / "cell-seed0/history.csv")["val_acc"].max())
    assert 0 < right.mean() < 1
    assert (digits.train_labels[table["image"]] == table["label"]).all()
    assert table["confidence"].between(1 / digits.num_classes, 1).all()
    assert json.loads((folder / "insight.json").read_text())["right"] == right.sum()


def test_a_loaded_cell_is_evaluated_as_the_readme_says(study, digits):
    cell = study / "cell-seed0"
    code = re.search(r"    from .* import batches(?:.*\n)(?:    .*\n|\n)+", (ROOT / "README.md").read_text())[0]
    code = re.sub(r"load\(\".*\)", 'load(folder, data, "cpu")', textwrap.dedent(code))
    found = {"folder": cell, "data": digits, "images": digits.test_images, "labels": digits.test_labels}
    exec(code, found)
    recorded = json.loads((cell / "test.json").read_text())
    assert [found["loss"], found["accuracy"]] == pytest.approx([recorded["test_loss"], recorded["test_acc"]])
    assert found["cell"].test() == (found["loss"], found["accuracy"])


def test_confusion_and_accuracy_per_class_count_the_predictions(folder):
    table, counts = pd.read_csv(folder / "predictions.csv"), pd.read_csv(folder / "confusion.csv")
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (table["label"], table["predicted"]), 1)
    assert (counts.pivot(index="label", columns="predicted", values="images").to_numpy() == matrix).all()
    classes = pd.read_csv(folder / "per_class.csv")
    np.testing.assert_allclose(classes["accuracy"], np.diag(matrix) / matrix.sum(1))
    np.testing.assert_allclose(classes["precision"], np.diag(matrix) / np.where(matrix.sum(0), matrix.sum(0), np.nan))
    assert (classes["low"] <= classes["accuracy"] + 1e-12).all()
    assert (classes["accuracy"] - 1e-12 <= classes["high"]).all()


def test_wilsons_interval_is_where_the_score_test_turns():
    """Its ends p solve |accuracy - p| = z sqrt(p (1 - p) / n), which is how the interval is defined."""
    table = pd.DataFrame({"label": [0] * 20 + [1] * 5, "predicted": [0] * 17 + [1] * 3 + [1] * 5})
    classes, z = insight.per_class(table, ["a", "b", "c"]), stats.norm.ppf(0.975)
    for row in classes[:2].itertuples():
        for end in {row.low, row.high} - {1.0}:
            assert abs(row.accuracy - end) == pytest.approx(z * np.sqrt(end * (1 - end) / row.images), abs=1e-6)
    assert classes.loc[2, ["accuracy", "low", "high", "precision"]].isna().all()


def test_grad_cam_is_of_right_ones_of_different_classes_and_of_the_most_confident_wrong_ones(folder, digits):
    with np.load(folder / "grad_cam.npz") as file:
        shown = dict(file)
    table = pd.read_csv(folder / "predictions.csv").set_index("image")
    right = shown["label"] == shown["predicted"]
    wrong = table[table["label"] != table["predicted"]]
    known = table.loc[table["label"] == table["predicted"], "label"].unique()
    assert right.sum() == 8 and len(set(shown["label"][right])) == min(8, len(known))
    np.testing.assert_allclose(shown["probability_predicted"][~right], wrong["confidence"].nlargest(8), rtol=1e-12)
    assert (shown["pixels"] == digits.train_images[shown["image"]]).all()
    assert (shown["map_predicted"] >= 0).all() and shown["map_predicted"].shape == shown["map_label"].shape
    assert (shown["map_predicted"][right] == shown["map_label"][right]).all()


def test_heat_maps_and_probabilities_are_of_the_true_and_of_the_predicted_class(study, folder, digits):
    training = trained.load(study / "cell-seed0", digits, "cpu")
    with np.load(folder / "grad_cam.npz") as file:
        shown = dict(file)
    places = pd.Index(pd.read_csv(folder / "predictions.csv")["image"]).get_indexer(shown["image"])
    images = next(training.val_batches.in_order(len(training.val_batches)))[0][places]
    layer = json.loads((folder / "insight.json").read_text())["grad_cam"]["layer"]
    for role in ("label", "predicted"):
        classes = torch.from_numpy(shown[role])
        maps = grad_cam(training.model, layer, images, classes).numpy()
        np.testing.assert_allclose(shown[f"map_{role}"], maps, rtol=1e-4, atol=1e-6)
        probabilities = training.model(images).detach().softmax(1)[range(len(places)), classes]
        np.testing.assert_allclose(shown[f"probability_{role}"], probabilities, rtol=1e-4, atol=1e-7)


def test_several_batches_give_what_one_does(study, digits, monkeypatch):
    training = trained.load(study / "cell-seed0", digits, "cpu")
    whole, images = insight.outputs(training), next(training.val_batches.in_order(1000))[0]
    monkeypatch.setattr(insight, "EVALUATION_BATCH", 64)
    for one, other in zip(whole, insight.outputs(training), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    places = np.random.default_rng(0).permutation(len(images))[:40]
    assert places.max() > 64 and torch.equal(insight.images_at(training.val_batches, places), images[places])


def test_with_test_time_augmentation_features_are_those_of_the_images_themselves(digits):
    """Predictions, though, are those by which the cell's accuracy is measured."""
    plain, mirrored = (Training(tiny(tta=tta), digits, CPU) for tta in (None, "flip"))
    (_, expected), (probabilities, features) = insight.outputs(plain), insight.outputs(mirrored)
    np.testing.assert_array_equal(features, expected)
    images, _ = next(mirrored.val_batches.in_order(len(features)))
    with torch.no_grad():
        logits = mirrored.predict(images)
    np.testing.assert_allclose(probabilities, logits.softmax(1), rtol=1e-4, atol=1e-6)


def test_filters_and_features_are_the_networks(study, folder):
    weights = load_file(study / "cell-seed0/model.safetensors")
    with np.load(folder / "filters.npz") as file:
        assert (file["weight"] == weights["entry.conv.weight"].numpy()).all()
    facts = json.loads((folder / "insight.json").read_text())
    layers = facts["structure"]
    assert {f"{row['layer']}.weight": row["weight"] for row in layers} == {
        name: list(weight.shape) for name, weight in weights.items() if name.endswith(".weight")
    }
    record = json.loads((study / "cell-seed0/cell.json").read_text())
    assert sum(row["parameters"] for row in layers) == record["parameters"]
    assert layers[0]["layer"] == "entry.conv"
    assert layers[0]["output"] == [8, 8, 8] and layers[-1]["output"] == [10]
    assert facts["tsne"] == {"images": 300, "features": weights["classifier.weight"].shape[1], "perplexity": 30}


def test_the_same_bits_twice(study, folder, digits_file, tmp_path):
    cell = study / "cell-seed0"
    inside("inspect_cell", "--cell", cell, "--data", digits_file, "--device", "cpu", "--out", tmp_path)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_of_many_images_a_part_is_embedded_evenly(monkeypatch):
    monkeypatch.setattr(insight, "EMBEDDED", 30)
    table = insight.predictions(np.arange(100), np.arange(100) // 10, np.eye(10)[np.arange(100) // 10])
    features = np.random.RandomState(0).normal(size=(100, 4)).astype(np.float32)
    embedding, perplexity = insight.tsne(features, table)
    assert len(embedding) == 30 and set(embedding["label"].value_counts()) == {3} and perplexity == 29 / 3


@pytest.mark.parametrize("features", [np.zeros((5, 3)), np.eye(5)[:, :1], np.eye(5)], ids=["alike", "one", "few"])
def test_few_or_equal_features_have_a_place(features):
    table = insight.predictions(np.arange(5), np.arange(5), np.eye(5))
    assert np.isfinite(insight.tsne(features.astype(np.float32), table)[0][["x", "y"]]).all(axis=None)


# The figures


@pytest.mark.parametrize("name", insight_figures.FIGURES)
def test_every_figure_is_a_pdf_with_its_data_beside(name, folder, tmp_path):
    out = tmp_path / f"{name}.pdf"
    inside("plot_insight", "--figure", name, "--insight", folder, "--out", out)
    assert out.read_bytes().startswith(b"%PDF") and len(pd.read_csv(out.with_suffix(".csv")))


# Mistakes


def test_bad_input_is_refused_in_a_sentence(study, digits_file, digits, refused, tmp_path):
    def inspect(cell, data=digits_file, *more):
        return refused(
            "inspect_cell", "--cell", cell, "--data", data, "--out", tmp_path / "out", "--device", "cpu", *more
        )

    assert "cell.json: expected a file of a finished cell, found none" in inspect(tmp_path / "nothing")
    assert "--images: expected a whole number from 1" in inspect(study / "cell-seed0", digits_file, "--images", "0")
    assert "expected digits.npz among a.npz, b.npz" in inspect(
        study / "cell-seed0", "a.npz", "--data", "a.npz", "b.npz"
    )
    for name, old, new, said in (
        ("diverged", '"finished"', '"diverged"', "expected a cell that finished"),
        ("other", digits.sha256, "0" * 64, "was trained on digits (scikit-learn) with other images"),
        ("damaged", "{", "{{", "damaged"),
    ):
        copy = tmp_path / name
        shutil.copytree(study / "cell-seed0", copy)
        text = (copy / "cell.json").read_text()
        assert old in text
        (copy / "cell.json").write_text(text.replace(old, new))
        assert said in inspect(copy)
    shutil.copytree(study / "cell-seed0", tmp_path / "weights")
    (tmp_path / "weights/model.safetensors").write_bytes(b"no weights")
    assert "damaged" in inspect(tmp_path / "weights")
    (tmp_path / "chosen.json").write_text("[]")
    said = refused(
        "inspect_cell", "--chosen", tmp_path / "chosen.json", "--data", digits_file, "--out", tmp_path / "out"
    )
    assert "expected JSON with `best_cell`" in said
    said = refused("plot_insight", "--figure", "tsne", "--insight", tmp_path / "none", "--out", tmp_path / "x.pdf")
    assert "inspect_cell` writes, found none" in said


def test_too_few_images_and_networks_without_layers_are_named():
    table = insight.predictions(np.arange(3), np.arange(3), np.eye(3))
    with pytest.raises(insight.UserError, match="needs at least 4 validation images, found 3"):
        insight.tsne(np.zeros((3, 2), np.float32), table)
    with pytest.raises(insight.UserError, match="no convolution"):
        insight.first_filters(nn.Linear(2, 2))
