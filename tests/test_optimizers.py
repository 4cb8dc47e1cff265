"""Our optimisers compared with PyTorch's, step by step in float64, for all combinations of options; and in cells."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from models.registry import build_model
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.runs import checkpoints
from workflow_scripts.engine.training.optimizers import OPTIMIZERS
from workflow_scripts.engine.training.own_optimizers import COEFFICIENTS, Muon, OwnAdam, OwnSGD, orthogonalized
from workflow_scripts.engine.training.trainer import Training

CPU = torch.device("cpu")
CONVERGENT = (15 / 8, -5 / 4, 3 / 8)  # a polynomial that maps every singular value to 1
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


SGD = [
    options
    for options in grid(
        momentum=[0, 0.9], dampening=[0, 0.3], nesterov=[False, True], weight_decay=[0, 0.05], maximize=[False, True]
    )
    if not options["nesterov"] or (options["momentum"] and not options["dampening"])
]


@pytest.mark.parametrize("options", SGD, ids=named)
def test_sgd_equals_pytorchs(options):
    assert_equal_on_the_way(lambda p: OwnSGD(p, 0.01, **options), lambda p: torch.optim.SGD(p, 0.01, **options))


def test_the_momentum_is_not_the_gradient_into_which_a_graph_writes_the_next_one():
    pairs = []
    for kind in (OwnSGD, torch.optim.SGD):
        (weight,) = parameters([(4, 3)])
        weight.grad = torch.empty_like(weight)
        pairs.append((weight, kind([weight], 0.01, momentum=0.9)))
    for step in range(5):
        for weight, optimizer in pairs:
            weight.grad.fill_(step + 1)
            optimizer.step()
    torch.testing.assert_close(pairs[0][0], pairs[1][0])


ADAM = [
    {**numbers, **switches}
    for numbers in ({}, {"betas": (0.0, 0.5), "eps": 0.1, "weight_decay": 0.05}, {"weight_decay": 0.05})
    for switches in grid(amsgrad=[False, True], decoupled_weight_decay=[False, True], maximize=[False, True])
]


@pytest.mark.parametrize("options", ADAM, ids=named)
def test_adam_equals_pytorchs(options):
    assert_equal_on_the_way(lambda p: OwnAdam(p, 0.01, **options), lambda p: torch.optim.Adam(p, 0.01, **options))


MUON = [
    {**numbers, **options}
    for numbers in ({"weight_decay": 0}, {"weight_decay": 0.1, "momentum": 0, "ns_steps": 2})
    for options in grid(nesterov=[False, True], adjust_lr_fn=[None, "original", "match_rms_adamw"])
]


@pytest.mark.parametrize("options", MUON, ids=named)
def test_muon_equals_pytorchs(options):
    """Both orthogonalize in bfloat16, with the same operations; everything else is in float64."""
    assert_equal_on_the_way(
        lambda p: Muon(p, 0.01, **options),
        lambda p: torch.optim.Muon(p, 0.01, **options),
        shapes=((4, 3), (3, 5), (4, 4)),
    )


@pytest.mark.parametrize("options", grid(ns_coefficients=[COEFFICIENTS, CONVERGENT], eps=[1e-7, 100.0]), ids=named)
def test_muon_equals_pytorchs_with_other_polynomials(options):
    assert_equal_on_the_way(
        lambda p: Muon(p, 0.01, **options), lambda p: torch.optim.Muon(p, 0.01, **options), shapes=((4, 3), (3, 5))
    )


def by_singular_values(matrix, coefficients, steps):
    """What `orthogonalized` computes, in closed form: the polynomial on each singular value."""
    a, b, c = coefficients
    u, s, v = torch.linalg.svd(matrix / matrix.norm(), full_matrices=False)
    for _ in range(steps):
        s = a * s + b * s**3 + c * s**5
    return u @ s.diag() @ v


@pytest.mark.parametrize("shape", [(6, 6), (3, 8), (8, 3), (1, 4)])
@pytest.mark.parametrize("steps", [1, 5])
def test_orthogonalized_is_the_polynomial_of_the_singular_values(shape, steps):
    torch.manual_seed(0)
    matrix = torch.randn(shape, dtype=torch.float64)
    expected = by_singular_values(matrix, COEFFICIENTS, steps)
    torch.testing.assert_close(orthogonalized(matrix, steps=steps), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("shape", [(16, 16), (16, 144), (40, 9)])
def test_orthogonalized_is_orthogonal(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape, dtype=torch.float64)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    torch.testing.assert_close(orthogonalized(matrix, CONVERGENT, 60), u @ v, rtol=1e-9, atol=1e-9)
    for dtype, slack in ((torch.float64, 0.0), (torch.bfloat16, 0.05)):
        values = torch.linalg.svdvals(orthogonalized(matrix.to(dtype)).double())
        assert values.min() > 0.3 - slack and values.max() < 1.21 + slack
        assert values.median() == pytest.approx(0.95, abs=0.25)


def test_orthogonalized_of_nothing_is_nothing():
    assert torch.equal(orthogonalized(torch.zeros(3, 4)), torch.zeros(3, 4))


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
    """A network whose weights are all matrices, as torch.optim.Muon requires."""

    def __init__(self):
        super().__init__(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3))


def test_registered_muon_is_pytorchs_muon_and_adamw():
    networks = []
    for ours in (True, False):
        torch.manual_seed(0)
        network = Plain().double()
        hidden = [network[0].weight, network[2].weight]
        others = [p for p in network.parameters() if all(p is not weight for weight in hidden)]
        if ours:
            optimizers = [OPTIMIZERS["muon"](network.parameters(), 0.01, 0.1)]
        else:
            muon = torch.optim.Muon(hidden, 0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
            optimizers = [muon, torch.optim.AdamW(others, 0.01, weight_decay=0.1)]
        images, labels = torch.randn(32, 6, dtype=torch.float64), torch.randint(0, 3, (32,))
        for _ in range(200):
            network.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
            for optimizer in optimizers:
                optimizer.step()
        networks.append(network)
    for one, other in zip(*(network.parameters() for network in networks), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("model", ["cifar_net", "vgg38"])
def test_registered_muon_leaves_the_last_layer_to_adamw(model):
    network = build_model(model, "bn_rc", width=0.25)
    groups = {
        group["method"]: group["params"] for group in OPTIMIZERS["muon"](network.parameters(), 1.0, 0).param_groups
    }
    weights = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    assert [id(weight) for weight in groups["muon"]] == [id(weight) for weight in weights[:-1]]
    assert any(parameter is network.classifier.weight for parameter in groups["adamw"])
    assert sum(map(len, groups.values())) == len(list(network.parameters()))


PYTORCHS = {
    "adam": lambda p: torch.optim.Adam(p, 0.01, weight_decay=0.05),
    "adamw": lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.05),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.01, weight_decay=0.05),
    "sgd": lambda p: torch.optim.SGD(p, 0.01, weight_decay=0.05),
    "momentum": lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, weight_decay=0.05),
    "nesterov": lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True, weight_decay=0.05),
}


@pytest.mark.parametrize("name", PYTORCHS)
def test_unguarded_optimisers_give_the_bits_of_pytorchs(name):
    ours, theirs = parameters(((4, 3, 2), (5,))), parameters(((4, 3, 2), (5,)))
    pairs = [(ours, OPTIMIZERS[name](ours, 0.01, 0.05)), (theirs, PYTORCHS[name](theirs))]
    for step in range(20):
        for weights, optimizer in pairs:
            give_gradients(weights, step)
            optimizer.step()
            optimizer.load_state_dict(optimizer.state_dict())
            optimizer.zero_grad()
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_goes_on_from_a_file(name, tmp_path):
    """50 steps, a checkpoint and 50 more with another optimiser object give the same bits as 100 in one go."""
    shapes, path = ((4, 3, 2), (5,), (3, 4)), tmp_path / "checkpoint"
    whole, first = parameters(shapes), parameters(shapes)
    straight, before = (OPTIMIZERS[name](weights, 0.01, 0.05) for weights in (whole, first))
    for step in range(100):
        give_gradients(whole, step)
        straight.step()
        if step < 50:
            give_gradients(first, step)
            before.step()
    checkpoints.save(path, "key", {"optimizer": before.state_dict()})
    second = [nn.Parameter(weight.detach().clone()) for weight in first]
    after = OPTIMIZERS[name](second, 0.5, 0.5)  # the state contains the options too
    after.load_state_dict(checkpoints.load(path, "key")[0]["optimizer"])
    for step in range(50, 100):
        give_gradients(second, step)
        after.step()
    assert all(torch.equal(one, other) for one, other in zip(whole, second, strict=True))


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "nesterov", "momentum"])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_an_update_is_one_kernel_on_a_gpu_alone(name, device):
    optimizer = OPTIMIZERS[name](iter([nn.Parameter(torch.ones(3, device=device))]), 0.1, 0.0)
    assert bool(optimizer.param_groups[0]["fused"]) == (device == "cuda")


def test_a_closure_gives_the_loss():
    weight = nn.Parameter(torch.tensor([2.0]))

    def closure():
        weight.grad = None
        loss = (weight**2).sum()
        loss.backward()
        return loss

    assert OwnSGD([weight], 0.25).step(closure) == 4 and weight.item() == 1


@pytest.mark.parametrize("ours, theirs", [(OwnSGD, "SGD"), (OwnAdam, "Adam"), (Muon, "Muon")])
def test_defaults_are_pytorchs(ours, theirs):
    own, others = (kind(parameters([(2, 2)])).defaults for kind in (ours, getattr(torch.optim, theirs)))
    assert {key: value for key, value in own.items() if key != "precision"}.items() <= others.items()


BAD = [
    (OwnSGD, {"lr": -1.0}, "lr is -1.0: expected at least 0"),
    (OwnSGD, {"momentum": -0.1}, "momentum is -0.1: expected at least 0"),
    (OwnSGD, {"weight_decay": -1}, "weight_decay is -1: expected at least 0"),
    (OwnSGD, {"nesterov": True}, "momentum is 0: expected above 0 with nesterov"),
    (OwnSGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "dampening is 0.1: expected 0 with nesterov"),
    (OwnAdam, {"lr": float("nan")}, "lr is nan"),
    (OwnAdam, {"betas": (0.9, 1.0)}, "betas is (0.9, 1.0): expected two numbers in [0, 1)"),
    (OwnAdam, {"eps": -1e-8}, "eps is -1e-08: expected at least 0"),
    (Muon, {"momentum": 1.5}, "momentum is 1.5: expected from 0 to 1"),
    (Muon, {"ns_coefficients": (1, 2)}, "ns_coefficients is (1, 2): expected three numbers"),
    (Muon, {"ns_steps": 0}, "ns_steps is 0: expected from 1 to 99"),
    (Muon, {"adjust_lr_fn": "mine"}, "adjust_lr_fn is 'mine': expected one of original, match_rms_adamw"),
    (Muon, {"precision": "int8"}, "precision is 'int8': expected one of bfloat16"),
]


@pytest.mark.parametrize(("kind", "options", "message"), BAD, ids=lambda value: str(value))
def test_an_option_out_of_range_is_named(kind, options, message):
    with pytest.raises(ValueError) as error:
        kind(parameters([(2, 2)]), **options)
    assert message in str(error.value)


def test_muon_refuses_a_vector():
    with pytest.raises(ValueError, match=r"shape of a parameter is \(5,\): expected two or more dimensions"):
        Muon(parameters())


class Killed(Exception):
    """Stands for a SIGKILL: whatever is not in the checkpoint is lost."""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_run_killed_within_an_epoch_ends_with_the_same_bits(name, digits, tmp_path):
    network = {"model": "cifar_net", "block": "bn_rc", "width": 0.125, "dropout": 0.1}
    cell = Cell(**network, optimizer=name, epochs=2, train_items=500, weight_decay=0.01)
    undisturbed = Training(cell, digits, CPU)
    while not undisturbed.finished:
        undisturbed.run_epoch()

    killed = Training(cell, digits, CPU)

    def kill():
        if (killed.progress.epoch, killed.progress.step) == (1, 2):
            checkpoints.save(tmp_path / "checkpoint", "key", killed.state_dict())
            raise Killed

    with pytest.raises(Killed):
        while True:
            killed.run_epoch(kill)
    resumed = Training(cell, digits, CPU)
    resumed.load_state_dict(checkpoints.load(tmp_path / "checkpoint", "key")[0])
    assert all(torch.equal(value, killed.best[key]) for key, value in resumed.best.items())
    while not resumed.finished:
        resumed.run_epoch()
    assert [row[:-1] for row in resumed.history] == [row[:-1] for row in undisturbed.history]
    assert resumed.gradient_rows == undisturbed.gradient_rows
    for one, other in zip(resumed.model.parameters(), undisturbed.model.parameters(), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(resumed.step_losses, undisturbed.step_losses)


@pytest.mark.parametrize(("ours", "theirs"), [("own_sgd", "momentum"), ("own_adam", "adam")])
def test_our_own_train_as_pytorchs_do(ours, theirs, digits):
    losses = []
    for name in (ours, theirs):
        cell = Cell(model="cifar_net", block="bn_rc", width=0.125, optimizer=name, epochs=1, weight_decay=0.01)
        training = Training(cell, digits, CPU)
        training.run_epoch()
        losses.append(training.step_losses.tolist())
    np.testing.assert_allclose(*losses, rtol=1e-3)


WRONG = {
    "optimizer: 'adamax': unknown optimizer; known: adam, adamw, sgd, nesterov": {"optimizer": "adamax"},
    "lr: 0: Input should be greater than 0": {"lr": 0},
    "lr: -0.1: Input should be greater than 0": {"lr": -0.1},
    "weight_decay: -1: Input should be greater than or equal to 0": {"weight_decay": -1},
}


@pytest.mark.parametrize(("message", "record"), WRONG.items(), ids=WRONG)
def test_a_wrong_record_is_one_clear_message(message, record):
    with pytest.raises(UserError) as error:
        config.parse(Cell, record, "the cell's record")
    assert message in str(error.value)
