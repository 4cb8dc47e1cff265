"""Batch norms count their batches together as each of them would, and nothing else is different."""

import contextlib
import copy

import pytest
import torch
from torch import nn

from models.registry import build_model
from tests.empty_device import META, EmptyDevice
from workflow_scripts.engine.training.batch_counters import BatchCounters


def network(**options):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, **options), nn.Flatten(), nn.BatchNorm1d(4 * 36))


def passed(model, counters=None):
    """What a forward pass gives, and the model's state after it."""
    images = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    with counters or torch.enable_grad():
        found = model(images)
    return found, copy.deepcopy(model.state_dict())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"track_running_stats": False}, {"affine": False}])
def test_a_pass_leaves_what_it_leaves_without(options, training):
    plain, together = network(**options).train(training), network(**options).train(training)
    counters = BatchCounters(together)
    for _ in range(2):
        (expected, state), (found, changed) = passed(plain), passed(together, counters)
        assert torch.equal(expected, found) and list(state) == list(changed)
        assert all(torch.equal(state[name], changed[name]) for name in state)
    assert changed["3.num_batches_tracked"] == 2 * training


def test_a_pass_that_fails_counts_nothing():
    model = network()
    with pytest.raises(RuntimeError), BatchCounters(model):
        model(torch.zeros(5, 2, 8, 8))
    assert model.state_dict()["1.num_batches_tracked"] == 0


def test_all_counters_are_one_launch():
    with META:
        model = build_model("vgg38", "bn_rc", 10, (3, 8, 8), width=0.125)
        images = torch.zeros(2, 3, 8, 8)
    launches = []
    for counters in (contextlib.nullcontext(), BatchCounters(model)):
        with EmptyDevice() as empty, counters:
            model(images)
        launches.append(len(empty.launched))
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    assert launches[0] - launches[1] == norms - 1 > 30
