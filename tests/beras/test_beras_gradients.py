"""Every gradient is compared with PyTorch's and with finite differences."""

import Beras
import beras_oracle as oracle
import numpy as np
import pytest
import torch
from Beras import BatchNormalization, Dense, Dropout, LeakyReLU, ReLU, SkipConnection, Softmax
from Beras.core import backpropagate
from Beras.regularizers import L1, L1L2, L2

NETWORKS = {
    "dense": lambda: [Dense(5, 4)],
    "softmax": lambda: [Dense(5, 4), Softmax()],
    "relu": lambda: [Dense(5, 6), ReLU(), Dense(6, 4), Softmax()],
    "leaky_relu": lambda: [Dense(5, 6, "xavier"), LeakyReLU(), Dense(6, 7), LeakyReLU(0.01), Dense(7, 4), Softmax()],
    "softmax_inside": lambda: [Dense(5, 6), Softmax(), Dense(6, 4, "normal"), Softmax()],
    "dropout": lambda: [Dense(5, 6), Dropout(0.4), Dense(6, 4), Softmax()],
    "batch_norm": lambda: [Dense(5, 6), BatchNormalization(6), LeakyReLU(), Dense(6, 4), Softmax()],
    "batch_norm_first": lambda: [BatchNormalization(5), Dense(5, 4), Softmax()],
    "skip": lambda: [Dense(5, 6), SkipConnection([Dense(6, 8), ReLU(), Dense(8, 6)]), Dense(6, 4), Softmax()],
    "skip_batch_norm": lambda: [SkipConnection([Dense(5, 5), BatchNormalization(5), ReLU()]), Dense(5, 4), Softmax()],
    "skip_in_skip": lambda: [
        Dense(5, 6),
        SkipConnection([SkipConnection([Dense(6, 6), ReLU()]), Dense(6, 6)]),
        Dense(6, 4),
        Softmax(),
    ],
    "l1": lambda: [Dense(5, 4, kernel_regularizer=L1(0.03)), Softmax()],
    "l2_in_skip": lambda: [SkipConnection([Dense(5, 5, kernel_regularizer=L2(0.02))]), Dense(5, 4), Softmax()],
    "l1l2": lambda: [Dense(5, 4, kernel_regularizer=L1L2(0.01, 0.02)), Softmax()],
}
LOSSES = {"mse": Beras.MeanSquaredError, "cross_entropy": Beras.CategoricalCrossentropy}
CASES = [(net, loss) for net in NETWORKS for loss in LOSSES if (net, loss) != ("dense", "cross_entropy")]


@pytest.fixture(params=CASES, ids=lambda case: "-".join(case))
def case(request, rng):
    """(layers, loss, x, y) in double precision; 7 samples, 5 inputs, 4 classes."""
    net, loss = request.param
    x = rng.normal(size=(7, 5))
    y = np.eye(4)[rng.integers(0, 4, 7)]
    return oracle.double(NETWORKS[net]()), LOSSES[loss](), x, y


def forward(layers, loss, x, y):
    np.random.seed(1)  # the same dropout mask in every call
    for layer in layers:
        x = layer(x)
    return loss(x, y) + sum(penalty for layer in layers for penalty in layer.losses)


@pytest.mark.parametrize("training", [True, False])
def test_pytorch_agrees(case, training):
    layers, loss, x, y = case
    with Beras.learning_phase(training), Beras.GradientTape() as tape:
        value = forward(layers, loss, x, y)
        grads = tape.gradient()
        dx = backpropagate(layers, loss.input_gradients())[1] / len(x)
        expected, expected_dx, expected_grads = oracle.gradients(layers, loss, x, y)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(dx, expected_dx, rtol=1e-10, atol=1e-14)
    assert len(grads) == len(expected_grads)
    for grad, truth in zip(grads, expected_grads, strict=True):
        np.testing.assert_allclose(grad, truth, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("training", [True, False])
def test_finite_differences_agree(case, training):
    layers, loss, x, y = case
    weights = [weight for layer in layers for weight in getattr(layer, "weights", ())]
    with Beras.learning_phase(training):
        with Beras.GradientTape() as tape:
            forward(layers, loss, x, y)
        for weight, grad in zip(weights, tape.gradient(), strict=True):
            numeric = np.empty_like(weight)
            for index, before in np.ndenumerate(weight):
                values = []
                for step in (1e-6, -1e-6):
                    weight[index] = before + step
                    values.append(forward(layers, loss, x, y))
                weight[index] = before
                numeric[index] = (values[0] - values[1]) / 2e-6
            np.testing.assert_allclose(grad, numeric, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("loss", LOSSES.values())
def test_a_loss_agrees_with_its_own_gradient(loss, rng):
    """The pitfall of the course's MSE. Row b is the gradient of sample b's loss: the mean's is 1/batch of it."""
    loss, y = loss(), np.eye(4)[[0, 1, 3]]
    p = rng.dirichlet(np.full(4, 5.0), size=3)
    loss(p, y)
    grad = loss.input_gradients() / len(p)
    for index in np.ndindex(p.shape):
        step = np.zeros_like(p)
        step[index] = 1e-6
        numeric = (loss(p + step, y) - loss(p - step, y)) / 2e-6
        assert grad[index] == pytest.approx(numeric, rel=1e-6, abs=1e-9)


def test_mean_squared_error_sums_over_the_outputs():
    loss = Beras.MeanSquaredError()
    assert loss(np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 4.0]])) == (1 + 4 + 16) / 2
    np.testing.assert_array_equal(loss.input_gradients(), [[2, 4], [0, -8]])


