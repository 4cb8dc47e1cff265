"""Beras compared with PyTorch: how far they differ on the same model, weights and batches, in double precision."""

import Beras
import numpy as np
import torch

from workflow_scripts.engine.beras import variants
from workflow_scripts.engine.beras.twin import Twin

MODELS = ("simple", "advanced")


def compare(name, train_set, batch_size, steps, seed):
    """Train a model and its twin side by side for `steps` batches; returns how much they differ, as plain data.

    `loss` is the largest relative difference between the losses of a step. `weights` has for every weight its name and
    shape, the relative difference between the gradients at the first step, and that between the weights after the last.
    The relative difference of two arrays is the largest absolute difference over PyTorch's largest absolute entry.
    `shapes` is described at the function `shapes`.
    """
    x, y = (array.astype(np.float64) for array in train_set)
    np.random.seed(seed)
    model = variants.build(name, variants.Plan(1, batch_size, steps * batch_size))  # so that a schedule spans all steps
    for layer in model.layers:
        if hasattr(layer, "weights"):
            layer.weights = [weight.astype(np.float64) for weight in layer.weights]
    twin = Twin(model, same_masks=True)
    differences = []
    for step in range(steps):
        batch = np.arange(step * batch_size, (step + 1) * batch_size) % len(x)
        ours, grads = _step(model, x[batch], y[batch])
        theirs, _ = twin.step(torch.from_numpy(x[batch]), torch.from_numpy(y[batch]))
        differences.append(abs(ours - theirs) / abs(theirs))
        if step == 0:
            first = [_difference(grad, other) for grad, (_, _, other) in zip(grads, twin.weights(), strict=True)]
    last = [
        _difference(ours, other) for ours, (_, other, _) in zip(model.trainable_variables, twin.weights(), strict=True)
    ]
    named = zip(twin.weights(), first, last, strict=True)
    return {
        "loss": max(differences),
        "weights": [
            {"name": name, "shape": list(weight.shape), "gradient": gradient, "weight": difference}
            for (name, weight, _), gradient, difference in named
        ],
        "shapes": shapes(model, x[:batch_size], y[:batch_size]),
    }


def _step(model, x, y):
    """Do what the assignment's `batch_step` does in training, but return (loss, gradients)."""
    with Beras.learning_phase(True), Beras.GradientTape() as tape:
        loss = model.compiled_loss(model.call(x), y) + sum(model.losses)
        grads = tape.gradient()
        model.optimizer.apply_gradients(model.trainable_variables, grads)
    return loss, grads


def _difference(ours, theirs):
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def shapes(model, x, y):
    """The backward walk over one batch, starting at the loss: a dict per layer with the shapes of its arrays.

    `J` comes from the next layer in the network (the loss has none); `jacobian` is the shape of what `input_gradients`
    returns, `grads` those of what `compose_to_weight` returns.
    """
    with Beras.learning_phase(True):
        model.compiled_loss(model.call(x), y)
    J = model.compiled_loss.input_gradients()
    walk = [{"layer": type(model.compiled_loss).__name__, "J": None, "jacobian": J.shape, "grads": []}]
    for layer in reversed(model.layers):
        grads = layer.compose_to_weight(J) if hasattr(layer, "weights") else []
        derivatives = {"jacobian": layer.input_gradients().shape, "grads": [grad.shape for grad in grads]}
        walk.append({"layer": type(layer).__name__, "J": J.shape, **derivatives})
        J = layer.compose_to_input(J)
    return walk
