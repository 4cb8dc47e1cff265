"""Muon compared with PyTorch's and with its closed form in singular values; and which weights it is given."""

import pytest
import torch
from torch import nn

from models.registry import build_model
from tests.made_trajectories import assert_equal_on_the_way, give_gradients, grid, named, parameters
from workflow_scripts.engine.training.optimizers import OPTIMIZERS
from workflow_scripts.engine.training.own_optimizers import COEFFICIENTS, Muon, orthogonalized

CONVERGENT = (15 / 8, -5 / 4, 3 / 8)  # a polynomial that maps every singular value to 1
MUON = [
    {**numbers, **options}
    for numbers in ({"weight_decay": 0}, {"weight_decay": 0.1, "momentum": 0, "ns_steps": 2})
    for options in grid(nesterov=[False, True], adjust_lr_fn=[None, "original", "match_rms_adamw"])
]


SHAPES = ((4, 3), (3, 5), (4, 4), (3, 5), (3, 4), (4, 3), (3, 5), (1, 6))  # tall, wide, square; alone, and in stacks


@pytest.fixture
def float64(monkeypatch):
    """Let PyTorch's Muon orthogonalize in float64: it sums products one matrix at a time, which bfloat16 would show."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda matrix: matrix.to(torch.float64, copy=True))
    monkeypatch.setattr(torch, "bfloat16", torch.float64)  # which PyTorch 2.15 asks for by its name instead


@pytest.mark.parametrize("options", MUON, ids=named)
def test_muon_equals_pytorchs(float64, options):
    assert_equal_on_the_way(
        lambda p: Muon(p, 0.01, precision="float64", **options),
        lambda p: torch.optim.Muon(p, 0.01, **options),
        shapes=SHAPES,
    )


@pytest.mark.parametrize("options", grid(ns_coefficients=[COEFFICIENTS, CONVERGENT], eps=[1e-7, 100.0]), ids=named)
def test_muon_equals_pytorchs_with_other_polynomials(float64, options):
    assert_equal_on_the_way(
        lambda p: Muon(p, 0.01, precision="float64", **options),
        lambda p: torch.optim.Muon(p, 0.01, **options),
        shapes=SHAPES,
    )


def test_a_step_in_bfloat16_is_pytorchs():
    """To the rounding of its products: the weights and gradients are the same."""
    ours, theirs = parameters(SHAPES), parameters(SHAPES)
    for weights, kind in ((ours, Muon), (theirs, torch.optim.Muon)):
        give_gradients(weights, 30)
        kind(weights, 1.0, weight_decay=0).step()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0.02)


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-12), ("float32", 1e-5), ("bfloat16", 0.02)])
@pytest.mark.parametrize("shape", [(4, 3), (3, 5), (4, 4), (64, 27), (16, 144)])
def test_a_stack_is_orthogonalized_as_its_matrices_are(shape, precision, tolerance):
    torch.manual_seed(0)
    matrices = torch.randn(5, *shape, dtype=torch.float64).to(getattr(torch, precision))
    expected = torch.cat([orthogonalized(matrix[None]) for matrix in matrices])
    torch.testing.assert_close(orthogonalized(matrices), expected, rtol=0, atol=tolerance)


def test_no_weight_is_moved_by_another_of_its_shape():
    """Convolutions too, in the order in which their memory lies on a GPU."""
    shapes = [*SHAPES, (4, 2, 3, 3), (2, 4, 3, 3), (4, 2, 3, 3)]
    together, alone = ([weight.detach() for weight in parameters(shapes)] for _ in range(2))
    for weights in (together, alone):
        weights[-3:] = [weight.to(memory_format=torch.channels_last) for weight in weights[-3:]]
    optimizers = [Muon(together, 0.01, precision="float64"), *(Muon([one], 0.01, precision="float64") for one in alone)]
    for step in range(50):
        for weights in (together, alone):
            give_gradients(weights, step)
        for optimizer in optimizers:
            optimizer.step()
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-10)


def by_singular_values(matrix, coefficients, steps):
    """What `orthogonalized` computes, in closed form: the polynomial on each singular value."""
    a, b, c = coefficients
    u, s, v = torch.linalg.svd(matrix / max(matrix.norm(), 1e-7), full_matrices=False)
    for _ in range(steps):
        s = a * s + b * s**3 + c * s**5
    return u @ s.diag() @ v


@pytest.mark.parametrize("shape", [(6, 6), (3, 8), (8, 3), (1, 4)])
@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize("size", [1.0, 1e-9])
def test_orthogonalized_is_the_polynomial_of_the_singular_values(shape, steps, size):
    torch.manual_seed(0)
    matrix = size * torch.randn(shape, dtype=torch.float64)
    expected = by_singular_values(matrix, COEFFICIENTS, steps)
    torch.testing.assert_close(orthogonalized(matrix[None], steps=steps)[0], expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("shape", [(16, 16), (16, 144), (40, 9)])
def test_orthogonalized_is_orthogonal(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape, dtype=torch.float64)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    torch.testing.assert_close(orthogonalized(matrix[None], CONVERGENT, 60)[0], u @ v, rtol=1e-9, atol=1e-9)
    for dtype, slack in ((torch.float64, 0.0), (torch.bfloat16, 0.05)):
        values = torch.linalg.svdvals(orthogonalized(matrix[None].to(dtype))[0].double())
        assert values.min() > 0.3 - slack and values.max() < 1.21 + slack
        assert values.median() == pytest.approx(0.95, abs=0.25)


def test_orthogonalized_of_nothing_is_nothing():
    assert torch.equal(orthogonalized(torch.zeros(1, 3, 4)), torch.zeros(1, 3, 4))


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_muon_takes_a_convolution_as_a_matrix_of_filters(precision):
    """200 steps compared with Muon written out with singular values, which is exact only in float64."""
    shape, lr, decay, momentum = (4, 2, 3, 3), 0.02, 0.1, 0.95
    (ours,), (theirs,) = parameters([shape], seed=1), parameters([shape], seed=1)
    ours.data = ours.data.to(memory_format=torch.channels_last)
    optimizer = Muon([ours], lr, decay, momentum, adjust_lr_fn="match_rms_adamw", precision=precision)
    buffer, w = torch.zeros(4, 18, dtype=torch.float64), theirs.detach().view(4, 18)
    for step in range(200):
        give_gradients([theirs], step)  # the same for both, so that bfloat16 can differ only by its rounding
        ours.grad = theirs.grad.clone(memory_format=torch.channels_last)
        optimizer.step()
        gradient = theirs.grad.view(4, 18)
        buffer = momentum * buffer + (1 - momentum) * gradient
        direction = by_singular_values((1 - momentum) * gradient + momentum * buffer, COEFFICIENTS, 5)
        w.mul_(1 - lr * decay).sub_(lr * 0.2 * 18**0.5 * direction)
    tolerance = {"float64": 1e-9, "bfloat16": 0.03}[precision]
    assert (ours.detach().reshape(4, 18) - w).norm() < tolerance * w.norm()


class Plain(nn.Sequential):
    """A network whose weights are all matrices, as torch.optim.Muon requires, and no gradient is only rounding."""

    def __init__(self):
        hidden = nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh()
        super().__init__(*hidden, nn.Linear(8, 3))


def test_registered_muon_is_pytorchs_muon_and_adamw(float64):
    networks = []
    for ours in (True, False):
        torch.manual_seed(0)
        network = Plain().double()
        hidden = [network[2].weight]
        others = [p for p in network.parameters() if p is not hidden[0]]
        if ours:
            optimizers = [OPTIMIZERS["muon"](network.parameters(), 0.01, 0.1)]
            optimizers[0].param_groups[0]["precision"] = "float64"
        else:
            muon = torch.optim.Muon(hidden, 0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
            optimizers = [muon, torch.optim.AdamW(others, 0.01, weight_decay=0.1)]
        for _ in range(200):
            images, labels = torch.randn(32, 6, dtype=torch.float64), torch.randint(0, 3, (32,))
            network.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
            for optimizer in optimizers:
                optimizer.step()
        networks.append(network)
    for one, other in zip(*(network.parameters() for network in networks), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("model", "block", "options", "outer"),
    [
        ("cifar_net", "bn_rc", {}, {"stages.0.entry.conv", "classifier"}),
        ("vgg38", "bn_rc_proj", {}, {"entry.conv", "classifier"}),  # projections are hidden layers
        (
            *("vgg38", "bn", {"supervision": 0.3}),
            {"entry.conv", "stages.0.companion", "stages.1.companion", "classifier"},
        ),
        ("vgg_a", "bn", {}, {"features.0", "classifier.4"}),  # whose hidden layers are matrices, too
    ],
)
def test_registered_muon_leaves_the_first_layer_and_those_that_give_logits_to_adamw(model, block, options, outer):
    network = build_model(model, block, num_classes=10, width=0.25, **options)
    groups = {
        group["method"]: group["params"] for group in OPTIMIZERS["muon"](network.parameters(), 1.0, 0).param_groups
    }
    layers = {id(weight): name.removesuffix(".weight") for name, weight in network.named_parameters()}
    weights = [id(weight) for weight in network.parameters() if weight.ndim > 1]
    assert [id(weight) for weight in groups["muon"]] == [one for one in weights if layers[one] not in outer]
    assert outer < {layers[id(parameter)] for parameter in groups["adamw"]}
    assert sum(map(len, groups.values())) == len(list(network.parameters()))


@pytest.mark.parametrize("layers", [1, 2])
def test_registered_muon_is_adamw_for_a_network_without_hidden_weights(layers):
    network = nn.Sequential(*(nn.Linear(4, 4) for _ in range(layers)))
    (group,) = OPTIMIZERS["muon"](network.parameters(), 1.0, 0).param_groups
    assert group["method"] == "adamw" and len(group["params"]) == 2 * layers


def test_muon_refuses_a_vector():
    with pytest.raises(ValueError, match=r"shape of a parameter is \(5,\): expected two or more dimensions"):
        Muon(parameters())
