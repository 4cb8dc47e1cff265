"""A training in Keras, number by number. Keras is no dependency: what it printed stands here."""

import Beras
import numpy as np
import pytest
from assignment import SequentialModel


def numbers(*shape):
    """Numbers of both signs that any library can make."""
    return np.sin(np.arange(1.0, 1 + np.prod(shape))).reshape(shape)


@pytest.fixture
def model():
    """A penalty, batch normalisation and a frozen layer with a penalty of its own, in double precision."""
    frozen = Beras.Dense(5, 5, kernel_regularizer=Beras.regularizers.L2(0.1))
    frozen.trainable = False
    layers = [
        Beras.Dense(4, 5, kernel_regularizer=Beras.regularizers.L2(0.01)),
        Beras.LeakyReLU(),
        frozen,
        Beras.BatchNormalization(5),
        Beras.Dense(5, 3),
        Beras.Softmax(),
    ]
    for layer in layers:
        if isinstance(layer, Beras.Dense):
            layer.weights = [numbers(*weight.shape) for weight in layer.weights]
        elif isinstance(layer, Beras.BatchNormalization):
            layer.gamma, layer.beta = numbers(5), numbers(5)
            layer.moving_mean, layer.moving_variance = np.zeros(5), np.ones(5)
    model = SequentialModel(layers)
    model.compile(Beras.Adam(0.01), Beras.CategoricalCrossentropy(), Beras.CategoricalAccuracy())
    return model


def test_a_training_goes_as_in_keras(model):
    """All literals: Keras 3.15.1 with JAX and floatx "float64", shuffle=False (its rates are single precision)."""
    x, y = numbers(10, 4), np.eye(3)[[0, 1, 2, 1, 0, 2, 2, 0, 1, 1]]
    history = model.fit(x[:7], y[:7], epochs=3, batch_size=3, validation_data=(x[7:], y[7:]), verbose=False)
    assert history == {
        "loss": pytest.approx([1.3872093178698859, 1.2726447655863922, 1.1836499131729947], rel=1e-6),
        "acc": pytest.approx([0.14285714285714285, 0.14285714285714285, 0.2857142857142857]),
        "val_loss": pytest.approx([1.1732400793017208, 1.318157036269518, 1.471051290158323], rel=1e-6),
        "val_acc": pytest.approx([0.3333333333333333, 0.3333333333333333, 0.3333333333333333]),
    }
    evaluated = model.evaluate(x, y)
    assert (evaluated["loss"], evaluated["acc"]) == (pytest.approx([1.2313719482843082], rel=1e-6), [0.4])
    predicted = [[0.09501783, 0.18907954, 0.71590263], [0.55794521, 0.30062908, 0.14142571]]
    np.testing.assert_allclose(model.predict(x, batch_size=4)[:2], predicted, rtol=1e-6)


def test_default_rates_are_those_of_keras():
    """Keras 3.15.1: SGD 0.01, RMSprop 0.001, Adam 0.001."""
    optimizers = Beras.BasicOptimizer(), Beras.RMSProp(), Beras.Adam()
    assert [optimizer.learning_rate for optimizer in optimizers] == [0.01, 0.001, 0.001]
