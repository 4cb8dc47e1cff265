"""PyTorch's optimisers without the guards that keep `torch.compile` out of them.

On its first call a guard imports the compiler, which costs every process a second (PyTorch 2.13), and nothing here is
compiled. Under the guards the methods are PyTorch's own.
"""

import inspect

import torch
from torch.optim import Optimizer


class Eager:
    """A base class to be listed before `torch.optim.Optimizer`, which replaces its guarded methods."""

    add_param_group = inspect.unwrap(Optimizer.add_param_group)
    zero_grad = inspect.unwrap(Optimizer.zero_grad)
    state_dict = inspect.unwrap(Optimizer.state_dict)
    load_state_dict = inspect.unwrap(Optimizer.load_state_dict)


def eager(kind):
    """The optimiser class `kind` of `torch.optim`, unguarded; like its guard, `step` still turns gradients off."""
    return type(kind.__name__, (Eager, kind), {"step": torch.no_grad()(inspect.unwrap(kind.step))})
