"""The layers' contract: names, shapes, defaults, initial weights, and what they refuse."""

import Beras
import numpy as np
import pytest
from Beras import Dense, Diffable, Dropout, MeanSquaredError, ReLU, Softmax


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


@pytest.mark.parametrize("wrong", ["l2", Beras.regularizers.L2, 0.01, np.abs], ids=str)
def test_what_is_no_regularizer_is_refused(wrong):
    with pytest.raises(
        ValueError, match=r"kernel_regularizer should be an object with gradient, .*found .*(l2|L2|0.01|abs)"
    ):
        Dense(3, 2, kernel_regularizer=wrong)


@pytest.mark.parametrize(
    "sizes,message", [((None, 3), "input_size.*None"), ((3, 0), "output_size.*0"), ((2.5, 3), "2.5")]
)
def test_sizes_that_are_none_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        Dense(*sizes)
    assert Dense(1, 1).w.shape == (1, 1)


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


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("training", [True, False])
def test_a_layer_keeps_its_latest_input_and_output(rng, make, training):
    layer = make()
    with Beras.learning_phase(training):
        for x in rng.normal(size=(2, 4, 3)):
            outputs = layer(x)
            assert layer.inputs is x and layer.outputs is outputs


@pytest.mark.parametrize("training", [True, False])
def test_dropout_multiplies_by_its_gradients(rng, training):
    layer, x = Dropout(0.4), rng.normal(size=(20, 5))
    with Beras.learning_phase(training):
        np.testing.assert_array_equal(layer(x), x * layer.input_gradients())
    assert set(layer.input_gradients().ravel()) == ({0, 1 / 0.6} if training else {1})


@pytest.mark.parametrize("loss", [MeanSquaredError, Beras.CategoricalCrossentropy])
@pytest.mark.parametrize("shapes", [((3, 2), (4, 2)), ((3, 1), (3,)), ((3,), (3,))])
def test_wrong_shapes_into_a_loss_are_refused(loss, shapes):
    with pytest.raises(ValueError) as error:
        loss()(np.ones(shapes[0]), np.ones(shapes[1]))
    assert f"{shapes[0]} and {shapes[1]}" in str(error.value)


def test_layers_may_come_one_by_one_and_the_list_of_them_is_one_s_own():
    layers = [Dense(5, 5), ReLU()]
    skip = Beras.SkipConnection(layers)
    layers.clear()
    assert len(skip.layers) == len(Beras.SkipConnection(iter(skip.layers)).layers) == 2


def test_a_skip_connection_over_a_change_of_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(3, 5\), found \(3, 4\)"):
        Beras.SkipConnection([Dense(5, 4)])(np.ones((3, 5)))


@pytest.mark.parametrize(("scores", "found"), [([-2.0, 3.0], -2), ([0.0, 1.5], 1.5)], ids=["dense", "relu"])
def test_scores_are_no_probabilities(scores, found):
    loss, y = Beras.CategoricalCrossentropy(), np.array([[0.0, 1.0]])
    with pytest.raises(ValueError, match=f"found {found} .*Softmax"):
        loss(np.array([scores]), y)
    assert loss(np.array([[0.0, 1 + 1e-6]]), y) == pytest.approx(-1e-6), "a rounding error"


def test_a_single_output_tells_no_classes_apart():
    """Softmax makes it 1: the loss would be 0 and the accuracy 100 % for labels of 1."""
    p = Softmax()(np.zeros((2, 1)))
    with pytest.raises(ValueError, match="one output for each class, found a single one: two classes need two"):
        Beras.CategoricalCrossentropy()(p, [[0], [1]])


def test_labels_may_be_soft():
    p = Softmax()(np.zeros((2, 4), np.float32))
    loss = Beras.CategoricalCrossentropy()(p, np.float32([[0.7, 0.1, 0.1, 0.1], [0.25] * 4]))
    assert loss == pytest.approx(np.log(4), rel=1e-6)


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


def test_a_dropout_rate_of_zero_does_and_draws_nothing(rng):
    x, before = rng.normal(size=(3, 5)), np.random.get_state()[1:3]
    with Beras.learning_phase(True):
        assert Dropout(0)(x) is x
    np.testing.assert_equal(np.random.get_state()[1:3], before)
