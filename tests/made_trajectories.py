"""Paths of an optimiser along noisy gradients, in float64, for comparing two of them step by step."""

import itertools

import torch
from torch import nn

SHAPES = ((4, 3), (5,), ())


def grid(**options):
    """Every combination of the options' values."""
    return [dict(zip(options, values, strict=True)) for values in itertools.product(*options.values())]


def named(options):
    return "-".join(f"{key}={value}" for key, value in options.items())


def parameters(shapes=SHAPES, seed=0):
    torch.manual_seed(seed)
    return [nn.Parameter(torch.randn(shape, dtype=torch.float64)) for shape in shapes]


def give_gradients(parameters, step, seed=0):
    """Gradients of a noisy quadratic; the second parameter has none in the first steps, nor in a later one."""
    generator = torch.Generator().manual_seed(1000 * seed + step)
    for index, parameter in enumerate(parameters):
        noise = torch.randn(parameter.shape, dtype=torch.float64, generator=generator)
        absent = index == 1 and (step < 3 or step == 20)
        parameter.grad = None if absent else 0.3 * parameter.detach() + noise


def trajectory(make, shapes, steps=200):
    """(steps, weights): the weights after each step of the optimiser that `make` returns for them."""
    weights, found = parameters(shapes), []
    optimizer = make(weights)
    for step in range(steps):
        give_gradients(weights, step)
        optimizer.step()
        found.append(torch.cat([weight.detach().flatten() for weight in weights]))
    return torch.stack(found)


def assert_equal_on_the_way(ours, theirs, shapes=SHAPES):
    """Two optimisers agree from the same start, each with gradients at its own weights."""
    one, other = trajectory(ours, shapes), trajectory(theirs, shapes)
    torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)
    assert (one[1:] != one[:-1]).any(1).all()
