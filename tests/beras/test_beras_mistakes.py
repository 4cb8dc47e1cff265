"""Mistakes in the parts of a model, in compiling it and in its data: one clear line refuses each, before training."""

import re

import Beras
import numpy as np
import pytest
from assignment import SequentialModel
from Beras import Adam, CategoricalAccuracy, Dense, MeanSquaredError, Softmax

PARTS = {"optimizer": Adam(), "loss_fn": MeanSquaredError(), "acc_fn": CategoricalAccuracy()}


@pytest.fixture
def refuses():
    """refuses(message, x, y, ...): fit raises ValueError with `message`, and has not trained before it does."""
    model = SequentialModel([Dense(1, 1)])
    model.compile(Adam(), MeanSquaredError(), CategoricalAccuracy())

    def check(message, *arguments, **keywords):
        with pytest.raises(ValueError, match=message):
            model.fit(*arguments, **keywords)
        assert model.optimizer.iterations == 0, "before an epoch is trained for nothing"
        return model

    return check


@pytest.mark.parametrize("size", [0, -1, 2.0, None, "8"])
def test_a_batch_size_that_is_none_is_refused(refuses, size):
    x, message = np.ones((10, 1)), re.escape(f"a whole number, at least 1, found {size!r}")
    model = refuses(message, x, x, batch_size=size)
    for call in (lambda: model.evaluate(x, x, batch_size=size), lambda: model.predict(x, batch_size=size)):
        with pytest.raises(ValueError, match=message):
            call()


def with_one(value):
    """Ten samples, of which sample 7 has `value`."""
    x = np.ones((10, 1))
    x[7] = value
    return x


BAD = {
    "none": (np.ones((0, 1)), r"at least one sample is needed, found {} of shape \(0, 1\)"),
    "forgotten": (None, r"at least one sample is needed, found {} of shape \(\)"),
    "nan": (with_one(np.nan), "{} should have finite numbers only, found nan in sample 7"),
    "infinite": (with_one(-np.inf), "{} should have finite numbers only, found -inf in sample 7"),
}


@pytest.mark.parametrize(("bad", "message"), BAD.values(), ids=BAD)
def test_data_that_cannot_be_learned_from_is_refused(refuses, bad, message):
    """NaN would be in every weight after its batch, and stay there; the accuracy would still look like one."""
    good = np.ones((10, 1))
    refuses(message.format("y"), good, bad)
    refuses(message.format("x"), good, good, validation_data=(bad, good))
    model = refuses(message.format("x"), bad, good)
    with pytest.raises(ValueError, match=message.format("y")):
        model.evaluate(good, bad)
    with pytest.raises(ValueError, match=message.format("x")):
        model.predict(bad)


def test_fewer_labels_than_samples_are_refused(refuses):
    x, few, message = np.ones((10, 1)), np.ones((9, 1)), "found 10 samples and 9 labels"
    refuses(message, x, few)
    refuses(message, x, x, validation_data=(x, few))


@pytest.mark.parametrize(
    ("given", "found"),
    [(lambda x: x, "ndarray"), (lambda x: (x, x, None), "3 in place of two"), (lambda x: [x], "1 in place of two")],
    ids=["array", "weighted", "alone"],
)
def test_validation_data_that_is_no_pair_is_refused(refuses, given, found):
    x = np.ones((4, 1))
    refuses(rf"validation_data should be a pair \(x, y\), found {found}", x, x, validation_data=given(x))


def test_a_model_that_was_not_compiled_is_refused():
    with pytest.raises(RuntimeError, match="compile"):
        SequentialModel([Dense(2, 2)]).fit(np.ones((4, 2)), np.ones((4, 2)), 1, 2)


def test_a_model_is_abstract_and_made_of_layers():
    with pytest.raises(TypeError, match="abstract"):
        Beras.Model([])
    for stranger, found in (("relu", "'relu'"), (Softmax, "<class 'Beras.activations.Softmax'>")):
        for whole in (SequentialModel, Beras.SkipConnection):
            with pytest.raises(ValueError, match=f"made of layers .*found {found}"):
                whole([Dense(2, 2), stranger])


@pytest.mark.parametrize("wrong", ["adam", MeanSquaredError, None, ["acc"]], ids=str)
@pytest.mark.parametrize("part", PARTS)
def test_what_is_no_part_of_training_is_refused(part, wrong):
    with pytest.raises(
        ValueError, match=f"{part} should be an object with .*, such as .*, found .*{re.escape(str(wrong))}"
    ):
        SequentialModel([Dense(2, 2)]).compile(**PARTS | {part: wrong})


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (["loss_fn", "optimizer", "acc_fn"], "optimizer should .* apply_gradients, .*found .*MeanSquaredError"),
        (["optimizer", "acc_fn", "loss_fn"], "loss_fn should .* input_gradients, .*found .*CategoricalAccuracy"),
    ],
)
def test_parts_of_training_in_another_order_are_refused(order, message):
    with pytest.raises(ValueError, match=message):
        SequentialModel([Dense(2, 2)]).compile(*(PARTS[part] for part in order))
