"""One run of the study: a variant trained from a seed, tested after every epoch, and written to a folder."""

import platform
import time
from dataclasses import dataclass

import Beras
import numpy as np
from threadpoolctl import threadpool_limits

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.beras import variants
from workflow_scripts.engine.commands import UserError

SHAPE = (1, 28, 28)  # of an image: the brief's models have 784 inputs
BATCH = 1000  # images at a time, when nothing is learned


@dataclass
class Run:
    """A trained model, and the contents of run.json, history.csv, steps.npz and predictions.npz."""

    model: Beras.Model
    facts: dict
    history: list  # a dict per epoch
    steps: dict  # training loss and accuracy of every batch
    predictions: dict  # for every test image: the predicted label and its probability


def samples(data):
    """[(inputs, labels) to train, to test] of a `datasets.Data`: (n, 784) in [0, 1], (n, 10) one-hot, both float32."""
    if data.image_shape != SHAPE or data.num_classes != 10:
        raise UserError(
            f"the data set {data.meta['name']} has {data.num_classes} classes and images of "
            f"{' x '.join(map(str, data.image_shape))} (channels, rows, columns); the models of Beras expect 10 "
            "classes and 1 x 28 x 28: set the data set's image_size to 28 and its channels to 1"
        )
    encoder = Beras.OneHotEncoder()
    encoder.fit(np.arange(data.num_classes))
    parts = (data.train_images, data.train_labels), (data.test_images, data.test_labels)
    return [(images.reshape(len(images), -1) / np.float32(255), encoder(labels)) for images, labels in parts]


def train(variant, data, epochs, batch_size, seed):
    """The `Run` of a variant on a `datasets.Data`.

    Uses one thread, so that the same seed gives the same bits whatever else the machine does. Raises UserError for an
    unknown variant, a data set that does not fit, or a batch larger than the training set.
    """
    train_set, test_set = samples(data)
    count = len(train_set[0])
    if batch_size > count:
        raise UserError(f"batch_size is {batch_size}, but there are only {count} training images; choose a smaller one")
    with threadpool_limits(1, user_api="blas"):
        np.random.seed(seed)
        model = variants.build(variant, variants.Plan(epochs, batch_size, count))
        history, steps, seconds = [], {}, 0.0
        for epoch in range(epochs):
            start = time.perf_counter()
            means = model.fit(*train_set, epochs=1, batch_size=batch_size, verbose=False)
            seconds += time.perf_counter() - start
            tested = _evaluated(model, test_set, "test")
            history.append({"epoch": epoch, "train_loss": means["loss"][0], "train_acc": means["acc"][0], **tested})
            for key, values in model.batch_metrics.items():
                steps.setdefault(f"train_{key}", []).extend(values)
        probabilities = model.predict(test_set[0], BATCH)
        trained = _evaluated(model, train_set, "train")
    rate = model.optimizer.learning_rate
    facts = {
        "variant": variant,
        "seed": seed,
        "epochs": epochs,
        "batch_size": batch_size,
        "train_images": count,
        "test_images": len(test_set[0]),
        "parameters": sum(weight.size for weight in model.trainable_variables),
        "learning_rate": rate(0) if callable(rate) else rate,
        "seconds": seconds,
        **trained,
        **tested,
        "dataset": data.meta,
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
    }
    predictions = {"predicted": probabilities.argmax(axis=1), "probability": probabilities.max(axis=1)}
    return Run(model, facts, history, steps, predictions)


def _evaluated(model, part, name):
    """Loss and accuracy at inference: without dropout, and with the current weights."""
    means = model.evaluate(*part, BATCH)
    return {f"{name}_loss": means["loss"][0], f"{name}_acc": means["acc"][0]}


def write(run, folder):
    """Write the files of a run into `folder`, run.json last."""
    with whole_files.written(folder / "weights.npz") as path:
        run.model.save_weights(path)
    for name in ("steps", "predictions"):
        whole_files.write_arrays(folder / f"{name}.npz", getattr(run, name))
    whole_files.write_rows(folder / "history.csv", [run.history[0], *(epoch.values() for epoch in run.history)])
    whole_files.write_json(folder / "run.json", run.facts)
