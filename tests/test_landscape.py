"""The landscape along a run: closed forms on quadratics, the run's own bits unchanged, curves over learning rates."""

import csv
import io
import json
import math
import re
from functools import partial
from typing import get_type_hints

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from tests.conftest import inside
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.configuration.studies import Measure
from workflow_scripts.engine.landscape import runs
from workflow_scripts.engine.training import networks, probes
from workflow_scripts.engine.training.gradients import weight_layers
from workflow_scripts.engine.training.observers import OBSERVERS
from workflow_scripts.engine.training.trainer import Training

CPU = torch.device("cpu")
TINY = {"model": "vgg08", "width": 0.125, "dataset": "digits", "augmentation": "none", "lr": 0.1, "epochs": 2}
MEASURED = {
    "lags": [1, 2, 5],
    "walk": {"step_sizes": [0.5, 4], "every": 5},
    "covariate_shift": {"every": 5},
}


@pytest.fixture(scope="module")
def quadratic():
    """f(w) = w'Aw / 2 - b'w in six dimensions, A positive definite: its gradient is Aw - b, its Hessian A."""
    generator = torch.Generator().manual_seed(0)
    root, b, w = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((6, 6), (6,), (6,)))
    return root @ root.T + torch.eye(6), b, w


def walked(quadratic, w, lengths):
    a, b, _ = quadratic
    parts = [part.clone().requires_grad_() for part in (w[:2], w[2:])]

    def objective():
        here = torch.cat(parts)
        return here @ a @ here / 2 - b @ here

    walk = probes.along_gradient(partial(probes.gradient_of, objective), parts, lengths)
    assert torch.equal(torch.cat(parts), w) and all(part.grad is None for part in parts)
    return walk


def test_a_walk_on_a_quadratic_is_known_exactly(quadratic):
    a, b, w = quadratic
    lengths = [0.05, 0.1, 0.4]
    walk = walked(quadratic, w, lengths)
    g = a @ w - b
    along = [w - length * g for length in lengths]
    expected = {
        "loss_here": w @ a @ w / 2 - b @ w,
        "loss": torch.stack([v @ a @ v / 2 - b @ v for v in along]),
        "gradient_norm": g.norm(),
        "gradient_distance": torch.stack([length * (a @ g).norm() for length in lengths]),
        "beta": ((a @ g).norm() / g.norm()).expand(3),
    }
    for name, value in expected.items():
        torch.testing.assert_close(getattr(walk, name), value, rtol=1e-12, atol=1e-12)
    assert (walk.beta <= torch.linalg.eigvalsh(a)[-1] * (1 + 1e-12)).all()


def test_beta_along_an_eigenvector_is_its_eigenvalue(quadratic):
    a, b, _ = quadratic
    values, vectors = torch.linalg.eigh(a)
    for value, vector in zip(values, vectors.T, strict=True):
        w = torch.linalg.solve(a, b) + 3 * vector  # along the eigenvector from the minimum, and so is the gradient
        beta = walked(quadratic, w, [0.1, 1.0]).beta
        torch.testing.assert_close(beta, value.expand(2), rtol=1e-9, atol=0)


def test_gradients_agree_with_finite_differences(quadratic):
    a, b, w = quadratic
    part = w.clone().requires_grad_()
    _, (g,) = probes.gradient_of(lambda: part @ a @ part / 2 - b @ part, [part])
    for index, unit in enumerate(torch.eye(6, dtype=torch.float64)):
        up, down = ((v @ a @ v / 2 - b @ v) for v in (w + 1e-6 * unit, w - 1e-6 * unit))
        assert g[index].item() == pytest.approx(((up - down) / 2e-6).item(), rel=1e-6)


def test_covariate_shift_of_a_linear_network_by_hand():
    """y = v u x with a batch of one number: the gradients of the loss (v u x - t)^2 / 2 are (vux - t) (v x, u x)."""
    x, t, (u, v), (u_new, v_new) = 3.0, 1.0, (0.5, -2.0), (0.7, -1.0)
    weights = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in (u_new, v_new)]

    def objective():
        return ((weights[1] * weights[0] * x - t) ** 2 / 2).sum()

    groups, before = [[weight] for weight in weights], [[torch.tensor([value]).double()] for value in (u, v)]
    distance, cosine = probes.covariate_shift(partial(probes.gradient_of, objective), groups, before)
    here, there = (v * u * x - t) * u * x, (v * u_new * x - t) * u_new * x  # the second layer's, the first moved or not
    assert distance.tolist() == pytest.approx([0, abs(there - here)], rel=1e-12)
    assert cosine.tolist() == pytest.approx([1, math.copysign(1, here * there)], rel=1e-12)
    assert [weight.item() for weight in weights] == [u_new, v_new]


