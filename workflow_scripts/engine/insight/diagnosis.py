"""Will a network train? What a few batches at initialisation show of its activations and gradients, layer by layer."""

import contextlib
import math
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from workflow_scripts.engine.data.datasets import Data
from workflow_scripts.engine.tables import main_path
from workflow_scripts.engine.text import text_tables
from workflow_scripts.engine.training.gradients import weight_layers
from workflow_scripts.engine.training.step_sizes import ALONG, SMALLEST

# With a gradient 1e-4 times the last layer's, the first layer moves in the course's whole run (47,500 steps at one rate
# for all layers) as far as the last does in five steps. Beyond 1e4 it is the last layer that stands still.
VANISHED, EXPLODED = 1e-4, 1e4
# A step at the course's rate of 1e-3 along a gradient of this norm has length 1. All of a layer's weights together have
# norm 3.3 (VGG: 9,216 weights of variance 1 / (3 x 288)), so a few steps replace them. Adam's do not grow with it.
LARGEST_NORM = 1e3
# The course's 47,500 steps along a mean |gradient| of this size, at a rate of 0.1, which suits such steps, move a
# weight by 5e-5 at most. Optimisers that divide by the gradient's size have their own limits.
STANDSTILL = 1e-8
# A unit is dead if its activation passes almost nothing back for any image or position: ReLU's slope below 0,
# LeakyReLU's 0.01, or that of a saturated tanh. A unit is a channel of a convolution or a feature of a linear layer.
DEAD_SLOPE = 0.0101
HEADINGS = {  # column: (heading, format); the table is to fit in 80 characters
    "depth": ("depth", "d"),
    "layer": ("layer", ""),
    "activation_variance": ("act. var", ".2e"),
    "gradient_variance": ("grad. var", ".2e"),
    "gradient_norm": ("grad. norm", ".2e"),
    "mean_abs_gradient": ("mean |g|", ".2e"),
    "dead": ("dead", ".0%"),
}
ACTIVATIONS = {F.relu, torch.relu, F.leaky_relu, F.elu, F.gelu, F.silu, torch.tanh, torch.sigmoid}


