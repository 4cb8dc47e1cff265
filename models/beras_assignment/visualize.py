"""Pictures: how a training went, and what a model recognises and what not. On the screen, or to a file."""

import matplotlib.pyplot as plt
import numpy as np


def visualize_metrics(losses, accuracies, path=None):
    """Loss and accuracy by batch: two lists of equal length, as `Model.batch_metrics` has them."""
    if not len(losses) or len(losses) != len(accuracies):
        raise ValueError(f"one loss and one accuracy a batch are needed, found {len(losses)} and {len(accuracies)}")
    figure, axes = plt.subplots(1, 2, figsize=(7, 2.6), layout="constrained")
    for axis, values, label in zip(axes, (losses, accuracies), ("training loss", "training accuracy"), strict=True):
        axis.plot(np.arange(1, len(values) + 1), values, linewidth=0.5)
        axis.set(xlabel="batch", ylabel=label)
    _finish(figure, path)


def visualize_images(model, train_inputs, train_labels_ohe, num_searching=None, path=None):
    """10 images that `model` classifies right and 10 that it does not: the predicted label (PL), and the true one.

    Inputs (samples, pixels) of square images and one-hot labels; `num_searching` looks at that many samples, drawn at
    random, instead of at all of them. Where a model makes fewer than 10 mistakes, places stay empty.
    """
    if num_searching:
        chosen = np.random.choice(len(train_inputs), min(num_searching, len(train_inputs)), replace=False)
        train_inputs, train_labels_ohe = train_inputs[chosen], train_labels_ohe[chosen]
    predicted = model.predict(train_inputs).argmax(axis=1)
    true = np.asarray(train_labels_ohe).argmax(axis=1)
    right = predicted == true
    side = round(train_inputs.shape[1] ** 0.5)

    figure, axes = plt.subplots(2, 10, figsize=(7, 1.9), layout="constrained")
    for row, indices in zip(axes, (np.flatnonzero(right), np.flatnonzero(~right)), strict=True):
        for axis in row:
            axis.set_axis_off()
        for axis, index in zip(row, indices, strict=False):
            axis.imshow(train_inputs[index].reshape(side, side), cmap="Greys")
            axis.set_title(f"PL: {predicted[index]}" + ("" if right[index] else f", is {true[index]}"), fontsize=7)
    figure.suptitle("right above, wrong below (PL: predicted label)", fontsize=8)
    _finish(figure, path)


def _finish(figure, path):
    if path:
        figure.savefig(path)
    else:
        plt.show()
    plt.close(figure)
