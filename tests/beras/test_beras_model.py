"""Training and evaluation loops, what layers do in training and at inference, and weights in files."""

import re
import sys
from pathlib import Path
from textwrap import dedent

import Beras
import numpy as np
import pytest
from assignment import SequentialModel
from Beras import Adam, BasicOptimizer, CategoricalAccuracy, CategoricalCrossentropy, Dense, MeanSquaredError, Softmax

README = Path(__file__).parents[2] / "README.md"


class Recorder(Beras.Model):
    """Records the batches it is given; its metrics are numbers to average."""

    def __init__(self):
        super().__init__([])
        self.compile(Adam(), MeanSquaredError(), CategoricalAccuracy())
        self.seen = []

    def call(self, inputs):
        return inputs

    def batch_step(self, x, y, training=True):
        self.seen.append((len(x), training, Beras.Diffable.training))
        return {"loss": float(x.mean()), "acc": float(y.mean())}


def test_a_short_last_batch_counts_by_its_size(capsys):
    model, x = Recorder(), np.arange(10.0)[:, None]
    assert model.fit(x, x / 8, epochs=2, batch_size=4) == {"loss": [4.5, 4.5], "acc": [0.5625, 0.5625]}
    assert model.seen == [(4, True, True), (4, True, True), (2, True, True)] * 2
    assert model.epoch_metrics == {"loss": [1.5, 5.5, 8.5], "acc": [0.1875, 0.6875, 1.0625]}
    assert model.batch_metrics["loss"] == [1.5, 5.5, 8.5] * 2
    assert model.agg_metrics == {"loss": [4.5, 4.5], "acc": [0.5625, 0.5625]}
    assert "epoch 2/2: loss 4.5000  acc 0.5625" in capsys.readouterr().out
    model.seen.clear()
    assert model.evaluate(x, x / 8, batch_size=6) == {"loss": [4.5], "acc": [0.5625]}
    assert model.seen == [(6, False, False), (4, False, False)]
    assert Beras.Diffable.training is False


def test_the_model_is_evaluated_on_validation_data_after_every_epoch(capsys):
    model, x, unseen = Recorder(), np.arange(10.0)[:, None], np.arange(3.0)[:, None]
    history = model.fit(x, x / 8, epochs=2, batch_size=4, validation_data=(unseen, unseen / 8))
    assert history == {"loss": [4.5] * 2, "acc": [0.5625] * 2, "val_loss": [1.0] * 2, "val_acc": [0.125] * 2}
    assert model.seen == [(4, True, True), (4, True, True), (2, True, True), (3, False, False)] * 2
    assert sorted(model.batch_metrics) == sorted(model.epoch_metrics) == ["acc", "loss"], "of training alone"
    assert "epoch 2/2: loss 4.5000  acc 0.5625  val_loss 1.0000  val_acc 0.1250" in capsys.readouterr().out


def test_progress_is_a_line_per_epoch_and_in_a_terminal_also_every_twentieth_batch(capsys, monkeypatch):
    model, x, epochs = Recorder(), np.ones((45, 1)), ["epoch 1/2: loss", "epoch 2/2: loss"]
    model.fit(x, x, epochs=2, batch_size=1)
    assert [line[:15] for line in capsys.readouterr().out.splitlines()] == epochs
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    model.fit(x, x, epochs=2, batch_size=1)
    shown = re.findall(r"\r(.*?:)", capsys.readouterr().out)  # each in the place of the one before
    assert shown == [f"epoch {epoch}/2{said}" for epoch in (1, 2) for said in (", batch 20/45:", ", batch 40/45:", ":")]
    model.fit(x, x, epochs=2, batch_size=1, verbose=False)
    assert capsys.readouterr().out == ""


def test_without_being_told_a_model_does_as_in_keras():
    model, x = Recorder(), np.ones((40, 1)).tolist()  # which may also be lists
    assert model.fit(x, x, verbose=False)["loss"] == [1.0]
    model.evaluate(x, x)
    assert model.seen == [(32, True, True), (8, True, True), (32, False, False), (8, False, False)]


def test_the_example_of_the_readme_runs(rng):
    example = re.search(r" {4}import Beras\n(?: {4}.*\n|\n)+", README.read_text())[0]
    x, y = rng.random(size=(50, 784), dtype=np.float32), np.eye(10)[np.arange(50) % 10]
    result = {"x": x, "y": y, "x_test": x, "y_test": y}
    exec(dedent(example), result)
    assert sorted(result["history"]) == ["acc", "loss", "val_acc", "val_loss"]
    assert result["history"]["val_acc"][-1] == (result["labels"] == y.argmax(axis=1)).mean()


