"""The tape as clients of the course's Beras use it, and the layers' contract: names, shapes, errors."""

import Beras
import numpy as np
import pytest
from Beras import Dense, Diffable, Dropout, GradientTape, MeanSquaredError, ReLU, Softmax


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


def test_dense_has_the_names_and_shapes_of_the_brief(rng):
    dense, x = Dense(5, 4), rng.normal(size=(3, 5))
    outputs = dense(x)
    assert dense.inputs is x
    assert dense.outputs is outputs
    assert dense.weights[0] is dense.w
    assert dense.weights[1] is dense.b
    assert dense.input_gradients() is dense.w
    assert [grad.shape for grad in dense.weight_gradients()] == [(3, 5, 1), (4,)]
    assert Diffable.weight_gradients(dense) == ()
    assert dense.trainable
    softmax = Softmax()
    softmax(outputs)
    assert softmax.input_gradients().shape == (3, 4, 4)


def test_defaults_are_those_of_keras_and_of_the_brief():
    parts = (Beras.LeakyReLU(), Beras.BatchNormalization(2), Beras.RMSProp(0.1), Beras.Adam(0.1))
    regularizers = (Beras.regularizers.L1(), Beras.regularizers.L2())
    found = [{key: value for key, value in vars(part).items() if isinstance(value, float)} for part in parts]
    assert found == [
        {"alpha": 0.3},
        {"momentum": 0.99, "epsilon": 1e-3},
        {"learning_rate": 0.1, "beta": 0.9, "epsilon": 1e-6},
        {"learning_rate": 0.1, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    ]
    assert [(penalty.l1, penalty.l2) for penalty in regularizers] == [(0.01, 0), (0, 0.01)]
    assert Dense(400, 300).w.std() == pytest.approx((2 / 400) ** 0.5, rel=0.02)


def test_a_learning_phase_ends_with_the_one_around_it():
    with Beras.learning_phase(True):
        with Beras.learning_phase(False):
            assert Diffable.training is False
        assert Diffable.training is True
    assert Diffable.training is False


MOMENTS = {
    "zero": 0.0,
    "normal": 1.0,
    "xavier": (2 / 700) ** 0.5,
    "kaiming": (2 / 400) ** 0.5,
    "Kaiming": (2 / 400) ** 0.5,
}


@pytest.mark.parametrize("initializer,std", MOMENTS.items())
def test_initializers_have_their_moments(initializer, std):
    w, b = Dense._initialize_weight(initializer, 400, 300)
    assert w.shape == (400, 300)
    assert w.dtype == b.dtype == np.float32
    assert not b.any()
    assert b.shape == (300,)
    assert w.std() == pytest.approx(std, rel=0.02)
    assert abs(w.mean()) <= 4 * std / w.size**0.5
    if std:
        assert ((w / std) ** 4).mean() == pytest.approx(3, rel=0.05), "a normal distribution"


@pytest.mark.parametrize("initializer", [None, "glorot", 3])
def test_an_unknown_initializer_is_refused(initializer):
    with pytest.raises(ValueError, match="known: zero, normal, xavier, kaiming"):
        Dense(3, 2, initializer=initializer)


@pytest.mark.parametrize("wrong", ["l2", Beras.regularizers.L2], ids=str)
def test_a_regularizer_that_is_no_object_is_refused(wrong):
    with pytest.raises(ValueError, match=r"kernel_regularizer should be an object, .*found .*(l2|L2)"):
        Dense(3, 2, kernel_regularizer=wrong)


@pytest.mark.parametrize(
    "sizes,message", [((None, 3), "input_size.*None"), ((3, 0), "output_size.*0"), ((2.5, 3), "2.5")]
)
def test_sizes_that_are_none_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        Dense(*sizes)


@pytest.mark.parametrize("shape", [(3, 6), (5,), (2, 3, 5)])
@pytest.mark.parametrize("layer", [Dense(5, 4), Beras.BatchNormalization(5)], ids=["dense", "batch_norm"])
def test_wrong_shapes_into_a_layer_are_refused(layer, shape):
    with pytest.raises(ValueError) as error:
        layer(np.zeros(shape))
    assert "(batch, 5)" in str(error.value)
    assert str(shape) in str(error.value)


LAYERS = {
    "dense": lambda: Dense(3, 2),
    "relu": ReLU,
    "softmax": Softmax,
    "dropout": lambda: Dropout(1 / 3),
    "batch_norm": lambda: Beras.BatchNormalization(3),
    "skip": lambda: Beras.SkipConnection([Dropout(1 / 3)]),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_whole_numbers_are_taken_as_float32(make):
    """For instance images as read from their file: in their own type exp overflows and 1 / (1 - rate) becomes 1."""
    pixels, outputs = np.array([[200, 255, 0], [7, 90, 130]]), []
    for dtype in (np.uint8, np.float32):
        np.random.seed(5)
        with Beras.learning_phase(True):
            outputs.append(make()(pixels.astype(dtype)))
    assert outputs[0].dtype == np.float32
    np.testing.assert_array_equal(*outputs)


@pytest.mark.parametrize("loss", [MeanSquaredError, Beras.CategoricalCrossentropy])
@pytest.mark.parametrize("shapes", [((3, 2), (4, 2)), ((3, 1), (3,)), ((3,), (3,))])
def test_wrong_shapes_into_a_loss_are_refused(loss, shapes):
    with pytest.raises(ValueError) as error:
        loss()(np.ones(shapes[0]), np.ones(shapes[1]))
    assert f"{shapes[0]} and {shapes[1]}" in str(error.value)


def test_a_skip_connection_over_a_change_of_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(3, 5\), found \(3, 4\)"):
        Beras.SkipConnection([Dense(5, 4)])(np.ones((3, 5)))


@pytest.mark.parametrize(("scores", "found"), [([-2.0, 3.0], -2), ([0.0, 3.0], 3)], ids=["dense", "relu"])
def test_scores_are_no_probabilities(scores, found):
    with pytest.raises(ValueError, match=f"found {found} .*Softmax"):
        Beras.CategoricalCrossentropy()(np.array([scores]), np.array([[0.0, 1.0]]))


def test_batch_norm_says_that_it_has_no_jacobian_in_training(rng):
    layer = Beras.BatchNormalization(5)
    with Beras.learning_phase(True):
        layer(rng.normal(size=(3, 5)))
    with pytest.raises(RuntimeError, match="compose_to_input"):
        layer.input_gradients()


@pytest.mark.parametrize("rate", [-0.1, 1, 2])
def test_a_wrong_dropout_rate_is_refused(rate):
    with pytest.raises(ValueError, match=f"found {rate}"):
        Dropout(rate)


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
