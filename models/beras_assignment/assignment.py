"""The assignment: two classifiers of MNIST's handwritten digits made with Beras, trained and tested.

    python assignment.py                  # data in ../data, or in ../data/mnist
    python assignment.py --data FOLDER --figures FOLDER
    python assignment.py --models advanced --epochs 5 --batch-size 50 --seed 1

Needs this folder, Beras and NumPy; with --figures also Matplotlib.
"""

import argparse
import os
import sys
import time
from math import ceil
from pathlib import Path
from types import SimpleNamespace

# Before NumPy is imported: for matrices this small a second thread gains little, and on a busy machine two that wait
# for each other lose a lot.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))  # handed in, Beras lies beside this file; in its project it lies one folder up

import Beras  # noqa: E402
import preprocess  # noqa: E402
from Beras import schedules  # noqa: E402

EPOCHS, BATCH_SIZE = 10, 100


class SequentialModel(Beras.Model):
    """Layers one after the other."""

    def call(self, inputs):
        """(batch, inputs) -> (batch, outputs): through every layer in turn."""
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs

    def batch_step(self, x, y, training=True):
        """Predictions, loss and accuracy of one batch; when training also one step of the optimiser."""
        with Beras.learning_phase(training), Beras.GradientTape() as tape:
            probs = self.call(x)
            loss = self.compiled_loss(probs, y) + sum(self.losses)
            if training:
                self.optimizer.apply_gradients(self.trainable_variables, tape.gradient())
        return {"loss": loss, "acc": self.compiled_acc(probs, y)}


def get_simple_model_components(epochs=EPOCHS, batch_size=BATCH_SIZE, samples=60_000):
    """One dense layer, as the brief gives it: at least 85 % on the test set are asked for, about 90.5 % come.

    `samples` changes nothing, since the rate is constant; both models take the same arguments.
    """
    model = SequentialModel([Beras.Dense(784, 10), Beras.Softmax()])
    model.compile(
        optimizer=Beras.BasicOptimizer(0.02),
        loss_fn=Beras.MeanSquaredError(),
        acc_fn=Beras.CategoricalAccuracy(),
    )
    return SimpleNamespace(model=model, epochs=epochs, batch_size=batch_size)


def get_advanced_model_components(epochs=EPOCHS, batch_size=BATCH_SIZE, samples=60_000):
    """A hidden layer, dropout, cross-entropy and Adam with a falling rate: 95 % are asked for, over 98 % come.

    The rate falls to zero over the training on `samples` images.
    """
    steps = epochs * ceil(samples / batch_size)
    model = SequentialModel(
        [
            Beras.Dense(784, 256),
            Beras.LeakyReLU(0.01),
            Beras.Dropout(0.2),
            Beras.Dense(256, 10, initializer="xavier"),
            Beras.Softmax(),
        ]
    )
    model.compile(
        optimizer=Beras.Adam(schedules.CosineDecay(0.002, decay_steps=steps)),
        loss_fn=Beras.CategoricalCrossentropy(),
        acc_fn=Beras.CategoricalAccuracy(),
    )
    return SimpleNamespace(model=model, epochs=epochs, batch_size=batch_size)


MODELS = {"simple": get_simple_model_components, "advanced": get_advanced_model_components}


def train_and_test(components, train, test):
    """Train on `train`, test on `test`, both (inputs, one-hot labels). Returns (test accuracy, training seconds)."""
    start = time.perf_counter()
    components.model.fit(*train, epochs=components.epochs, batch_size=components.batch_size)
    seconds = time.perf_counter() - start
    return components.model.evaluate(*test, batch_size=components.batch_size)["acc"][0], seconds


def main():
    parser = argparse.ArgumentParser(description="Train and test the simple and the advanced model on MNIST.")
    parser.add_argument("--data", default=HERE.parent / "data", help="folder with MNIST's four IDX files (%(default)s)")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="which ones (both)")
    parser.add_argument("--figures", type=Path, help="folder for pictures of the training and of predictions")
    parser.add_argument("--epochs", type=at_least_one, default=EPOCHS, help="passes over the images (%(default)s)")
    parser.add_argument("--batch-size", type=at_least_one, default=BATCH_SIZE, help="images per step (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of NumPy's random numbers (%(default)s)")
    args = parser.parse_args()

    if args.figures:
        args.figures.mkdir(parents=True, exist_ok=True)  # where that fails, it should before the training
    encoder = Beras.OneHotEncoder()
    train_inputs, train_labels = preprocess.get_data_MNIST("train", args.data)
    test_inputs, test_labels = preprocess.get_data_MNIST("test", args.data)
    encoder.fit(train_labels)
    train, test = (train_inputs, encoder(train_labels)), (test_inputs, encoder(test_labels))
    for kind in args.models:
        np.random.seed(args.seed)  # for each model, so that one is trained alike with and without the other
        components = MODELS[kind](args.epochs, args.batch_size, len(train_inputs))
        print(f"{kind} model")
        accuracy, seconds = train_and_test(components, train, test)
        print(f"{kind} model: test accuracy {accuracy:.2%}, trained in {seconds:.1f} s")
        if args.figures:
            draw(components.model, test, args.figures, kind)


def at_least_one(text):
    """The whole number that `text` is; raises what argparse turns into a message if it is below 1 or none."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number, at least 1, found {text}")
    return int(text)


def draw(model, test, folder, kind):
    """Pictures of the last training and of right and wrong predictions, as PDF files in `folder`, which exists."""
    import visualize  # here, because training needs no Matplotlib

    history = model.batch_metrics
    visualize.visualize_metrics(history["loss"], history["acc"], path=folder / f"{kind}-metrics.pdf")
    visualize.visualize_images(model, *test, path=folder / f"{kind}-images.pdf")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
