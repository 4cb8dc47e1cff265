"""Probes of a loss, or any differentiable function, around its current parameters, which they leave as they were.

Parameters are a list of leaf tensors. `gradient(parameters)` returns the loss there, a scalar tensor, and its gradient
by parameter, and depends on nothing else that changes; for a function f without arguments it is
`partial(gradient_of, f)`. Norms and distances are summed in float64 and stay on the device.
"""

from typing import NamedTuple

import torch


class Walk(NamedTuple):
    """What a walk of M lengths along one gradient found: 0-dimensional tensors and tensors (M,)."""

    loss_here: torch.Tensor
    loss: torch.Tensor
    gradient_norm: torch.Tensor
    gradient_distance: torch.Tensor
    beta: torch.Tensor


def along_gradient(gradient, parameters, lengths):
    """Walk from the parameters w along their gradient g to w - length g, for each of `lengths` (learning rates).

    Returns the losses, the l2 distances between the gradients there and here, and these over the distance moved,
    length |g|: Santurkar et al. 2018, on exploring the landscape. The parameters end up bit for bit as they began.
    """
    here = [parameter.detach().clone() for parameter in parameters]
    loss_here, gradient_here = gradient(parameters)
    losses, distances = [], []
    for length in lengths:
        _set(parameters, here)
        with torch.no_grad():
            torch._foreach_add_(parameters, gradient_here, alpha=-length)
        loss, there = gradient(parameters)
        losses.append(loss)
        distances.append(l2(torch._foreach_sub(there, gradient_here)))
    _set(parameters, here)
    norm, distances = l2(gradient_here), torch.stack(distances)
    moved = torch.stack([length * norm for length in lengths])  # on the device, since copying to it would wait for it
    return Walk(loss_here, torch.stack(losses), norm, distances, distances / moved)


def covariate_shift(gradient, groups, before):
    """(l2, cosine), each (layers,): how updating all earlier layers changes the gradient of each layer.

    `groups` holds each layer's parameters, from the input on, with their values after an update, and `before` holds
    their values before it. The gradient of layer i with no layer updated is compared with that where only the layers
    before it are updated: definition 2.1 of Santurkar et al. 2018. The first layer has none before it: distance 0,
    cosine 1. The parameters end up bit for bit as they began.
    """
    after = [[parameter.detach().clone() for parameter in group] for group in groups]
    for group, values in zip(groups, before, strict=True):
        _set(group, values)
    _, gradients = gradient([parameter for group in groups for parameter in group])
    remaining = iter(gradients)
    distances, cosines = [], []
    for index, group in enumerate(groups):
        here = [next(remaining) for _ in group]
        there = here
        if index:
            _set(groups[index - 1], after[index - 1])
            _, there = gradient(group)
        distances.append(l2(torch._foreach_sub(there, here)))
        dot = sum((one.double() * other.double()).sum() for one, other in zip(here, there, strict=True))
        cosines.append(dot / (l2(here) * l2(there)))
    _set(groups[-1], after[-1])
    return torch.stack(distances), torch.stack(cosines)


def gradient_of(objective, parameters):
    """(value, gradient by parameter) of a function without arguments; `.grad` is neither read nor written."""
    value = objective()
    return value.detach(), torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)


def l2(tensors):
    """The l2 norm of all the tensors' elements together: 0-dimensional, float64."""
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors, 2, dtype=torch.float64)))


@torch.no_grad()
def _set(parameters, values):
    torch._foreach_copy_(parameters, values)