def test_predictions_are_those_at_inference_and_leave_no_trace(rng):
    class Largest(Beras.ReLU):
        batch = 0

        def forward(self, inputs):
            Largest.batch = max(Largest.batch, len(inputs))
            return super().forward(inputs)

    model = SequentialModel([Dense(5, 4), Beras.BatchNormalization(4), Largest(), Beras.Dropout(0.5), Softmax()])
    x = rng.normal(size=(10, 5))
    with Beras.learning_phase(True), Beras.GradientTape() as tape:
        outputs = model.predict(x, batch_size=4)
        assert Beras.Diffable.training and Beras.Diffable.gradient_tape is tape
    assert tape.operations == [] and Largest.batch == 4
    np.testing.assert_array_equal(model.layers[1].moving_mean, np.zeros(4))
    np.testing.assert_allclose(outputs, model(x), rtol=1e-6)


@pytest.mark.parametrize(("batch_size", "sizes"), [(1, [1] * 10), (64, [10])])
def test_a_batch_may_be_one_sample_or_larger_than_the_data(batch_size, sizes):
    model, x = Recorder(), np.arange(10.0)[:, None]
    assert model.evaluate(x, x / 8, batch_size=batch_size) == {"loss": [4.5], "acc": [0.5625]}
    assert model.seen == [(size, False, False) for size in sizes]


def test_trainable_variables_are_the_weights_themselves():
    first, last = Dense(3, 4), Dense(4, 2)
    model = SequentialModel([first, Beras.ReLU(), last])
    expected = [first.w, first.b, last.w, last.b]
    assert all(ours is theirs for ours, theirs in zip(model.trainable_variables, expected, strict=True))


EXTRAS = {
    "plain": lambda: [Dense(64, 32), Beras.LeakyReLU()],
    "dropout": lambda: [Dense(64, 32), Beras.ReLU(), Beras.Dropout(0.3)],
    "batch_norm": lambda: [Dense(64, 32), Beras.BatchNormalization(32, momentum=0.9), Beras.ReLU()],
    "skip": lambda: [Dense(64, 32), Beras.SkipConnection([Beras.ReLU(), Dense(32, 32)]), Beras.ReLU()],
    "l2": lambda: [Dense(64, 32, kernel_regularizer=Beras.regularizers.L2(1e-3)), Beras.ReLU()],
}


@pytest.mark.parametrize("extra", EXTRAS)
def test_digits_are_learned(extra, digits):
    train, test = digits
    layers = EXTRAS[extra]()
    model = SequentialModel([*layers, Dense(32, 10, "xavier"), Softmax()])
    model.compile(Adam(0.003), CategoricalCrossentropy(), CategoricalAccuracy())
    history = model.fit(*train, epochs=15, batch_size=50, verbose=False)
    assert history["loss"][-1] < history["loss"][0] / 3
    assert model.evaluate(*test, batch_size=397)["acc"][0] > 0.87  # the last 397 are by other writers


def test_evaluation_learns_nothing(digits):
    train, _ = digits
    model = SequentialModel([Dense(64, 10), Beras.BatchNormalization(10), Softmax()])
    model.compile(BasicOptimizer(0.1), MeanSquaredError(), CategoricalAccuracy())
    before = [variable.copy() for layer in model.layers for variable in layer.variables]
    model.evaluate(*train, batch_size=100)
    after = [variable for layer in model.layers for variable in layer.variables]
    assert all((now == then).all() for now, then in zip(after, before, strict=True))


def test_penalties_are_in_the_loss(digits):
    (x, y), _ = digits
    model = SequentialModel([Dense(64, 10, kernel_regularizer=Beras.regularizers.L1L2(0.1, 0.2)), Softmax()])
    model.compile(BasicOptimizer(0.1), MeanSquaredError(), CategoricalAccuracy())
    w = model.layers[0].w
    penalty = 0.1 * np.abs(w).sum() + 0.2 * (w**2).sum()
    loss = model.batch_step(x, y, training=False)["loss"]
    assert loss == pytest.approx(penalty + MeanSquaredError()(model(x), y), rel=1e-6)


def test_a_frozen_layer_has_no_penalty(digits):
    """As in Keras: nothing can make it smaller."""
    (x, y), _ = digits
    model = SequentialModel([Dense(64, 10, kernel_regularizer=Beras.regularizers.L2(0.1)), Softmax()])
    model.compile(BasicOptimizer(0.1), MeanSquaredError(), CategoricalAccuracy())
    model.layers[0].trainable = False
    assert model.evaluate(x, y, len(x))["loss"] == [MeanSquaredError()(model(x), y)]


@pytest.mark.parametrize(
    "change",
    [lambda dense: setattr(dense, "trainable", False), lambda dense: setattr(dense, "weights", [dense.w + 1, dense.b])],
    ids=["frozen", "replaced"],
)
def test_after_a_change_of_the_weights_a_model_is_compiled_again(change, digits):
    train, _ = digits
    model = SequentialModel([Dense(64, 10), Dense(10, 10), Softmax()])
    parts = MeanSquaredError(), CategoricalAccuracy()
    model.compile(Adam(0.1), *parts)
    model.fit(*train, batch_size=700, verbose=False)
    change(model.layers[0])
    with pytest.raises(ValueError, match=r"compile again with a new one after a layer was frozen .*`weights`"):
        model.fit(*train, batch_size=700, verbose=False)
    model.compile(Adam(0.1), *parts)
    model.fit(*train, batch_size=700, verbose=False)


