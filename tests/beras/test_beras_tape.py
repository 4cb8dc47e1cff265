"""The tape as clients of the course's Beras use it, with their own layers; what it refuses."""

import Beras
import numpy as np
import pytest
from Beras import Dense, Diffable, GradientTape, MeanSquaredError, ReLU, Softmax


@pytest.fixture
def parts(rng):
    """(layers, x, y): two dense layers, 3 samples, 5 inputs, 2 outputs."""
    return [Dense(5, 4), ReLU(), Dense(4, 2), Softmax()], rng.normal(size=(3, 5)), np.eye(2)[[0, 1, 1]]


def predict(layers, x):
    for layer in layers:
        x = layer(x)
    return x


SHAPES = [(5, 4), (4,), (4, 2), (2,)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_tape_set_by_hand_works(parts, dtype):
    layers, x, y = parts
    Diffable.gradient_tape = Beras.GradientTape()
    with Diffable.gradient_tape as tape:
        loss_fn = MeanSquaredError()
        loss_fn(predict(layers, x.astype(dtype)), y.astype(dtype))
        assert tape.operations == [*layers, loss_fn]
        inside = tape.gradient()
    assert [grad.shape for grad in inside] == SHAPES
    assert Diffable.gradient_tape is None
    layers[0](x.astype(dtype))
    assert len(tape.operations) == 5, "after the scope nothing should be recorded"


def test_a_tape_goes_on_after_one_within_it(parts):
    layers, x, y = parts
    with GradientTape() as outer:
        p = predict(layers, x)
        with GradientTape() as inner:
            MeanSquaredError()(Dense(5, 2)(x), y)
        MeanSquaredError()(p, y)
    assert Diffable.gradient_tape is None
    assert [grad.shape for grad in inner.gradient()] == [(5, 2), (2,)]
    assert [grad.shape for grad in outer.gradient()] == SHAPES


def test_gradient_after_the_scope_is_the_same(parts):
    layers, x, y = parts
    grads = []
    for inside in (True, False):
        with GradientTape() as tape:
            MeanSquaredError()(predict(layers, x), y)
            grads += tape.gradient() if inside else []
    grads += tape.gradient()
    for first, second in zip(grads[:4], grads[4:], strict=True):
        np.testing.assert_array_equal(first, second)


def test_frozen_layers_are_left_out(parts):
    layers, x, y = parts
    layers[0].trainable = False
    with GradientTape() as tape:
        MeanSquaredError()(predict(layers, x), y)
    assert [grad.shape for grad in tape.gradient()] == SHAPES[2:]
    layers[2].trainable = False
    with tape:  # entering it again starts a new recording
        MeanSquaredError()(predict(layers, x), y)
    assert tape.gradient() == []


def test_a_recording_may_be_interrupted(parts):
    layers, x, y = parts
    with GradientTape() as tape:
        p = predict(layers, x)
    with tape:
        MeanSquaredError()(p, y)
    assert [grad.shape for grad in tape.gradient()] == SHAPES


def test_a_layer_written_for_the_course_runs(parts):
    """A user's Diffable that defines only Jacobians; the base class composes them."""

    class Scale(Diffable):
        def __init__(self):
            super().__init__()
            self.weights = [np.array([2.0, 3.0])]

        def forward(self, inputs):
            self.inputs = inputs
            return inputs * self.weights[0]

        def input_gradients(self):
            return np.diag(self.weights[0])

        def weight_gradients(self):
            return [self.inputs[:, None, :]]

    layers, x, y = parts
    scale, loss = Scale(), MeanSquaredError()
    with GradientTape() as tape:
        p = predict(layers, x)
        loss(scale(p), y)
        *before, grad = tape.gradient()
    np.testing.assert_allclose(grad, (loss.input_gradients() * p).mean(axis=0))
    assert [grad.shape for grad in before] == SHAPES


class Mix(Diffable):
    """A dense layer without a bias that keeps no `inputs`; its derivatives are tuples."""

    def __init__(self, rng):
        super().__init__()
        self.w = rng.normal(size=(2, 2))
        self.weights = (self.w,)

    def forward(self, inputs):
        self.latest = inputs
        return inputs @ self.w

    def input_gradients(self):
        return self.w

    def weight_gradients(self):
        return (self.latest[:, :, None],)

    def compose_to_weight(self, J):
        return tuple(super().compose_to_weight(J))


@pytest.mark.parametrize("place", [0, 1], ids=["first", "last"])
def test_a_layer_may_be_called_by_keyword_and_give_tuples(parts, rng, place):
    _, x, y = parts
    mix, dense, other, grads = Mix(rng), Dense(2, 2), Dense(2, 2), []
    dense.w = mix.w
    for layer in (mix, dense):
        layers = [other]
        layers.insert(place, layer)
        with GradientTape() as tape:
            MeanSquaredError()(layers[1](inputs=layers[0](inputs=x[:, :2])), y)
        grads.append([grad for grad in tape.gradient() if grad.ndim == 2])
    np.testing.assert_allclose(grads[0], grads[1], rtol=1e-12)


def test_a_layer_with_fewer_derivatives_than_weights_is_refused(parts, rng):
    """The optimiser would otherwise be given the gradients of later layers in their place."""
    mix = Mix(rng)
    mix.weight_gradients = lambda: ()
    with GradientTape() as tape:
        MeanSquaredError()(mix(parts[1][:, :2]), parts[2])
    with pytest.raises(ValueError, match="shorter"):
        tape.gradient()


class Sigmoid(Diffable):
    """Elementwise, and keeps no input; without `compose_to_input`, which it would have to override."""

    def forward(self, inputs):
        self.outputs = 1 / (1 + np.exp(-inputs))
        return self.outputs

    def input_gradients(self):
        return self.outputs * (1 - self.outputs)


class Square(Sigmoid):
    """Also elementwise, but keeps its input."""

    def forward(self, inputs):
        self.inputs = inputs
        return inputs**2

    def input_gradients(self):
        return 2 * self.inputs


@pytest.mark.parametrize("make", [Sigmoid, Square, lambda: Beras.SkipConnection([Sigmoid()])])
def test_diagonals_in_place_of_matrices_are_refused_by_the_layer_s_name(parts, make):
    """Composed as if they were matrices, they would fail only in the optimiser, which knows no layers."""
    layers, x, y = parts
    layers.insert(1, make())
    with GradientTape() as tape:
        MeanSquaredError()(predict(layers, x), y)
    message = r"compose_to_input of (Sigmoid|Square) should return .*\(3, 4\), found \(3, 3\): .*J \* self\.input_grad"
    with pytest.raises(ValueError, match=message):
        tape.gradient()


def test_gradient_before_any_operation_is_refused():
    with GradientTape() as tape, pytest.raises(RuntimeError, match="at least one operation on the tape, found none"):
        tape.gradient()


def test_gradient_twice_is_refused(parts):
    layers, x, y = parts
    with GradientTape() as tape:
        MeanSquaredError()(predict(layers, x), y)
        tape.gradient()
    with pytest.raises(RuntimeError, match="called twice on one tape"):
        tape.gradient()


@pytest.mark.parametrize("last", [0, 1, 3], ids=["dense", "relu", "softmax"])
def test_a_loss_that_was_not_recorded_is_missed(parts, last):
    layers, x, _ = parts
    with GradientTape() as tape:
        p = predict(layers[: last + 1], x)
    MeanSquaredError().forward(p, np.zeros_like(p))
    with pytest.raises(RuntimeError, match=f"found {type(layers[last]).__name__}"):
        tape.gradient()


def test_a_loss_of_every_sample_is_no_loss(parts):
    class OfEach(MeanSquaredError):
        def forward(self, y_pred, y_true):
            super().forward(y_pred, y_true)
            return ((y_pred - y_true) ** 2).sum(axis=1)

    layers, x, y = parts
    with GradientTape() as tape:
        OfEach()(predict(layers, x), y)
    with pytest.raises(RuntimeError, match="should be a loss, found OfEach"):
        tape.gradient()


@pytest.mark.parametrize("between", [lambda p, x: 2 * p, lambda p, x: p + x[:, :2]], ids=["arithmetic", "branch"])
def test_what_is_no_chain_is_refused(parts, between):
    """The walk back would leave out what lies between, and the gradient would silently be wrong."""
    layers, x, y = parts
    with GradientTape() as tape:
        MeanSquaredError()(between(predict(layers, x), x), y)
    with pytest.raises(RuntimeError, match="MeanSquaredError was not given what .* SkipConnection"):
        tape.gradient()


def test_a_loss_may_be_called_by_keyword(parts):
    layers, x, y = parts
    with GradientTape() as tape:
        MeanSquaredError()(y_true=y, y_pred=predict(layers, x))
    assert [grad.shape for grad in tape.gradient()] == SHAPES


@pytest.mark.parametrize("dtype", [np.float32, np.float64, int])
@pytest.mark.parametrize("loss", [MeanSquaredError, Beras.CategoricalCrossentropy])
def test_labels_before_predictions_are_refused(parts, loss, dtype):
    """As Keras has them: the loss would be a number like any other, and training would climb."""
    layers, x, y = parts
    with GradientTape():
        p, y = predict(layers, x), y.astype(dtype)
        for call in (lambda: loss()(y, p), lambda: loss()(y_true=p, y_pred=y)):
            with pytest.raises(ValueError, match=f"{loss.__name__} takes the predictions first .* found them swapped"):
                call()


def test_a_layer_used_twice_is_refused(rng):
    dense = Dense(4, 4)
    with GradientTape() as tape:
        MeanSquaredError()(dense(dense(rng.normal(size=(3, 4)))), np.zeros((3, 4)))
    with pytest.raises(RuntimeError, match="Dense was called twice"):
        tape.gradient()


def test_a_layer_used_twice_within_a_skip_connection_is_refused(rng):
    dense, relu = Dense(4, 4), ReLU()
    for layers in ([dense, dense], [Dense(4, 4), relu, Dense(4, 4), relu]):
        with GradientTape() as tape:
            MeanSquaredError()(Beras.SkipConnection(layers)(rng.normal(size=(3, 4))), np.zeros((3, 4)))
        with pytest.raises(RuntimeError, match=f"{type(layers[-1]).__name__} was called twice"):
            tape.gradient()


@pytest.mark.parametrize("taped", [False, True])
def test_a_layer_called_again_before_the_gradient_is_refused(parts, taped):
    """It then remembers the other input, and the gradient would silently be wrong."""
    layers, x, y = parts
    with GradientTape() as tape:
        MeanSquaredError()(predict(layers, x), y)
    if taped:
        with GradientTape():
            layers[2](np.ones((3, 4)))
    else:
        layers[2](np.ones((3, 4)))
    with pytest.raises(RuntimeError, match="Dense was called again after this tape had recorded it"):
        tape.gradient()


def test_a_call_that_failed_is_not_recorded():
    with GradientTape() as tape:
        with pytest.raises(ValueError):
            Dense(5, 4)(np.zeros((3, 6)))
        assert tape.operations == []
