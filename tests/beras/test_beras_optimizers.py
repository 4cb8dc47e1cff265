"""Optimisers against torch.optim if the formula is the same, otherwise against Keras's; schedules against Keras's."""

import math

import numpy as np
import pytest
import torch
from Beras import Adam, BasicOptimizer, RMSProp
from Beras.schedules import CosineDecay, ExponentialDecay, PiecewiseConstantDecay


def gradients(w, step):
    """Gradients of very different sizes, new at every step, with a part that depends on the weights."""
    rng = np.random.default_rng(step)
    sizes = [np.logspace(-4, 1, array.size).reshape(array.shape) for array in w]
    return [size * (rng.normal(size=array.shape) + 0.1 * array) for array, size in zip(w, sizes, strict=True)]


@pytest.fixture
def weights(rng):
    return [rng.normal(size=(4, 3)), rng.normal(size=3)]


def run(optimizer, weights, steps=100):
    weights = [weight.copy() for weight in weights]
    kept = list(weights)
    for step in range(steps):
        assert optimizer.apply_gradients(weights, gradients(weights, step)) is None
    assert all(now is then for now, then in zip(weights, kept, strict=True)), "the arrays themselves should change"
    return weights


TORCH = {
    "basic": (lambda: BasicOptimizer(0.01), lambda w: torch.optim.SGD(w, lr=0.01)),
    "rmsprop": (lambda: RMSProp(0.01), lambda w: torch.optim.RMSprop(w, lr=0.01, alpha=0.9, eps=1e-6)),
    "rmsprop_beta": (lambda: RMSProp(0.02, 0.5, 1e-3), lambda w: torch.optim.RMSprop(w, lr=0.02, alpha=0.5, eps=1e-3)),
    "adam": (lambda: Adam(0.01, epsilon=0), lambda w: torch.optim.Adam(w, lr=0.01, eps=0)),
    "adam_betas": (lambda: Adam(0.01, 0.7, 0.9, 0), lambda w: torch.optim.Adam(w, lr=0.01, betas=(0.7, 0.9), eps=0)),
}


@pytest.mark.parametrize("ours,theirs", TORCH.values(), ids=TORCH)
def test_torch_agrees(ours, theirs, weights):
    tensors = [torch.tensor(weight) for weight in weights]
    optimizer = theirs(tensors)
    for step in range(100):
        for tensor, grad in zip(tensors, gradients([tensor.numpy() for tensor in tensors], step), strict=True):
            tensor.grad = torch.tensor(grad)
        optimizer.step()
    for weight, tensor in zip(run(ours(), weights), tensors, strict=True):
        np.testing.assert_allclose(weight, tensor.numpy(), rtol=1e-10)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_follows_keras(amsgrad, weights):
    """Keras's update_step, line by line; with a large epsilon, so that its position in the formula matters."""
    rate, beta_1, beta_2, epsilon = 0.01, 0.9, 0.999, 0.1
    w = [weight.copy() for weight in weights]
    m, v, v_hat = ([np.zeros_like(weight) for weight in w] for _ in range(3))
    for step in range(100):
        alpha = rate * math.sqrt(1 - beta_2 ** (step + 1)) / (1 - beta_1 ** (step + 1))
        for i, g in enumerate(gradients(w, step)):
            m[i] += (g - m[i]) * (1 - beta_1)
            v[i] += (g**2 - v[i]) * (1 - beta_2)
            v_hat[i] = np.maximum(v_hat[i], v[i])
            w[i] -= m[i] * alpha / (np.sqrt(v_hat[i] if amsgrad else v[i]) + epsilon)
    for ours, keras in zip(run(Adam(rate, epsilon=epsilon, amsgrad=amsgrad), weights), w, strict=True):
        np.testing.assert_allclose(ours, keras, rtol=1e-10)


@pytest.mark.parametrize("optimizer", [BasicOptimizer, RMSProp, Adam])
def test_float32_weights_stay_float32_in_place(optimizer):
    """And get the same bits, whether the rate is Python's number or one of NumPy's."""
    weights, gradient = [np.ones(100, np.float32), np.ones(100, np.float32)], np.linspace(0.1, 1, 100, dtype=np.float32)
    for weight, rate in zip(weights, (np.float64(0.1), 0.1), strict=True):
        optimizer(rate).apply_gradients([weight], [gradient])
    assert weights[0].dtype == np.float32
    assert (weights[0] < 1).all()
    np.testing.assert_array_equal(*weights)


def test_mismatched_gradients_are_refused():
    with pytest.raises(ValueError, match=r"found \[\(2,\)\], \[\(3,\)\]"):
        Adam(0.1).apply_gradients([np.ones(2)], [np.ones(3)])


@pytest.mark.parametrize("size", [2, 3])
def test_the_weights_of_another_model_are_refused(size):
    """Even with the same shapes, as when a model is rebuilt: it would continue with the old one's moments."""
    optimizer = Adam(0.1)
    optimizer.apply_gradients([np.ones(2)], [np.ones(2)])
    with pytest.raises(ValueError, match="make a new one for every model"):
        optimizer.apply_gradients([np.ones(size)], [np.ones(size)])


def test_a_weight_replaced_in_the_same_list_is_refused():
    optimizer, weights = Adam(0.1), [np.ones(2), np.ones(3)]
    optimizer.apply_gradients(weights, weights)
    weights[1] = np.ones(3)
    with pytest.raises(ValueError, match="began with other weights"):
        optimizer.apply_gradients(weights, weights)


@pytest.mark.parametrize(
    "schedule,rates",
    [
        (ExponentialDecay(0.1, 10, 0.5), {0: 0.1, 5: 0.1 * 0.5**0.5, 20: 0.025}),
        (ExponentialDecay(0.1, 10, 0.5, staircase=True), {0: 0.1, 9: 0.1, 10: 0.05, 29: 0.025}),
        (CosineDecay(0.1, 100), {0: 0.1, 50: 0.05, 100: 0.0, 500: 0.0}),
        (CosineDecay(0.1, 100, alpha=0.2), {0: 0.1, 50: 0.06, 100: 0.02}),
        (PiecewiseConstantDecay([10, 20], [3.0, 2.0, 1.0]), {0: 3, 10: 3, 11: 2, 20: 2, 21: 1}),
    ],
)
def test_schedules_follow_keras(schedule, rates):
    assert {step: schedule(step) for step in rates} == pytest.approx(rates)


def test_an_optimizer_asks_its_schedule_at_every_step():
    weight, optimizer = np.zeros(1), BasicOptimizer(PiecewiseConstantDecay([0, 1], [1.0, 10.0, 100.0]))
    for _ in range(3):
        optimizer.apply_gradients([weight], [np.ones(1)])
    assert weight == [-111.0]


def test_a_schedule_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="found 2 and 2"):
        PiecewiseConstantDecay([1, 2], [0.1, 0.2])
