"""What a study can have measured during a run, by name. An observer does not affect the training.

`@register_observer("lags")` registers a class that is called with the `trainer.Training` and its settings, whose type
is the class's `Settings` (with a field in `studies.Measure` as well, they are checked before anything is trained). The
trainer calls `before_update(images, labels)` once a step's gradients are computed and `after_update(images, labels)`
once the weights have moved; `arrays()` returns NumPy arrays for the cell's steps.npz, and `state_dict()` and
`load_state_dict(state)` save and restore what a checkpoint needs.
"""

import contextlib
import itertools
import math
import weakref
from typing import Any

import numpy as np
import torch

from models.registry import Registry
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.fields import Lags
from workflow_scripts.engine.configuration.studies import Interval, Walks
from workflow_scripts.engine.data.batches import random_generator, same_random_numbers
from workflow_scripts.engine.training import probes
from workflow_scripts.engine.training.gradients import weight_layers

OBSERVERS = Registry("observer")
register_observer = OBSERVERS.register


def observe(training, measured):
    """{name: observer} of a `trainer.Training`, for {name: settings} as `grids.measured` returns it.

    Raises UserError if an observer rejects its settings.
    """
    found = {}
    for name, settings in measured.items():
        observer = OBSERVERS[name]
        found[name] = observer(training, config.parse(observer.Settings, settings, f"measure.{name}"))
        found[name].arrays()  # so that what cannot be written fails before the training, not after it
    return found


