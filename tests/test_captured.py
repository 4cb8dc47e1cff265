"""The captured training step gives bit for bit the runs of the plain one, and is found out if it does anything else.

A CPU has no CUDA graphs: `false_graphs.py` provides stand-ins.
"""

import contextlib
import gc
import json
import weakref

import pytest
import torch

from tests.captured_runs import (
    CAPTURED,
    CPU,
    MEASURED,
    SAME,
    TINY,
    as_on_a_gpu,
    bits,
    plain,
    resumed,
    state,
    trained,
)
from tests.conftest import inside
from tests.false_graphs import WRONG, WRONG_UPDATES, Graph
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.runs import checkpoints
from workflow_scripts.engine.tables import machines
from workflow_scripts.engine.training import captured, captured_update, optimizers
from workflow_scripts.engine.training.trainer import Training


@pytest.fixture
def graph(monkeypatch):
    """Let the CPU have graphs; returns a function that sets their kind and returns the graph that is then used."""

    def use(kind=Graph):
        made = kind()
        monkeypatch.setitem(captured.CAPTURES, "cpu", made)
        return made

    return use


@pytest.mark.parametrize("record", SAME, ids=lambda record: "-".join(map(str, record.values())))
def test_a_captured_run_has_the_bits_of_the_plain_one(digits, graph, capsys, record):
    cell = Cell(**{**TINY, **record})
    expected = plain(cell, digits)
    used = graph()
    training = trained(cell, digits)
    assert training.captured.path == "cuda_graph" and used.replays == training.progress.epoch * training.steps
    assert state(training) == expected and capsys.readouterr().err == ""


@pytest.fixture
def gpu_optimizers():
    with as_on_a_gpu():
        yield


@pytest.mark.parametrize("optimizer", CAPTURED)
@pytest.mark.parametrize("record", [{}, {"clip": 0.5, "weight_decay": 0.01}], ids=["update alone", "clip and decay"])
def test_an_update_is_replayed_with_the_bits_of_the_plain_one(digits, graph, gpu_optimizers, capsys, optimizer, record):
    """Its rate changes at every step, and is read from its place in memory."""
    cell = Cell(**TINY, optimizer=optimizer, schedule="linear", warmup_epochs=1, **record)
    expected = plain(cell, digits)
    used = graph()
    training = trained(cell, digits)
    assert (training.captured.path, training.captured_update.path) == ("cuda_graph", "cuda_graph")
    assert used.updates == 8 - 1  # used once the gradients' graph is trusted, in the second step
    assert state(training) == expected and capsys.readouterr().err == ""


@pytest.mark.parametrize("optimizer", sorted(set(optimizers.OPTIMIZERS) - set(CAPTURED)))
def test_an_update_that_asks_the_host_is_not_captured(digits, graph, gpu_optimizers, capsys, optimizer):
    cell = Cell(**TINY, optimizer=optimizer)
    expected = plain(cell, digits)
    used = graph()
    training = trained(cell, digits)
    assert (training.captured.path, training.captured_update.path) == ("cuda_graph", "plain")
    assert used.updates == 0 and state(training) == expected and capsys.readouterr().err == ""


@pytest.mark.parametrize(("kind", "reason"), WRONG_UPDATES.items())
def test_an_update_that_is_replayed_wrongly_is_taken_the_plain_way(digits, graph, gpu_optimizers, capsys, kind, reason):
    cell = Cell(**TINY, schedule="linear", clip=0.5)
    expected = plain(cell, digits)
    graph(kind)
    training = trained(cell, digits)
    assert (training.captured.path, training.captured_update.path) == ("cuda_graph", "plain")
    assert state(training) == expected
    assert capsys.readouterr().err == f"CUDA graph of the update not used: {reason}\n"


def test_only_the_first_updates_are_taken_both_ways(graph, gpu_optimizers):
    used, model, taken = graph(), torch.nn.Linear(3, 2), []
    optimizer = optimizers.OPTIMIZERS["adam"](model.parameters(), 0.1, 0.0)
    update = captured_update.CapturedUpdate(model, optimizer, CPU)

    def step():
        taken.append(None)  # called by the graph as well, which does so when it is captured and replayed
        optimizer.step()
        optimizer.state[model.bias]["remark"] = "an optimiser may remember more than tensors"

    for place in range(9):
        model(torch.ones(1, 3)).sum().backward()
        update(step, gradients_stay=place > 0)
    plain = len(taken) - used.updates - (captured.WARM_UP + 1)
    assert (used.updates, plain) == (8, 1 + captured.CHECKED) and update.path == "cuda_graph"


