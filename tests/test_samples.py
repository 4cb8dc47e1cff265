"""Sample images of a data set, and what its arrays are."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tests.conftest import inside
from workflow_scripts.engine.figures import samples, style


def test_samples_are_the_first_of_each_class_and_the_arrays_are_described(digits, digits_file, tmp_path):
    inside("plot_samples", "--data", digits_file, "--out", tmp_path / "samples.pdf", "--batch-size", 50)
    table = pd.read_csv(tmp_path / "samples.csv")
    assert table.groupby("label").size().tolist() == [samples.MOST] * 10
    for label, found in table.groupby("label"):
        assert found["image"].tolist() == [i for i, other in enumerate(digits.train_labels) if other == label][:4]
    facts = samples.facts(digits, "course", 50)
    mosaic = samples.draw(digits, table, facts).axes[0].images[0].get_array()
    for image in table.itertuples():  # a column for each class, below its name
        top, left = len(mosaic) - 10 * (samples.MOST - image.place), 10 * image.label + 1
        assert (mosaic[top : top + 8, left : left + 8] == digits.train_images[image.image]).all()
    text = "\n".join(facts)
    assert text.startswith("digits (scikit-learn): 1,500 training and 297 test images in 10 classes")
    low, high = (0 - 0.4914) / 0.2023, (1 - 0.4465) / 0.2010
    assert "uint8 (1500, 8, 8, 3) = (image, row, column, channel), RGB, 0 to 255; labels int64 (1500,), 0 to 9" in text
    assert "float32 (50, 3, 8, 8) = (image, channel, row, column), channels last in memory, normalised: " in text
    assert f"−{-low:.2f} to {high:.2f}" in text


def test_the_present_title_is_drawn(digits_file, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(style, "save", lambda figure, *where: drawn.append(figure.get_supxlabel()))
    inside("plot_samples", "--data", digits_file, "--out", tmp_path / "x.pdf", "--titles", '{"digits": "Eights"}')
    assert drawn[0].startswith("Eights: 1,500 training and 297 test images")


@pytest.mark.parametrize(("classes", "shown"), [(3, [4, 4, 4]), (15, [2] * 15), (120, [1] * 100)])
def test_any_number_of_classes_and_grey_images(digits, classes, shown):
    data = dataclasses.replace(
        digits,
        train_images=digits.train_images[..., :1],
        train_labels=np.arange(1500) % classes,
        class_names=np.array([*(f"$_{label}^$" for label in range(classes - 1)), "猫"]),  # as folders may be called
    )
    table = samples.chosen(data)
    assert table.groupby("label").size().tolist() == shown
    figure = samples.draw(data, table, samples.facts(data, "dataset", 2000))
    names = [text.get_text() for text in figure.axes[0].texts]
    assert names[:2] == [r"\$ 0^\$", r"\$ 1^\$"] and len(names) == len(shown)
    assert (names[-1] == f"class {classes - 1}") == (len(names) == classes)
    figure.draw_without_rendering()  # and are no formulas
    assert "grey" in figure.get_supxlabel()