def digits(size):
    """The embedded digits as a `datasets.Data` of RGB images of `size` rows and columns, made in memory."""
    from workflow_scripts.engine.sources import digits, pixels  # a second, which runs on other data are spared

    decoded = digits.digits(None, None)
    images = [pixels.conform(images, size, 3) for images in (decoded.train_images, decoded.test_images)]
    meta = {"name": "digits", "title": decoded.title, "embedded": decoded.embedded}
    return Data(images[0], decoded.train_labels, images[1], decoded.test_labels, np.array(decoded.class_names), meta)


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found.

    `layers` has a row per layer with weights, from the input: `depth`, `layer`; `activation_variance` (the variance
    over the images of a unit's value, averaged over the units: how much the images still differ) after the layer's
    activation, or of its output where none follows; for its weights' gradient the `gradient_variance` over the
    weights, the l2 `gradient_norm` and `mean_abs_gradient`; and `dead`, the fraction of dead units. All are means over
    the batches, except that a dead unit is dead in all of them. `ratio` is the first layer's mean |gradient| over that
    of the last layer before the classifier, on the main path, that gets a gradient; `norm` is the l2 norm of all the
    layers' gradients together. `late` names the layers that run after a layer of greater depth: they were registered
    too early, so first and last in the order of depth are not first and last to run.
    """

    layers: pd.DataFrame
    loss: float
    ratio: float
    norm: float
    verdict: str  # vanishing, exploding or healthy
    sentence: str
    late: list


def diagnose(training, batches):
    """The `Diagnosis` of a fresh `trainer.Training` from the first `batches` of its training batches; no updates.

    In training mode, just as training would begin: with the objective, companions and augmentation of its cell.
    """
    cell, model = training.cell, training.model
    model.train()
    watch, rows, losses = Watch(model), [], []
    for images, labels in islice(training.train_batches.epoch(cell.seed, 0, cell.batch_size), batches):
        model.zero_grad(set_to_none=True)
        with watch:
            loss, objective, _ = training.forward(images, labels)
        objective.backward()
        rows.append([watch.variances(), *_gradients(model)])
        losses.append(loss.item())
    means = torch.tensor(rows, dtype=torch.float64).mean(0)
    columns = ("activation_variance", "gradient_variance", "gradient_norm", "mean_abs_gradient")
    layers = pd.DataFrame({"depth": range(len(watch.layers)), "layer": watch.layers})
    layers = layers.assign(**dict(zip(columns, means.numpy(), strict=True)), dead=watch.dead())
    gradients = layers.loc[~main_path.aside(layers["layer"]), "mean_abs_gradient"]
    gradients = gradients[: max(len(gradients) - 1, 1)]  # without the classifier's, unless it is the only one
    received = gradients[gradients > 0]  # a branch that starts at zero, like SkipInit's, passes none back at first
    first, norm = gradients[0], math.hypot(*layers["gradient_norm"])
    ratio = first / received.iloc[-1] if len(received) else math.nan
    return Diagnosis(
        layers,
        sum(losses) / len(losses),
        ratio,
        norm,
        *judge(first, ratio, norm, training.cell.optimizer),
        watch.late(),
    )


def judge(first, ratio, norm, optimizer):
    """(verdict, sentence) from the first layer's mean |gradient|, its ratio to the last's, the whole norm, and the name
    of the optimiser, whose steps decide which absolute sizes are too large or too small: see `step_sizes`."""
    share = f"the first layer's gradient is {ratio:.2g} times that of the last before the classifier"
    least = SMALLEST.get(optimizer, STANDSTILL if optimizer in ALONG else 0)
    causes = (
        ("exploding", not math.isfinite(norm), "the gradient is not a finite number"),
        (
            "exploding",
            optimizer in ALONG and norm > LARGEST_NORM,
            f"the gradient's norm is {norm:.2g}, above {LARGEST_NORM:g}, and {optimizer} steps along it",
        ),
        ("exploding", ratio > EXPLODED, f"{share}, above {EXPLODED:g}"),
        ("vanishing", ratio < VANISHED, f"{share}, below {VANISHED:g}"),
        (
            "vanishing",
            not first > least,
            f"the first layer's mean |gradient| is {first:.2g}, not above {least:g}, the least for {optimizer}",
        ),
        ("healthy", True, f"{share}, between {VANISHED:g} and {EXPLODED:g}; {_size(norm, optimizer)}"),
    )
    verdict, cause = next((verdict, cause) for verdict, met, cause in causes if met)
    return verdict, f"{verdict.capitalize()}: {cause}."


def _size(norm, optimizer):
    """What the norm of a gradient that is no failure means to the optimiser."""
    if optimizer in ALONG:
        return f"the whole norm is {norm:.2g}, and {optimizer} steps along it"
    if optimizer in SMALLEST:
        return f"the whole norm is {norm:.2g}, by which {optimizer} divides"
    return f"the whole norm is {norm:.2g}; how the steps of {optimizer} depend on it is not known here"


def lines(found):
    """A `Diagnosis` as lines of text: a row per layer, the loss, the verdict."""
    words = {
        heading: ["–" if _absent(value) else format(value, form) for value in found.layers[column]]
        for column, (heading, form) in HEADINGS.items()
    }
    late = f"Registered before layers that run earlier, so that depths are wrong: {', '.join(found.late)}."
    return [
        *text_tables.plain(pd.DataFrame(words), ("layer",)),
        "",
        f"Loss {found.loss:.4g}; gradient norm {found.norm:.3g}; first-to-last ratio {found.ratio:.3g}.",
        found.sentence,
        *([late] if found.late else []),
    ]


def _absent(value):
    return isinstance(value, float) and math.isnan(value)


def _gradients(model):
    """Variance, l2 norm and mean |g| of each layer's gradient."""
    weights = [weight for _, weight in weight_layers(model.named_parameters())]
    gradients = [(torch.zeros_like(weight) if weight.grad is None else weight.grad).double() for weight in weights]
    measures = (
        lambda gradient: gradient.var(correction=0),
        torch.linalg.vector_norm,
        lambda gradient: gradient.abs().mean(),
    )
    return [[measure(gradient).item() for gradient in gradients] for measure in measures]


class Watch(TorchFunctionMode):
    """A context for a model's forward passes: records the output of each layer with weights and of its activation.

    It sees activations that are functions as well as those that are layers, since layers call the functions.
    """

    def __init__(self, model):
        super().__init__()
        self.layers = [layer for layer, _ in weight_layers(model.named_parameters())]
        self.modules = [model.get_submodule(layer) for layer in self.layers]
        self.values, self.alive, self.last = {}, {}, None
        self.hooks = contextlib.ExitStack()

    def __enter__(self):
        for layer, module in zip(self.layers, self.modules, strict=True):
            self.hooks.enter_context(module.register_forward_hook(partial(self._after_layer, layer)))
        return super().__enter__()

    def __exit__(self, *error):
        self.hooks.close()
        return super().__exit__(*error)

    def variances(self):
        """For each layer in the last pass: the variance over images of a unit's value, averaged; NaN if unused, or of a
        single image."""
        values = [self.values.get(layer, ()) for layer in self.layers]
        return [one.float().var(0).double().mean().item() if len(one) > 1 else math.nan for one in values]

    def late(self):
        """Names of the layers that first ran after a layer registered later than they are."""
        places = [self.layers.index(layer) for layer in self.values]
        return [self.layers[place] for index, place in enumerate(places) if place < max(places[:index], default=0)]

    def dead(self):
        """Fraction of the units of each layer that were dead in all passes; NaN where no activation follows."""
        return [
            (~self.alive[layer]).double().mean().item() if layer in self.alive else math.nan for layer in self.layers
        ]

    def _after_layer(self, layer, module, inputs, output):
        self.values[layer], self.last = output.detach(), layer

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function not in ACTIVATIONS or self.last is None:
            return function(*args, **kwargs)
        alive = (_slope(function, *args, **kwargs) > DEAD_SLOPE).transpose(0, 1).flatten(1).any(1)
        result = function(*args, **kwargs)
        self.alive[self.last] = self.alive.get(self.last, False) | alive
        self.values[self.last], self.last = result.detach(), None
        return result


def _slope(function, x, *args, **kwargs):
    """The size of an activation's derivative at each element of x: GELU and SiLU also fall, and pass that back."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(function(x.clone(), *args, **kwargs).sum(), x)[0].abs()  # a copy: it may work in place