def test_at_its_kink_leaky_relu_has_the_slope_of_its_left_side():
    layer = LeakyReLU(0.2)
    layer(np.array([[-1.0, 0.0, 1.0]]))
    np.testing.assert_array_equal(layer.input_gradients(), [[0.2, 0.2, 1]])


@pytest.mark.parametrize(
    "layer", [Dense(5, 4), Softmax(), SkipConnection([Dense(5, 5), ReLU()]), BatchNormalization(5)]
)
def test_short_formulas_equal_the_definition(layer, rng):
    """A layer's own `compose_*` gives what `Diffable` computes from its Jacobians."""
    oracle.double([layer])
    J = rng.normal(size=layer(rng.normal(size=(6, 5))).shape)
    np.testing.assert_allclose(layer.compose_to_input(J), Beras.Diffable.compose_to_input(layer, J), rtol=1e-12)
    if isinstance(layer, Dense):
        definition = Beras.Diffable.compose_to_weight(layer, J)
        for short, long in zip(layer.compose_to_weight(J), definition, strict=True):
            np.testing.assert_allclose(short, long, rtol=1e-12)


def test_a_connection_within_a_connection_is_walked_back_once(rng):
    class Counted(ReLU):
        walks = 0

        def compose_to_input(self, J):
            Counted.walks += 1
            return super().compose_to_input(J)

    layers = [Dense(5, 5), SkipConnection([SkipConnection([Dense(5, 5), Counted()])])]
    with Beras.GradientTape() as tape:
        forward(layers, Beras.MeanSquaredError(), rng.normal(size=(3, 5)), np.zeros((3, 5)))
        grads = tape.gradient()
    assert len(grads) == 4 and Counted.walks == 1


def test_a_frozen_connection_learns_nothing_and_lets_the_gradient_through(rng):
    skip, x = SkipConnection([Dense(5, 5)]), rng.normal(size=(3, 5))
    layers, loss = [Dense(5, 5), skip], Beras.MeanSquaredError()

    def gradient():
        with Beras.GradientTape() as tape:
            forward(layers, loss, x, np.zeros((3, 5)))
        return tape.gradient()

    grads = []
    for skip.trainable in (True, False):
        grads.append(gradient())
    assert [len(each) for each in grads] == [4, 2]
    np.testing.assert_array_equal(grads[0][0], grads[1][0])
    skip.layers[0].trainable = True
    assert skip.weights and len(gradient()) == 2, "as many as the optimiser is given weights"


def test_where_a_weight_is_zero_so_is_the_gradient_of_its_size():
    np.testing.assert_array_equal(L1L2(0.5, 0.25).gradient(np.array([-2.0, 0.0, 4.0])), [-1.5, 0, 2.5])


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_softmax_is_along_the_last_axis_whatever_the_other_rows_are(rng, shape):
    """A row of scores in the thousands leaves those beside it as they are."""
    x, J = rng.normal(size=shape), rng.normal(size=shape)
    x.reshape(-1, 4)[0] *= 1e4
    softmax, inputs = Softmax(), torch.tensor(x, requires_grad=True)
    expected = torch.softmax(inputs, dim=-1)
    expected.backward(torch.tensor(J))
    np.testing.assert_allclose(softmax(x), expected.detach(), rtol=1e-12, atol=1e-300)
    for product in (softmax.compose_to_input(J), Beras.Diffable.compose_to_input(softmax, J)):
        np.testing.assert_allclose(product, inputs.grad, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scores", [[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [1e4, 1e4, 1e4], [0.0, 50.0, 100.0]])
def test_softmax_and_cross_entropy_are_safe_for_any_scores(dtype, scores):
    softmax, loss = Softmax(), Beras.CategoricalCrossentropy()
    z, y = np.array([scores] * 3, dtype), np.eye(3, dtype=dtype)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        value = loss(softmax(z), y)
        gradient = softmax.compose_to_input(loss.input_gradients())
        assert np.isfinite(softmax.input_gradients()).all() and softmax.input_gradients().dtype == dtype
    assert np.isfinite(value)
    assert gradient.dtype == dtype
    np.testing.assert_allclose(gradient, softmax.outputs - y, atol=1e-6)  # p - t, not lost if p underflows


@pytest.mark.parametrize("loss", LOSSES.values())
def test_single_precision_stays_single(loss, rng):
    layers = [Dense(5, 6), LeakyReLU(), Dropout(0.5), BatchNormalization(6), SkipConnection([Dense(6, 6)]), Dense(6, 4)]
    x, y = rng.normal(size=(7, 5)).astype(np.float32), np.eye(4)[rng.integers(0, 4, 7)]  # labels in double precision
    with Beras.learning_phase(True), Beras.GradientTape() as tape:
        forward([*layers, Softmax()], loss(), x, y)
        grads = tape.gradient()
    assert {grad.dtype for grad in grads} == {np.dtype(np.float32)}