class Observer:
    """What observers share: where the run is, and float64 tensors on the device, whose last dimension fills as it goes.

    `every`: a measurement is taken at steps 0, every, 2 every, ... of the whole run.
    Registered subclasses add `arrays()`.
    """

    Settings = Any

    def __init__(self, training, every=1):
        # weakly, since it holds its observers: each would keep the other, and a bundle all its cells, in memory
        self.training, self.every = weakref.proxy(training), every
        self.series = {}

    def empty(self, *shape):
        """A tensor of NaN (*shape, number of measurements in the run)."""
        count = self._measurements(self.training.cell.epochs)
        return torch.full((*shape, count), math.nan, dtype=torch.float64, device=self.training.device)

    @property
    def step(self):
        """The number of the current step over the whole run, from 0."""
        progress = self.training.progress
        return progress.epoch * self.training.steps + progress.step

    @property
    def due(self):
        """Whether a measurement is to be taken at the current step."""
        return self.step % self.every == 0

    def note(self, **values):
        """Store what was measured at the current step, by the names of the series."""
        for name, value in values.items():
            self.series[name][..., self.step // self.every] = torch.as_tensor(value).detach()

    def before_update(self, images, labels):
        """Called when a step's gradients have been computed."""

    def after_update(self, images, labels):
        """Called when the weights have moved."""

    def taken(self):
        """({name: array} of the series, cut to what was measured; the steps of the measurements)."""
        count = self._measurements(self.training.progress.epoch)
        return {name: kept[..., :count].cpu().numpy() for name, kept in self.series.items()}, (
            np.arange(count) * self.every
        )

    def _measurements(self, epochs):
        return -(-epochs * self.training.steps // self.every)

    def state_dict(self):
        return self.series

    def load_state_dict(self, state):
        for name, kept in self.series.items():
            kept.copy_(state[name])

    @contextlib.contextmanager
    def aside(self, images, labels):
        """The step's gradient as a function of the weights, for `probes`; all but the weights is restored afterwards.

        It is the gradient of what the training step minimises, penalties included, with the batch's own statistics in
        batch norm. Running statistics and random state are restored; dropout drops the same features at every call,
        since otherwise gradients would differ without any change in the weights.
        """
        training, moved = self.training, list(self.training.moved.values())
        kept = [tensor.clone() for tensor in moved]
        seed = random_generator(training.cell.seed, self.step).initial_seed()

        def gradient(parameters):
            torch.manual_seed(seed)
            return training.gradient(parameters, images, labels)

        with same_random_numbers(training.device):
            yield gradient
        for tensor, value in zip(moved, kept, strict=True):
            tensor.copy_(value)


@register_observer("lags")
class LagDistances(Observer):
    """The brief's protocol: gradients and weights of the last layer at step i, compared with those at step i - k.

    The settings are the lags k. Only a few distances are computed, and nothing waits for the device.
    """

    Settings = Lags

    def __init__(self, training, lags):
        super().__init__(training)
        self.lags = lags
        _, self.weight = weight_layers(training.model.named_parameters())[-1]
        # gradient and weights of the last steps, a row per step; NaN stands for the steps before the first
        shape = (max(self.lags), 2, self.weight.numel())
        self.ring = torch.full(shape, math.nan, device=training.device)
        for name in ("gradient_norm", "last_gradient_norm"):
            self.series[name] = self.empty()
        for name in ("gradient_distance", "weight_distance"):
            self.series[name] = self.empty(len(self.lags))

    @torch.no_grad()
    def before_update(self, images, labels):
        now = torch.stack([self.weight.grad.flatten(), self.weight.flatten()])
        rows = len(self.ring)
        past = torch.stack([self.ring[(self.step - lag) % rows] for lag in self.lags])
        distance = torch.linalg.vector_norm(past.double() - now.double(), dim=-1)
        self.ring[self.step % rows] = now
        gradients = [parameter.grad for parameter in self.training.parameters if parameter.grad is not None]
        self.note(
            gradient_norm=probes.l2(gradients),
            last_gradient_norm=torch.linalg.vector_norm(now[0], dtype=torch.float64),
            gradient_distance=distance[:, 0],
            weight_distance=distance[:, 1],
        )

    def arrays(self):
        """`lags` (K,), the norms (steps,) and the distances (K, steps), NaN where no step lies so far back."""
        return {"lags": np.array(self.lags), **self.taken()[0]}

    def state_dict(self):
        return {**self.series, "ring": self.ring}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.ring.copy_(state["ring"])


@register_observer("walk")
class GradientWalk(Observer):
    """The paper's protocol: at regular intervals, walk along the gradient of the step's batch, without training on it.

    See `probes.along_gradient`.
    """

    Settings = Walks

    def __init__(self, training, settings):
        super().__init__(training, settings.every)
        self.step_sizes = settings.step_sizes
        for name in ("loss_here", "gradient_norm"):
            self.series[name] = self.empty()
        for name in ("loss", "gradient_distance", "beta"):
            self.series[name] = self.empty(len(self.step_sizes))

    def before_update(self, images, labels):
        if self.due:
            rate = self.training.learning_rate
            with self.aside(images, labels) as gradient:
                lengths = [size * rate for size in self.step_sizes]
                walk = probes.along_gradient(gradient, self.training.parameters, lengths)
            self.note(**walk._asdict())

    def arrays(self):
        """`walk_steps` (P,), `step_sizes` (M,) and `walk_*` (P,) or (P, M), for P walks of M step sizes."""
        series, steps = self.taken()
        walks = {f"walk_{name}": array.T for name, array in series.items()}
        return {"walk_steps": steps, "step_sizes": np.array(self.step_sizes), **walks}


@register_observer("covariate_shift")
class CovariateShift(Observer):
    """Internal covariate shift as the paper measures it, at regular intervals, for the update that the step makes.

    A layer is a weight and all parameters registered after it and before the next weight: its bias
    and the scale and shift of its batch norm. See `probes.covariate_shift`.
    """

    Settings = Interval

    def __init__(self, training, settings):
        super().__init__(training, settings.every)
        named = list(training.model.named_parameters())
        self.layers = [layer for layer, _ in weight_layers(named)]
        places = {id(parameter): place for place, (_, parameter) in enumerate(named)}
        later = [places[id(weight)] for _, weight in weight_layers(named)[1:]]
        parts = itertools.pairwise([0, *later, len(named)])
        self.groups = [[parameter for _, parameter in named[start:end]] for start, end in parts]
        for name in ("l2", "cosine"):
            self.series[name] = self.empty(len(self.layers))

    def before_update(self, images, labels):
        if self.due:
            self.before = [[parameter.detach().clone() for parameter in group] for group in self.groups]

    def after_update(self, images, labels):
        if self.due:
            with self.aside(images, labels) as gradient:
                distance, cosine = probes.covariate_shift(gradient, self.groups, self.before)
            self.note(l2=distance, cosine=cosine)
            del self.before

    def arrays(self):
        """`shift_steps` (P,), `shift_layers` (L,), `shift_l2` and `shift_cosine` (P, L), for P steps and L layers."""
        series, steps = self.taken()
        shifts = {f"shift_{name}": array.T for name, array in series.items()}
        return {"shift_steps": steps, "shift_layers": np.array(self.layers), **shifts}
