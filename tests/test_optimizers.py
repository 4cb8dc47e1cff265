"""Our optimisers compared with PyTorch's, step by step in float64, for all combinations of options; and in cells."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.captured_runs import CAPTURED, as_on_a_gpu
from tests.made_trajectories import assert_equal_on_the_way, give_gradients, grid, named, parameters
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.runs import checkpoints
from workflow_scripts.engine.training.captured_update import same_kernels
from workflow_scripts.engine.training.optimizers import OPTIMIZERS
from workflow_scripts.engine.training.own_optimizers import Muon, OwnAdam, OwnSGD
from workflow_scripts.engine.training.trainer import Training

CPU = torch.device("cpu")
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


@pytest.mark.parametrize(("ours", "theirs"), [("own_sgd", "momentum"), ("own_adam", "adam")])
def test_our_own_are_given_rate_and_weight_decay(ours, theirs):
    assert_equal_on_the_way(lambda p: OPTIMIZERS[ours](p, 0.01, 0.05), PYTORCHS[theirs])


@pytest.mark.parametrize("name", CAPTURED)
def test_on_a_gpu_the_rate_may_be_a_tensor(name):
    """It is the same optimiser as elsewhere, which is given numbers."""

    def weights_after(rate, steps=100):
        weights = parameters(((4, 3, 2), (5,), (4, 3, 2), (3, 4)))
        optimizer = OPTIMIZERS[name](weights, 0.01, 0.05)
        for step in range(steps):
            give_gradients(weights, 100 + step)
            for group in optimizer.param_groups:
                group["lr"] = rate(0.01 * (1 - step / steps))
            if name == "muon":
                optimizer.param_groups[0]["precision"] = "float64"
            optimizer.step()
        return weights

    expected = weights_after(float)
    with as_on_a_gpu():
        found = weights_after(lambda rate: torch.tensor(rate, dtype=torch.float64))
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


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


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "nesterov", "momentum", "rmsprop"])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_an_update_is_a_few_kernels_on_a_gpu_alone(name, device):
    optimizer = OPTIMIZERS[name](iter([nn.Parameter(torch.ones(3, device=device))]), 0.1, 0.0)
    assert bool(optimizer.param_groups[0]["foreach" if name == "rmsprop" else "fused"]) == (device == "cuda")


@pytest.mark.parametrize("other", [False, True])
def test_an_update_needs_nothing_from_the_host_only_if_none_of_its_groups_does(other):
    groups = [{"params": parameters([(2, 2)]), "fused": fused} for fused in (True, other)]
    assert same_kernels(torch.optim.SGD(groups, 0.1)) == other


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
    (OwnAdam, {"betas": (0.9,)}, "betas is (0.9,): expected two numbers in [0, 1)"),
    (Muon, {"lr": -1.0}, "lr is -1.0: expected at least 0"),
    (Muon, {"eps": -1e-7}, "eps is -1e-07: expected at least 0"),
    (Muon, {"momentum": 1.5}, "momentum is 1.5: expected from 0 to 1"),
    (Muon, {"ns_coefficients": (1, 2)}, "ns_coefficients is (1, 2): expected three numbers"),
    (Muon, {"ns_steps": 0}, "ns_steps is 0: expected from 1 to 99"),
    (Muon, {"ns_steps": 100}, "ns_steps is 100: expected from 1 to 99"),
    (Muon, {"adjust_lr_fn": "mine"}, "adjust_lr_fn is 'mine': expected one of original, match_rms_adamw"),
    (Muon, {"precision": "int8"}, "precision is 'int8': expected one of bfloat16"),
]


@pytest.mark.parametrize(("kind", "options", "message"), BAD, ids=lambda value: str(value))
def test_an_option_out_of_range_is_named(kind, options, message):
    with pytest.raises(ValueError) as error:
        kind(parameters([(2, 2)]), **options)
    assert message in str(error.value)


EDGES = [
    *((kind, {"lr": 0.0}) for kind in (OwnSGD, OwnAdam, Muon)),
    (OwnAdam, {"eps": 0.0}),
    (OwnAdam, {"betas": (0.0, 0.0)}),
    *((Muon, {key: value}) for key, value in (("eps", 0.0), ("momentum", 1.0), ("ns_steps", 1), ("ns_steps", 99))),
]


@pytest.mark.parametrize(("kind", "options"), EDGES, ids=str)
def test_an_option_at_the_edge_of_its_range_is_taken(kind, options):
    (group,) = kind(parameters([(2, 2)]), **options).param_groups
    assert options.items() <= group.items()


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