def test_covariate_shift_of_two_matrices_by_hand():
    """y = V U x: the second layer's gradient is (V U x - t) (U x)', with U before or after its update."""
    generator = torch.Generator().manual_seed(1)
    u, v, u_new, v_new = torch.randn(4, 3, 3, generator=generator, dtype=torch.float64)
    x, t = torch.randn(2, 3, 8, generator=generator, dtype=torch.float64)
    weights = [weight.clone().requires_grad_() for weight in (u_new, v_new)]
    gradient = partial(probes.gradient_of, lambda: (weights[1] @ weights[0] @ x - t).square().sum() / 2)
    apart = torch.ones(3, dtype=torch.float64, requires_grad=True)  # takes no part in the loss, and counts as zero
    groups, before = [[weights[0]], [weights[1], apart]], [[u], [v, torch.zeros(3).double()]]
    distance, cosine = probes.covariate_shift(gradient, groups, before)
    here, there = ((v @ first @ x - t) @ (first @ x).T for first in (u, u_new))
    assert distance[1].item() == pytest.approx((there - here).norm().item(), rel=1e-12)
    assert cosine[1].item() == pytest.approx(((here * there).sum() / here.norm() / there.norm()).item(), rel=1e-12)
    assert distance[0] == 0 and cosine[0].item() == pytest.approx(1)


def trained(cell, data, measured=None):
    training = Training(cell, data, CPU, measured)
    while not training.finished:
        training.run_epoch()
    return training


def arrays(training):
    return {name: array for observer in training.observers.values() for name, array in observer.arrays().items()}


class Dropping(nn.Module):
    """A network that drops input pixels: dropout without needing a registered network."""

    def __init__(self, model):
        super().__init__()
        self.dropout, self.model = nn.Dropout(0.3), model

    def forward(self, x):
        return self.model(self.dropout(x))


CELLS = {
    "plain": {},
    "bn": {"block": "bn"},
    "momentum, penalty, clipped": {"block": "bn", "optimizer": "nesterov", "l2": 1e-3, "clip": 0.5},
    "bf16": {"block": "bn", "precision": "bf16"},
    "adam": {"optimizer": "adam", "lr": 1e-3},
}


@pytest.mark.parametrize("dropout", [False, True], ids=["", "dropout"])
@pytest.mark.parametrize("changes", CELLS.values(), ids=CELLS)
def test_measuring_leaves_the_run_bit_for_bit_as_it_was(digits, monkeypatch, changes, dropout):
    if dropout:
        build = networks.build
        monkeypatch.setattr(networks, "build", lambda *given: Dropping(build(*given)))
    cell = Cell(**{**TINY, "block": "bn", "optimizer": "sgd", **changes})
    alone, watched = trained(cell, digits), trained(cell, digits, MEASURED)
    assert [row[:6] for row in watched.history] == [row[:6] for row in alone.history]
    assert watched.gradient_rows == alone.gradient_rows
    assert torch.equal(watched.step_losses, alone.step_losses)
    state = alone.model.state_dict()
    for name, value in watched.model.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert torch.equal(watched.state_dict()["random"], alone.state_dict()["random"])
    found = arrays(watched)
    assert all(np.isfinite(array).all() for name, array in found.items() if name.startswith(("walk_", "shift_l2")))
    if not dropout:  # the loss here is the one that the step itself minimised
        losses = watched.step_losses.numpy()[found["walk_steps"]]
        compare = np.testing.assert_array_less if "l2" in changes else np.testing.assert_array_equal
        compare(losses, found["walk_loss_here"])