@pytest.mark.parametrize("optimizer", ["adam", "momentum", "rmsprop", "muon"])
def test_a_killed_run_whose_updates_are_replayed_goes_on(digits, graph, gpu_optimizers, tmp_path, optimizer):
    cell = Cell(**TINY, optimizer=optimizer, schedule="linear")
    expected = plain(cell, digits)
    graph()
    training = resumed(cell, digits, tmp_path / "checkpoint")
    assert training.captured_update.path == "cuda_graph" and state(training) == expected


@pytest.mark.parametrize("optimizer", ["adam", "momentum", "rmsprop", "muon"])
@pytest.mark.parametrize("places", [(contextlib.nullcontext, as_on_a_gpu), (as_on_a_gpu, contextlib.nullcontext)])
def test_a_run_goes_on_where_optimisers_are_others(digits, graph, tmp_path, optimizer, places):
    """From a CPU to a GPU, or back: it continues with the kernels that suit the device."""
    graph()
    runs = []
    for place in places:
        with place():
            runs.append(Training(Cell(**TINY, optimizer=optimizer), digits, CPU))
            if len(runs) == 1:
                runs[0].run_epoch()
                checkpoints.save(tmp_path / "checkpoint", "key", runs[0].state_dict())
            else:
                runs[1].load_state_dict(checkpoints.load(tmp_path / "checkpoint", "key")[0])
            runs[-1].run_epoch()
    captured_there = places[1] is as_on_a_gpu or optimizer == "muon"
    assert runs[1].captured_update.path == ("cuda_graph" if captured_there else "plain")
    torch.testing.assert_close(runs[1].step_losses, runs[0].step_losses)


@pytest.mark.parametrize(
    "record", [{}, {"l1": 1e-4, "l2": 1e-3, "clip": 0.5, "dropout": 0.2}], ids=["loss alone", "all that may be added"]
)
def test_observers_measure_the_same_by_the_graph(digits, graph, record):
    """Their probes are replays of the graph, once it has been found correct."""
    cell = Cell(**TINY, optimizer="own_adam", **record)
    expected = plain(cell, digits, measured=MEASURED)
    used = graph()
    training = trained(cell, digits, measured=MEASURED)
    assert training.captured.path == "cuda_graph" and state(training) == expected
    walk, shift = 1 + len(MEASURED["walk"]["step_sizes"]), len(training.gradients.layers)
    assert used.replays == 8 + 2 * (walk + shift)  # at steps 3 and 6 of 8: the first two steps are taken both ways


@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True)])
def test_a_killed_run_goes_on_either_way(digits, graph, tmp_path, optimizer, first, second):
    cell = Cell(**TINY, optimizer=optimizer)
    expected = plain(cell, digits)
    graph()
    training = resumed(cell, digits, tmp_path / "checkpoint", CPU, first, second)
    assert training.captured.path == ("cuda_graph" if second else "plain") and state(training) == expected


def test_a_state_loaded_into_a_captured_run_is_gone_on_from(digits, graph, tmp_path):
    """The tensors stay where the graph reads and writes them, in the same memory."""
    cell = Cell(**TINY)
    whole = plain(cell, digits)
    used, training = graph(), Training(cell, digits, CPU)
    checkpoints.save(tmp_path / "checkpoint", "key", training.state_dict())
    training.run_epoch()
    training.load_state_dict(checkpoints.load(tmp_path / "checkpoint", "key")[0])
    while not training.finished:
        training.run_epoch()
    assert used.replays == 3 * training.steps and state(training) == whole


