"""Every registered loss compared with PyTorch or its closed form; the penalties with their sums."""

import pytest
import torch
from torch.nn import functional as F

from models.registry import build_model
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.training.objectives import LOSSES, added_terms


def focal(logits, labels):
    p = torch.softmax(logits, 1)[range(len(labels)), labels]
    return sum(-((1 - q) ** 2) * torch.log(q) for q in p) / len(labels)


def smoothed(logits, labels):
    targets = torch.full_like(logits, 0.1 / logits.shape[1])
    targets[range(len(labels)), labels] += 0.9
    return F.cross_entropy(logits, targets)


def half_squared_distance(logits, labels):
    return F.mse_loss(logits, F.one_hot(labels, logits.shape[1]).to(logits.dtype)) * logits.shape[1] / 2


ORACLES = {
    "cross_entropy": lambda logits, labels: -torch.log_softmax(logits, 1)[range(len(labels)), labels].mean(),
    "label_smoothing": smoothed,
    "mse": half_squared_distance,
    "focal": focal,
}


@pytest.fixture(params=[10, 3])
def batch(request):
    torch.manual_seed(0)
    logits = 3 * torch.randn(6, request.param, dtype=torch.float64)
    return logits.requires_grad_(), torch.randint(0, request.param, (6,))


def test_none_is_left_out():
    assert set(LOSSES) == set(ORACLES)


@pytest.mark.parametrize("name", ORACLES)
def test_values_and_gradients_are_the_oracles(name, batch):
    logits, labels = batch
    value, expected = LOSSES[name](logits, labels), ORACLES[name](logits, labels)
    torch.testing.assert_close(value, expected, rtol=1e-12, atol=0)
    gradients = (torch.autograd.grad(loss, logits)[0] for loss in (value, expected))
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", ORACLES)
def test_gradients_are_those_of_finite_differences(name, batch):
    logits, labels = batch
    assert torch.autograd.gradcheck(lambda logits: LOSSES[name](logits, labels), (logits,))


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("size", [1e-6, 100.0])
def test_finite_where_logits_are_tiny_or_huge(name, size):
    logits = (size * torch.tensor([[1.0, -1.0, 0.5], [-1.0, 1.0, 0.0]])).requires_grad_()
    loss = LOSSES[name](logits, torch.tensor([0, 0]))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()


def test_the_gradient_of_mse_is_as_large_as_that_of_the_cross_entropy():
    """For logits of 0: it is 0 - target for MSE and 1/10 - target for the cross-entropy."""
    logits = torch.zeros(1, 10, requires_grad=True)
    mse, cross_entropy = (
        torch.autograd.grad(LOSSES[name](logits, torch.tensor([3])), logits)[0] for name in ("mse", "cross_entropy")
    )
    torch.testing.assert_close(cross_entropy - mse, torch.full((1, 10), 0.1))


@pytest.mark.parametrize(("l1", "l2"), [(0.3, 0.7), (0.3, 0.0), (0.0, 0.7)])
def test_penalties_are_over_weights_alone(l1, l2):
    model = build_model("cifar_net", "bn_rc", image_shape=(3, 8, 8), width=0.125).double()
    weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    expected = l1 * sum(w.abs().sum() for w in weights) + l2 / 2 * sum((w**2).sum() for w in weights)
    torch.testing.assert_close(added_terms(Cell(l1=l1, l2=l2), model, (), None, 0), expected)
    assert added_terms(Cell(), model, (), None, 0) == 0


def test_an_unknown_one_lists_the_known():
    with pytest.raises(UserError, match="loss: 'hinge': unknown loss; known: cross_entropy, label_smoothing, mse"):
        config.parse(Cell, {"loss": "hinge"}, "the cell's record")
