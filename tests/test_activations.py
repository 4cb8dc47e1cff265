"""Every registered activation against PyTorch's module of that name."""

import pytest
import torch
from torch import nn

from models.activations import ACTIVATIONS
from models.registry import build_model, list_models
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.record import Cell

MODULES = {
    "relu": nn.ReLU(),
    "leaky_relu": nn.LeakyReLU(),
    "elu": nn.ELU(),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "tanh": nn.Tanh(),
}


def test_none_is_left_out():
    assert set(ACTIVATIONS) == set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_values_and_gradients_are_pytorchs(name):
    ours = torch.linspace(-6, 6, 201, dtype=torch.float64).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    values, expected = ACTIVATIONS[name](ours), MODULES[name](theirs)
    values.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(values, expected, rtol=1e-14, atol=0)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("model", list_models())
def test_every_network_takes_every_activation(model, name):
    torch.manual_seed(0)
    network = build_model(model, "bn", 10, (3, 32, 32), width=1 / 16, activation=name).double()
    other = build_model(model, "bn", 10, (3, 32, 32), width=1 / 16, activation="silu" if name != "silu" else "elu")
    other.double().load_state_dict(network.state_dict())
    images = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    assert network(images).isfinite().all()
    assert not torch.equal(network(images), other(images))


def test_an_unknown_one_lists_the_known():
    with pytest.raises(UserError, match="activation: 'rleu': unknown activation; known: relu, leaky_relu, elu, gelu"):
        config.parse(Cell, {"activation": "rleu"}, "the cell's record")
    with pytest.raises(ValueError, match="unknown activation 'rleu'; known: elu, gelu"):
        build_model("cifar_net", activation="rleu")