@pytest.mark.parametrize(("kind", "line"), WRONG.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_graph_that_computes_something_else_is_found_out(digits, graph, capsys, kind, line):
    cell = Cell(**TINY)
    expected = plain(cell, digits)
    used = graph(kind)
    training = trained(cell, digits)
    assert capsys.readouterr().err == f"CUDA graph not used: {line}\n"
    assert training.captured.path == "plain" and used.replays <= 2 * captured.CHECKED
    assert state(training) == expected


def test_random_numbers_that_no_record_speaks_of_are_drawn_as_without_a_graph(digits, graph):
    states = []
    for wanted in (False, True):
        used, training = graph(), Training(Cell(**TINY), digits, CPU, cuda_graphs=wanted)
        training.model.entry.register_forward_hook(lambda module, inputs, output: output * torch.rand(1))
        while not training.finished:
            training.run_epoch()
        states.append(state(training))
    assert used.replays == 2 * training.steps and states[0] == states[1]


def test_nothing_is_captured_once_captures_have_failed(digits, graph, capsys, monkeypatch):
    """Each failed one takes memory that is not given back."""
    expected = plain(Cell(**TINY), digits)
    used = graph()
    monkeypatch.setattr(captured, "FAILED", [None] * captured.MOST_FAILED)
    training = trained(Cell(**TINY), digits)
    assert capsys.readouterr().err == "CUDA graph not used: captures have failed before in this process\n"
    assert training.captured.path == "plain" and used.replays == 0 and state(training) == expected


def test_a_batch_of_another_shape_is_refused(digits, graph):
    graph()
    training = Training(Cell(**TINY), digits, CPU)
    assert training.captured.path == "plain"  # so far
    training.run_epoch()
    assert training.captured.path == "cuda_graph"
    with pytest.raises(RuntimeError, match=r"captured for batches of \(25, 3, 8, 8\), found \(1, 3, 8, 8\)"):
        training._step(*next(training.train_batches.epoch(0, 0, 1)))


def test_a_batch_is_not_written_into(digits, graph):
    graph()
    training = Training(Cell(**TINY), digits, CPU)
    batches = list(training.train_batches.epoch(0, 0, TINY["batch_size"]))
    before = [[tensor.clone() for tensor in batch] for batch in batches]
    for batch in batches:
        training._step(*batch)
    assert training.captured.path == "cuda_graph" and bits(batches) == bits(before)


def test_a_parameter_that_gets_no_gradient(digits, graph, gpu_optimizers):
    """It moves by neither graph, and what observers are told of it is zero."""
    graph()
    training = Training(Cell(**TINY), digits, CPU)
    model = training.model
    model.register_parameter("unused", torch.nn.Parameter(torch.ones(1)))
    training.captured = captured.CapturedStep(model, CPU)
    training.captured_update = captured_update.CapturedUpdate(model, training.optimizer, CPU)
    training.run_epoch()
    assert (training.captured.path, training.captured_update.path) == ("cuda_graph", "cuda_graph")
    batch = next(training.train_batches.epoch(0, 0, TINY["batch_size"]))
    _, (found, other) = training.gradient([model.unused, model.classifier.weight], *batch)
    assert torch.equal(found, torch.zeros(1)) and other.any()
    assert model.unused.grad is None and torch.equal(model.unused, torch.ones(1))


def test_bits_are_compared_and_not_values():
    nan, zero = torch.tensor([torch.nan, 1]), torch.tensor(0.0)
    assert captured.same_bits(nan, nan.clone()) and not captured.same_bits(zero, -zero)
    assert not captured.same_bits(zero, None) and not captured.same_bits(None, zero)
    for dtype in (torch.bool, torch.bfloat16, torch.float64):
        assert captured.same_bits(torch.ones(2, dtype=dtype), torch.ones(2, dtype=dtype))
        assert not captured.same_bits(torch.ones(2, dtype=dtype), torch.zeros(2, dtype=dtype))


def test_a_step_does_not_walk_the_modules(digits, graph, monkeypatch):
    """Walking them takes longer than a GPU should wait."""
    graph()
    training = Training(Cell(**TINY, clip=0.5), digits, CPU, {"lags": [1]})
    batches = training.train_batches.epoch(0, 0, TINY["batch_size"])
    for _ in range(captured.CHECKED):
        training._step(*next(batches))
    monkeypatch.setattr(training.captured, "replay", lambda: None)
    monkeypatch.setattr(torch.nn.Module, "named_modules", None)
    training._step(*next(batches))


@pytest.mark.parametrize("measured", [{}, MEASURED])
def test_a_run_is_not_kept_in_memory(digits, measured):
    gc.disable()
    try:
        training = Training(Cell(**TINY), digits, CPU, measured)
        training.run_epoch()
        gone = weakref.ref(training)
        del training
        assert gone() is None
    finally:
        gc.enable()


def test_the_files_of_a_cell_name_the_way_and_differ_in_nothing_else(digits_file, graph, tmp_path):
    graph()
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in {**TINY, "dataset": "digits"}.items()]
    for name, flag in (("plain", "--no-cuda-graphs"), ("cuda_graph", "--cuda-graphs")):
        inside("train_cell", "--data", digits_file, "--out", tmp_path / name, "--device", "cpu", flag, *flags)
    facts = {name: json.loads((tmp_path / name / "cell.json").read_text()) for name in ("plain", "cuda_graph")}
    assert [facts[name]["path"] for name in facts] == list(facts) and "path" not in facts["plain"]["record"]
    for key in ("record_digest", "code_digest"):
        assert facts["plain"][key] == facts["cuda_graph"][key]
    assert machines.row(facts["plain"]) == machines.row(facts["cuda_graph"])
    for file in ("gradients.csv", "steps.npz", "test.json", "model.safetensors"):
        assert (tmp_path / "plain" / file).read_bytes() == (tmp_path / "cuda_graph" / file).read_bytes()
