"""Beras: a Keras look-alike in NumPy, small enough to read, from the one-hot encoder to Adam.

Read it in this order: `onehot`; `core`, where back-propagation happens; `layers`, `activations`, `losses`, `metrics`;
`optimizers`; `model`. Beyond the brief: `regularizers`, `schedules`, `dropout`, `normalization`, `skip`, `saving`.
"""

from . import activations, core, layers, losses, metrics, model, onehot, optimizers, regularizers, schedules
from .activations import LeakyReLU, ReLU, Softmax
from .core import Callable, Diffable, GradientTape, learning_phase
from .dropout import Dropout
from .layers import Dense
from .losses import CategoricalCrossentropy, MeanSquaredError
from .metrics import CategoricalAccuracy
from .model import Model
from .normalization import BatchNormalization
from .onehot import OneHotEncoder
from .optimizers import Adam, BasicOptimizer, RMSProp
from .skip import SkipConnection

__all__ = [
    "Adam",
    "BasicOptimizer",
    "BatchNormalization",
    "Callable",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "Dense",
    "Diffable",
    "Dropout",
    "GradientTape",
    "LeakyReLU",
    "MeanSquaredError",
    "Model",
    "OneHotEncoder",
    "RMSProp",
    "ReLU",
    "SkipConnection",
    "Softmax",
    "activations",
    "core",
    "layers",
    "learning_phase",
    "losses",
    "metrics",
    "model",
    "onehot",
    "optimizers",
    "regularizers",
    "schedules",
]