def test_what_is_measured_is_what_the_run_did(digits):
    """Compared with a second run, whose weights and gradients are inspected from outside."""
    cell = Cell(**TINY, block="bn", optimizer="sgd", schedule="constant")
    found = arrays(trained(cell, digits, MEASURED))
    training = Training(cell, digits, CPU)
    steps, gradients, weights, norms, rest = training.steps * cell.epochs, [], [], [], []
    step = training.optimizer.step

    def looking_on():
        parameters = list(training.model.parameters())
        gradients.append(training.model.classifier.weight.grad.double().clone())
        weights.append(training.model.classifier.weight.detach().double().clone())
        norms.append(torch.cat([parameter.grad.flatten() for parameter in parameters]).double().norm())
        if len(norms) == 6:
            rest.extend(parameter.detach().clone() for parameter in parameters)
        step()

    training.optimizer.step = looking_on
    while not training.finished:
        training.run_epoch()
    assert found["lags"].tolist() == [1, 2, 5] and found["gradient_distance"].shape == (3, steps)
    np.testing.assert_allclose(found["gradient_norm"], torch.stack(norms), rtol=1e-6)
    np.testing.assert_allclose(found["last_gradient_norm"], torch.stack([g.norm() for g in gradients]), rtol=1e-6)
    for name, values in (("gradient_distance", gradients), ("weight_distance", weights)):
        for row, lag in zip(found[name], found["lags"], strict=True):
            expected = [math.nan if i < lag else (values[i] - values[i - lag]).norm() for i in range(steps)]
            np.testing.assert_allclose(row, expected, rtol=1e-6)

    # with plain SGD, a walk of one learning rate ends where the run continues, and so does beta's distance
    assert found["walk_steps"].tolist() == list(range(0, steps, 5)) == found["shift_steps"].tolist()
    assert found["step_sizes"].tolist() == [0.5, 4] and found["walk_loss"].shape == (len(found["walk_steps"]), 2)
    np.testing.assert_allclose(found["walk_gradient_norm"], found["gradient_norm"][::5], rtol=1e-6)
    moved = found["step_sizes"] * 0.1 * found["walk_gradient_norm"][:, None]
    np.testing.assert_allclose(found["walk_beta"], found["walk_gradient_distance"] / moved, rtol=1e-9)
    assert found["shift_layers"].tolist() == [layer for layer, _ in weight_layers(training.model.named_parameters())]
    assert (found["shift_l2"][:, 0] == 0).all() and (found["shift_l2"][:, 1:] > 0).all()
    assert (np.abs(found["shift_cosine"]) <= 1 + 1e-9).all()


def test_a_walk_of_one_rate_meets_the_weights_after_a_plain_step(digits):
    cell = Cell(**TINY, optimizer="sgd", schedule="linear")
    training = Training(cell, digits, CPU, {"walk": {"step_sizes": [1], "every": 1}})
    batches = training.train_batches.epoch(cell.seed, 0, cell.batch_size)
    for step, (images, labels) in zip(range(3), batches, strict=False):
        training._step(images, labels)
        with torch.no_grad():
            after = training.forward(images, labels)[1].item()
        assert training.observers["walk"].series["loss"][0, step].item() == pytest.approx(after, rel=1e-6)


def test_a_layer_is_a_weight_and_what_stands_before_the_next(digits):
    training = Training(Cell(**TINY, block="bn"), digits, CPU, {"covariate_shift": {"every": 1}})
    named = {id(parameter): name for name, parameter in training.model.named_parameters()}
    groups = [[named[id(parameter)] for parameter in group] for group in training.observers["covariate_shift"].groups]
    assert [name for group in groups for name in group] == list(named.values())
    assert [group[0] for group in groups] == [f"{layer}.weight" for layer in training.gradients.layers]
    assert groups[0] == ["entry.conv.weight", "entry.norm.weight", "entry.norm.bias"]


def test_a_diverged_run_is_measured_to_its_end(digits):
    cell = Cell(**{**TINY, "optimizer": "sgd", "lr": 1000})
    training = trained(cell, digits, MEASURED)
    assert training.progress.diverged_step is not None
    found = arrays(training)
    steps = training.progress.epoch * training.steps
    assert found["gradient_norm"].shape == (steps,) and len(found["walk_steps"]) == len(range(0, steps, 5))
    assert np.isnan(found["gradient_norm"]).any() and np.isnan(found["walk_loss"]).any()


def test_a_resumed_run_has_the_same_measurements(digits):
    """The state is taken in the middle of an epoch, and passes through a checkpoint's file format."""
    cell = Cell(**TINY, block="bn", optimizer="sgd")
    whole = trained(cell, digits, MEASURED)

    class Killed(Exception):
        pass

    first = Training(cell, digits, CPU, MEASURED)

    def after_step():
        if first.progress.step == 7:
            raise Killed

    with pytest.raises(Killed):
        first.run_epoch(after_step)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = Training(cell, digits, CPU, MEASURED)
    second.load_state_dict(torch.load(file, weights_only=True))
    while not second.finished:
        second.run_epoch()
    expected, found = arrays(whole), arrays(second)
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
    assert all(torch.equal(value, second.model.state_dict()[name]) for name, value in whole.model.state_dict().items())


