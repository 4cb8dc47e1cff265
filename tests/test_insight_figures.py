"""Figures of what a network has learned, for data of any shape and for results of every kind."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_rgb

from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.insight import findings, grad_cam_figure, insight, insight_figures, names
from workflow_scripts.engine.training.trainer import Training


def data_with(classes, channels, side=16):
    """Random images, with class names as long as CIFAR-100's."""
    draw = np.random.RandomState(0)
    labels = np.arange(4 * classes) % classes
    images = draw.randint(0, 256, (len(labels), side, side, channels), dtype=np.uint8)
    meta = {"title": "noise", "embedded": False, "sha256": f"{classes}-{channels}"}
    names = np.array(["$x^$", "10$", *(f"pickup_truck_{label}" for label in range(2, classes))])  # no formulas
    return datasets.Data(images, labels, images, labels, names, meta)


@pytest.mark.parametrize("classes, channels", [(10, 3), (2, 1), (100, 1)])
def test_figures_of_any_number_of_classes_and_channels(classes, channels, tmp_path):
    cell = Cell(width=0.25, val_fraction=0.5, batch_size=2)
    training = Training(cell, data_with(classes, channels), torch.device("cpu"))
    training.model.eval()
    insight.write(insight.inspect(training, data_with(classes, channels), 3), tmp_path)
    found = findings.load(tmp_path)
    for name, draw in insight_figures.FIGURES.items():
        figure, table = draw(found)
        figure.savefig(tmp_path / f"{name}.pdf")
        assert len(table), name


def test_the_figures_are_those_that_the_rules_name():
    assert tuple(insight_figures.FIGURES) == names.FIGURES


def test_a_class_without_images_has_no_place_among_the_accuracies(tmp_path):
    names, probabilities = ["NA", "null", "c"], np.eye(3)[[0, 1, 1, 1]]
    table = insight.predictions(np.arange(4), np.array([0, 0, 1, 1]), probabilities)
    facts = {"class_names": names}
    insight.write({"insight.json": facts, "per_class.csv": insight.per_class(table, names)}, tmp_path)
    found = findings.load(tmp_path)
    assert found.table("per_class")["name"].tolist() == names
    figure, shown = insight_figures.class_accuracy(found)
    assert shown["label"].tolist() == [1, 0] and shown["accuracy"].tolist() == [1, 0.5]
    (dots,) = (line for line in figure.axes[0].lines if line.get_marker() == "o")
    assert list(dots.get_xdata()) == [1, 0.5]


def test_without_mistakes_the_figures_say_so(tmp_path):
    table = insight.predictions(np.arange(300), np.arange(300) % 30, np.eye(30)[np.arange(300) % 30])
    facts = {"class_names": [f"class {label}" for label in range(30)]}
    arrays = {"pixels": np.zeros((2, 8, 8, 3), np.uint8), "image": np.arange(2), "label": np.arange(2)}
    arrays |= {"predicted": np.arange(2), **{f"probability_{role}": np.ones(2) for role in ("label", "predicted")}}
    arrays |= {f"map_{role}": np.zeros((2, 4, 4)) for role in ("label", "predicted")}
    embedded = table.assign(x=0.0, y=1.0, right=True)
    files = {"insight.json": facts, "confusion.csv": insight.confusion(table, 30), "tsne.csv": embedded}
    insight.write({**files, "grad_cam.npz": arrays}, tmp_path)
    found = findings.load(tmp_path)
    confusion, _ = insight_figures.confusion(found)
    assert "no mistakes" in confusion.axes[0].get_xlabel()
    heat, _ = insight_figures.grad_cam(found)
    *tiles, _ = heat.axes
    assert [axes.get_ylabel() for axes in tiles if axes.get_ylabel()] == ["right", "predicted"]
    assert not insight_figures.tsne(found)[0].legends


@pytest.mark.parametrize(("classes", "each", "smallest"), [(2, 1500, 7), (10, 500, 7), (20, 250, 5)])
def test_counts_are_as_large_as_their_cells_allow(tmp_path, classes, each, smallest):
    pairs = np.indices((classes, classes)).reshape(2, -1)
    counts = np.where(pairs[0] == pairs[1], each, pairs[1] == 0)
    table = pd.DataFrame({"label": pairs[0], "predicted": pairs[1], "images": counts})
    insight.write(
        {"insight.json": {"class_names": [f"n{k}" for k in range(classes)]}, "confusion.csv": table}, tmp_path
    )
    figure, _ = insight_figures.confusion(findings.load(tmp_path))
    texts = figure.axes[0].texts
    assert {text.get_fontsize() for text in texts if text.get_text() == "1"} == {7}
    assert min(text.get_fontsize() for text in texts) >= smallest
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in texts]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


