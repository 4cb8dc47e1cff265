"""What is said of an optimiser's steps by its name is true of its steps."""

import pytest
import torch

from workflow_scripts.engine import code
from workflow_scripts.engine.training.optimizers import OPTIMIZERS
from workflow_scripts.engine.training.step_sizes import ALONG, SMALLEST


def moved(name, size):
    """How far the first step moves the weights of a first layer whose gradient has this mean size."""
    weights = [torch.nn.Parameter(torch.zeros(32, 32, 3, 3)) for _ in range(3)]
    optimizer = OPTIMIZERS[name](weights, 1e-3, 0.0)
    for weight in weights:
        weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)) * size * 1.25
    optimizer.step()
    return weights[0].norm().item()


def test_of_every_optimiser_it_is_known():
    assert {*ALONG, *SMALLEST} == set(code.registered("optimizer")) and not {*ALONG} & {*SMALLEST}


@pytest.mark.parametrize("name", ALONG)
def test_a_step_along_the_gradient_has_its_size(name):
    assert moved(name, 1e-4) / moved(name, 1e-6) == pytest.approx(100)


@pytest.mark.parametrize("name", SMALLEST)
def test_other_steps_shrink_only_below_a_limit(name):
    limit = SMALLEST[name]
    assert moved(name, 1000 * limit) == pytest.approx(moved(name, 1.0), rel=0.1)
    assert moved(name, limit / 100) < 0.2 * moved(name, 1.0)