def test_the_command_writes_what_was_measured(digits_file, digits, tmp_path):
    record = {**TINY, "epochs": 1}
    words = [word for key, value in record.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    arguments = ("--data", digits_file, "--out", tmp_path / "watched", "--measure", json.dumps(MEASURED), *words)
    inside("train_cell", *arguments)
    alone = trained(Cell(**record), digits)
    with open(tmp_path / "watched/history.csv") as file:
        assert [float(row["train_loss"]) for row in csv.DictReader(file)] == [row[2] for row in alone.history]
    assert json.loads((tmp_path / "watched/cell.json").read_text())["measured"] == MEASURED
    with np.load(tmp_path / "watched/steps.npz") as steps:
        assert set(steps) == {
            *("train_loss", "lags", "gradient_norm", "last_gradient_norm", "gradient_distance", "weight_distance"),
            *("walk_steps", "step_sizes", "walk_loss_here", "walk_loss", "walk_gradient_norm"),
            *("walk_gradient_distance", "walk_beta", "shift_steps", "shift_layers", "shift_l2", "shift_cosine"),
        }
        assert steps["shift_layers"].dtype.kind == "U" and steps["gradient_norm"].dtype == np.float64


BAD = {
    "no step sizes": ({"walk": {"step_sizes": [], "every": 5}}, "step_sizes: expected at least one value"),
    "a step size below 0": ({"walk": {"step_sizes": [0.5, -1], "every": 5}}, "step_sizes[1]: -1: Input should be"),
    "a step size that is no number": ({"walk": {"step_sizes": [math.nan], "every": 5}}, "step_sizes[0]: nan: Input"),
    "a setting that is missing": ({"walk": {"step_sizes": [1]}}, "every: missing"),
    "a setting that is misspelt": ({"covariate_shift": {"every": 1, "evry": 2}}, "evry: unknown key; did you mean"),
    "never": ({"covariate_shift": {"every": 0}}, "every: 0: Input should be greater than or equal to 1"),
    "no lags": ({"lags": []}, "expected at least one value"),
    "a lag of 0": ({"lags": [0, 1]}, "[0]: 0: Input should be greater than or equal to 1"),
    "a lag that is no list": ({"lags": 5}, "5: expected a list: [...], or lines that begin with `- `"),
}


@pytest.mark.parametrize(("measured", "message"), BAD.values(), ids=BAD)
def test_settings_that_an_observer_does_not_take_are_refused(digits, measured, message):
    (name,) = measured
    with pytest.raises(UserError, match=re.escape(f"measure.{name} is not valid:\n  {message}")):
        Training(Cell(**TINY), digits, CPU, measured)


def test_an_unknown_observer_is_one_clear_message(refused, digits_file, tmp_path):
    arguments = ("--data", digits_file, "--out", tmp_path / "c", "--measure", '{"hessian": {}}', "--dataset", "digits")
    message = refused("train_cell", *arguments)
    assert "hessian" in message and "lags" in message


def test_beta_over_steps_of_different_batches_is_no_bound(digits):
    """From one start and over the same batches, a tenth of the rate gives about ten times the quotient."""
    found = []
    for lr in (1e-4, 1e-5):
        training = Training(Cell(**TINY | {"lr": lr, "schedule": "constant"}), digits, CPU, {"lags": [1]})
        training.run_epoch()
        arrays = training.observers["lags"].arrays()
        found.append(np.nanmedian(arrays["gradient_distance"][0, 1:] / arrays["weight_distance"][0, 1:]))
    assert 5 < found[1] / found[0] < 20


def test_beta_of_distances(quadratic):
    a, _, w = quadratic
    others = torch.randn(5, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    distances = {"gradient_distance": ((others - w) @ a).norm(dim=1), "weight_distance": (others - w).norm(dim=1)}
    table = pd.DataFrame({"network": 0, "seed": 0, "step": 0, "lr": range(6)})
    table = table.assign(**{name: [*values.tolist(), 1.0] for name, values in distances.items()})
    table.loc[5, "weight_distance"] = 0.0
    (found,) = runs.VGG_Beta_Smooth(table).itertuples()
    values = torch.linalg.eigvalsh(a)
    assert values[0].item() <= found.min_curve < found.max_curve <= values[-1].item() and found.runs == 5


def test_the_configuration_knows_what_every_observer_takes():
    found = get_type_hints(Measure, include_extras=True)
    assert {name: found[name] for name in Measure.model_fields} == {
        name: OBSERVERS[name].Settings for name in OBSERVERS
    }