@pytest.mark.parametrize(
    ("wrong", "beside"),
    [
        (2, ["right", "predicted", "wrong"]),
        (3, ["right", "predicted", "wrong", "wrong"]),
        (8, ["right", "predicted", "wrong", "predicted", "true class"]),
    ],
)
def test_heat_maps_stand_beside_few_wrong_images_and_below_many(tmp_path, wrong, beside):
    images = 8 + wrong
    arrays = {"pixels": np.zeros((images, 8, 8, 1), np.uint8), "image": np.arange(images)}
    arrays |= {"label": np.arange(images) % 8, "predicted": (np.arange(images) + (np.arange(images) >= 8)) % 8}
    maps = np.ones((images, 4, 4))
    maps[-1] = 0
    arrays |= {"map_predicted": np.ones((images, 4, 4)), "map_label": maps}
    arrays |= {f"probability_{role}": np.ones(images) for role in ("label", "predicted")}
    insight.write(
        {"insight.json": {"class_names": [f"n{label}" for label in range(8)]}, "grad_cam.npz": arrays}, tmp_path
    )
    figure, _ = insight_figures.grad_cam(findings.load(tmp_path))
    *tiles, key = figure.axes
    assert [axes.get_ylabel() for axes in tiles if axes.get_ylabel()] == beside
    assert sum(len(axes.images) > 0 for axes in tiles) == 2 * 8 + 3 * wrong
    assert [text.get_text() for axes in tiles for text in axes.texts] == [grad_cam_figure.NOTHING]
    assert key.get_ylabel() == "what speaks for the class"


def test_the_frame_of_a_name_has_the_colour_of_its_points(tmp_path):
    """Where classes overlap, a name's position alone does not tell which colour it belongs to."""
    embedded = pd.DataFrame({"image": range(8), "x": [0.0, 1] * 4, "y": range(8), "label": [0, 1] * 4, "right": True})
    insight.write({"insight.json": {"class_names": ["cat", "dog"]}, "tsne.csv": embedded}, tmp_path)
    (axes,) = insight_figures.tsne(findings.load(tmp_path))[0].axes
    colour_at = {line.get_xdata()[0]: line.get_color() for line in axes.lines if len(line.get_xdata())}
    frames = {text.get_text(): text.get_bbox_patch().get_edgecolor()[:3] for text in axes.texts}
    assert frames == {"cat": to_rgb(colour_at[0]), "dog": to_rgb(colour_at[1])} and frames["cat"] != frames["dog"]


def test_a_name_stands_above_its_points(tmp_path):
    side = np.arange(10.0)
    x, y = (values.ravel() for values in np.meshgrid(side, side))
    clusters = [pd.DataFrame({"x": x + 100 * label, "y": y, "label": label}) for label in (0, 1)]
    embedded = pd.concat(clusters).assign(image=0, right=True)
    insight.write({"insight.json": {"class_names": ["cat", "dog"]}, "tsne.csv": embedded}, tmp_path)
    (axes,) = insight_figures.tsne(findings.load(tmp_path))[0].axes
    places = {text.get_text(): text.get_position() for text in axes.texts}
    assert {name: x for name, (x, _) in places.items()} == {"cat": 4.5, "dog": 104.5}
    assert all(height > side.max() for _, height in places.values())


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0])
def test_names_among_points_neither_overlap_nor_leave_the_figure(tmp_path, spread):
    """However near to each other the classes are, the last of which lies highest."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(400, 2))
    label = np.arange(400) % 10
    points[:, 0] += spread * label
    points[label == 9] *= 0.1
    points[label == 9] += [0, 2.5]
    embedded = pd.DataFrame({"image": 0, "x": points[:, 0], "y": points[:, 1], "label": label, "right": True})
    names = ["a", "very_long_name_of_a_class", *(f"class_{letter}" for letter in "cdefgh"), "猫", "deer"]
    insight.write({"insight.json": {"class_names": names}, "tsne.csv": embedded}, tmp_path)
    figure, _ = insight_figures.tsne(findings.load(tmp_path))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
    assert "very long name of a class" in boxes and "class 8" in boxes and len(boxes) == 10
    assert not [pair for pair in itertools.combinations(boxes, 2) if boxes[pair[0]].overlaps(boxes[pair[1]])]
    assert all(
        figure.bbox.containsx(x) and figure.bbox.containsy(y) for box in boxes.values() for x, y in box.corners()
    )