def test_dropout_keeps_the_expectation_in_training_and_everything_in_use():
    dropout, x = Beras.Dropout(0.3), np.ones((400, 100), np.float32)
    assert dropout(x) is x
    with Beras.learning_phase(True):
        outputs = dropout(x)
        assert (outputs == 0).mean() == pytest.approx(0.3, abs=0.01)
        np.testing.assert_allclose(outputs[outputs > 0], 1 / 0.7, rtol=1e-6)
        assert outputs.mean() == pytest.approx(1, abs=0.02)
        np.testing.assert_array_equal(dropout.compose_to_input(x), outputs)
        assert (dropout(x) != outputs).any(), "a new draw at every call"
    dropout(x)
    np.testing.assert_array_equal(dropout.compose_to_input(x), x)


def test_batch_norm_normalises_in_training_and_remembers_for_use(rng):
    layer, x = Beras.BatchNormalization(3, momentum=0.9, epsilon=1e-12), rng.normal(5, 2, size=(500, 3))
    with Beras.learning_phase(True):
        outputs = layer(x)
    np.testing.assert_allclose(outputs.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(outputs.std(axis=0), 1, rtol=1e-6)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * x.mean(axis=0), rtol=1e-5)  # Keras: 0.9 * 0 + 0.1 * mean
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * x.var(axis=0), rtol=1e-5)
    kept = layer.moving_mean.copy(), layer.moving_variance.copy()
    np.testing.assert_allclose(layer(x), (x - kept[0]) / np.sqrt(kept[1]), rtol=1e-6)
    layer.trainable = False
    with Beras.learning_phase(True):
        layer(x)
    np.testing.assert_array_equal(layer.moving_mean, kept[0])


def test_freezing_a_connection_freezes_what_is_in_it(rng):
    """Otherwise a batch norm inside would still use and track the statistics of batches."""
    norm, frozen = Beras.BatchNormalization(3), Dense(3, 3)
    frozen.trainable = False
    skip = Beras.SkipConnection([frozen, norm])
    assert not frozen.trainable and norm.trainable, "making one changes neither"
    skip.trainable = False
    with Beras.learning_phase(True):
        skip(rng.normal(5, 2, size=(50, 3)))
    np.testing.assert_array_equal(norm.moving_mean, np.zeros(3))
    skip.trainable = True
    assert frozen.trainable and norm.trainable


def everything():
    layers = [
        Dense(64, 8),
        Beras.BatchNormalization(8),
        Beras.SkipConnection([Dense(8, 8), Beras.ReLU()]),
        Dense(8, 10),
    ]
    model = SequentialModel([*layers, Softmax()])
    model.compile(Adam(0.01), CategoricalCrossentropy(), CategoricalAccuracy())
    return model


def test_saved_weights_come_back_bit_for_bit(tmp_path, digits):
    train, (x, _) = digits
    model, other = everything(), everything()
    model.fit(*train, epochs=1, batch_size=100, verbose=False)
    model.save_weights(tmp_path / "digits.weights")
    kept = other.trainable_variables
    other.load_weights(tmp_path / "digits.weights")
    assert all(now is then for now, then in zip(other.trainable_variables, kept, strict=True)), "in place"
    np.testing.assert_array_equal(model(x), other(x))
    assert [path.name for path in tmp_path.iterdir()] == ["digits.weights"]
    with np.load(tmp_path / "digits.weights", allow_pickle=False) as archive:
        assert len(archive.files) == 2 + 4 + 2 + 2


def test_weights_that_cannot_be_written_leave_nothing_behind(tmp_path):
    (tmp_path / "weights").mkdir()
    with pytest.raises(OSError):
        SequentialModel([Dense(4, 3)]).save_weights(tmp_path / "weights")
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def test_weights_of_another_model_are_refused(tmp_path):
    path = tmp_path / "weights.npz"
    SequentialModel([Dense(4, 3), Dense(3, 2)]).save_weights(path)
    wider, shorter = SequentialModel([Dense(4, 3), Dense(3, 5)]), SequentialModel([Dense(4, 3)])
    before = wider.trainable_variables[0].copy()
    with pytest.raises(
        ValueError, match=r"layer1.0 expected an array of shape \(3, 5\), found an array of shape \(3, 2\)"
    ):
        wider.load_weights(path)
    np.testing.assert_array_equal(wider.trainable_variables[0], before)
    with pytest.raises(ValueError, match=r"layer1\.0 expected no array"):
        shorter.load_weights(path)


NPY = b"\x93NUMPY\x01\0\x3b\0{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }" + b" \n" + bytes(8)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off", NPY])
def test_a_file_that_holds_no_weights_is_refused(tmp_path, content):
    path = tmp_path / "weights.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"weights\.npz is not a file of weights"):
        SequentialModel([Dense(4, 3)]).load_weights(path)


def test_pickles_are_not_loaded(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, **{"layer0.0": np.array([print, {}], dtype=object)})
    with pytest.raises(ValueError, match="is not a file of weights"):
        SequentialModel([Dense(4, 3)]).load_weights(path)
