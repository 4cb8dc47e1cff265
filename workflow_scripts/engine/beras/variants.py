"""What the study trains: the brief's two models, and one network with each optimiser and with each extra.

Names are in `names.py`. Variants that are compared differ in one thing only; extras are added to the network with Adam.
"""

from dataclasses import dataclass
from math import ceil

import assignment
import Beras

from models.registry import Registry
from workflow_scripts.engine.beras import names
from workflow_scripts.engine.commands import UserError

HIDDEN = 256  # units of the hidden layer, as in the advanced model
RATE = 0.001

VARIANTS = {kind: Registry(kind) for kind in names.KINDS.values()}
register_beras_model = VARIANTS["beras_model"].register
register_beras_optimizer = VARIANTS["beras_optimizer"].register
register_beras_extra = VARIANTS["beras_extra"].register


@dataclass(frozen=True)
class Plan:
    """How long a model is trained: `epochs` passes over `samples` images in batches of `batch_size`."""

    epochs: int
    batch_size: int
    samples: int

    @property
    def steps(self):
        """The number of optimiser steps."""
        return self.epochs * ceil(self.samples / self.batch_size)


def build(variant, plan):
    """The compiled `Beras.Model` of a variant; its initial weights come from NumPy's global generator.

    Raises UserError for an unknown variant.
    """
    if variant not in names.known():
        raise UserError(f"unknown variant {variant!r}; known: {', '.join(names.known())}")
    kind, name = names.split(variant)
    return VARIANTS[kind][name](plan)


def network(*hidden, optimizer=None, regularizer=None):
    """784 -> 256 -> 10 with cross-entropy; `hidden` are the layers between the two dense ones (else a LeakyReLU)."""
    model = assignment.SequentialModel(
        [
            Beras.Dense(784, HIDDEN, kernel_regularizer=regularizer),
            *(hidden or [Beras.LeakyReLU(0.01)]),
            Beras.Dense(HIDDEN, 10, initializer="xavier"),
            Beras.Softmax(),
        ]
    )
    model.compile(optimizer or Beras.Adam(RATE), Beras.CategoricalCrossentropy(), Beras.CategoricalAccuracy())
    return model


@register_beras_model("simple")
def simple(plan):
    """The brief's simple model."""
    return assignment.get_simple_model_components(plan.epochs, plan.batch_size).model


@register_beras_model("simple_mean")
def simple_mean(plan):
    """The simple model trained on the exact gradient of Keras's loss: a tenth, for a mean over the 10 outputs."""
    model = simple(plan)
    model.optimizer.learning_rate /= 10
    return model


@register_beras_model("advanced")
def advanced(plan):
    """The assignment's advanced model."""
    return assignment.get_advanced_model_components(plan.epochs, plan.batch_size, plan.samples).model


@register_beras_optimizer("basic")
def basic(plan):
    """Gradient descent; its rate is a hundred times that of the others, whose steps do not shrink with the gradient."""
    return network(optimizer=Beras.BasicOptimizer(0.1))


@register_beras_optimizer("rmsprop")
def rmsprop(plan):
    """RMSProp (Tieleman & Hinton 2012)."""
    return network(optimizer=Beras.RMSProp(RATE))


@register_beras_optimizer("adam")
def adam(plan):
    """Adam (Kingma & Ba 2015), the baseline of the others and of the extras."""
    return network(optimizer=Beras.Adam(RATE))


@register_beras_optimizer("amsgrad")
def amsgrad(plan):
    """Adam with AMSGrad (Reddi et al. 2018)."""
    return network(optimizer=Beras.Adam(RATE, amsgrad=True))


@register_beras_extra("dropout")
def dropout(plan):
    """Dropout (Srivastava et al. 2014) of a fifth of the hidden units."""
    return network(Beras.LeakyReLU(0.01), Beras.Dropout(0.2))


@register_beras_extra("l1")
def l1(plan):
    """A penalty on the absolute weights of the hidden layer."""
    return network(regularizer=Beras.regularizers.L1(1e-5))


@register_beras_extra("l2")
def l2(plan):
    """A penalty on the squared weights of the hidden layer."""
    return network(regularizer=Beras.regularizers.L2(1e-4))


@register_beras_extra("cosine")
def cosine(plan):
    """A learning rate that falls to 0 along a cosine (Loshchilov & Hutter 2017)."""
    return network(optimizer=Beras.Adam(Beras.schedules.CosineDecay(RATE, plan.steps)))


@register_beras_extra("batch_norm")
def batch_norm(plan):
    """Batch normalization (Ioffe & Szegedy 2015) of the hidden units, before the activation."""
    return network(Beras.BatchNormalization(HIDDEN), Beras.LeakyReLU(0.01))


@register_beras_extra("skip")
def skip(plan):
    """A second hidden layer with a connection around it (He et al. 2016)."""
    return network(Beras.LeakyReLU(0.01), Beras.SkipConnection([Beras.Dense(HIDDEN, HIDDEN), Beras.LeakyReLU(0.01)]))
