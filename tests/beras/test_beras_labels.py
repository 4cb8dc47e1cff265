"""One-hot labels and accuracy."""

import re

import numpy as np
import pytest
from Beras import CategoricalAccuracy, OneHotEncoder


@pytest.mark.parametrize("labels", [[3, 1, 7, 1], np.array([3, 1, 7, 1], np.uint8), ["c", "a", "z", "a"]])
def test_labels_become_vectors_and_come_back(labels):
    encoder = OneHotEncoder()
    encoder.fit(labels)
    vectors = encoder(labels)
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, [[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(encoder.inverse(vectors), labels)
    assert list(encoder.uniq) == sorted(set(np.asarray(labels).tolist()))
    for label, vector in zip(labels, vectors, strict=True):
        np.testing.assert_array_equal(encoder.uniq2oh[label], vector)


def test_forward_fits_if_nobody_did():
    assert OneHotEncoder()([5, 9]).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("labels", "given", "unknown", "shown"),
    [
        (range(3), [0, 3], "3", "[0, 1, 2]"),
        (range(3), [0, -1], "-1", "[0, 1, 2]"),
        (["1", "2"], [1], "1", "['1', '2']"),
        (range(1000), [0, 1000], "1000", "[  0,   1,   2, ..., 997, 998, 999]"),
    ],
    ids=["above", "below", "number for text", "many"],
)
def test_a_label_outside_the_classes_is_refused(labels, given, unknown, shown):
    encoder = OneHotEncoder()
    encoder.fit(list(labels))
    with pytest.raises(ValueError, match=f"label {unknown} is not one of the {len(labels)} .*: {re.escape(shown)}$"):
        encoder(given)


@pytest.mark.parametrize("make", [OneHotEncoder.fit, OneHotEncoder.forward])
def test_a_missing_label_is_refused(make):
    encoder = OneHotEncoder()
    with pytest.raises(ValueError, match="found NaN among the labels"):
        make(encoder, [1.0, np.nan])
    assert encoder([5.0, 9.0]).tolist() == [[1, 0], [0, 1]], "what was refused should not be learned"


def test_wrong_shapes_into_the_encoder_are_refused():
    encoder = OneHotEncoder()
    with pytest.raises(RuntimeError, match="fit"):
        encoder.inverse(np.eye(3))
    encoder.fit([0, 1, 2])
    with pytest.raises(ValueError, match=r"\(samples, 3\), found shape \(2, 4\)"):
        encoder.inverse(np.zeros((2, 4)))
    for each in (encoder, OneHotEncoder()):
        for take in (each, each.fit):
            with pytest.raises(ValueError, match=r"takes labels \(samples,\), found shape \(1, 2\)"):
                take([[0, 1]])
    assert each([5, 9]).tolist() == [[1, 0], [0, 1]], "what was refused should not be learned"


def test_accuracy_is_the_fraction_of_right_answers():
    probs = np.array([[0.1, 0.9], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    assert CategoricalAccuracy()(probs, np.eye(2)[[1, 0, 0, 1]]) == 0.75
    assert CategoricalAccuracy()(labels=np.eye(2)[[1, 0, 0, 1]].tolist(), probs=probs.tolist()) == 0.75


@pytest.mark.parametrize("shapes", [((3, 2), (4, 2)), ((3,), (3,))], ids=["fewer", "labels as numbers"])
def test_predictions_and_labels_of_other_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match=re.escape(f"found {shapes[0]} and {shapes[1]}")):
        CategoricalAccuracy()(*map(np.ones, shapes))
