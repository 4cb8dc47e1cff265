"""The captured training step with a real CUDA graph gives bit for bit the runs of the plain one."""

import pytest

from tests.captured_runs import CAPTURED, MEASURED, SAME, TINY, plain, resumed, state, trained
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.training.trainer import Training

on_a_gpu = pytest.mark.parametrize("device", [pytest.param("cuda", marks=pytest.mark.gpu)], indirect=True)


@on_a_gpu
@pytest.mark.parametrize("record", SAME, ids=lambda record: "-".join(map(str, record.values())))
def test_a_cuda_graph_has_the_bits_of_the_plain_run(digits, device, tmp_path, capsys, record):
    """Two epochs, killed in the middle of the second."""
    cell = Cell(**{**TINY, **record})
    expected = plain(cell, digits, device)
    training = trained(cell, digits, device)
    assert training.captured.path == "cuda_graph" and capsys.readouterr().err == ""
    assert training.captured_update.path == ("cuda_graph" if cell.optimizer in CAPTURED else "plain")
    assert state(training) == expected
    if training.progress.diverged_step is None:
        training = resumed(cell, digits, tmp_path / "checkpoint", device)
        assert training.captured.path == "cuda_graph" and state(training) == expected


@on_a_gpu
def test_observers_measure_the_same_beside_a_cuda_graph(digits, device):
    cell = Cell(**TINY)
    expected = plain(cell, digits, device, measured=MEASURED)
    training = trained(cell, digits, device, measured=MEASURED)
    assert training.captured.path == "cuda_graph" and state(training) == expected


class Synchronises:
    """A module hook that waits for the device, which cannot be captured."""

    def __call__(self, module, inputs, output):
        output.sum().item()


@on_a_gpu
def test_what_cannot_be_captured_is_taken_the_plain_way_on_a_gpu(digits, device, capsys):
    cell = Cell(**TINY)
    expected = plain(cell, digits, device)
    training = Training(cell, digits, device)
    training.model.entry.register_forward_hook(Synchronises())
    while not training.finished:
        training.run_epoch()
    assert training.captured.path == "plain" and state(training) == expected
    assert capsys.readouterr().err.startswith("CUDA graph not used: ")
    # what the same process trains next, with random numbers and with a graph
    trained(Cell(**{**TINY, "dropout": 0.2}), digits, device)
    assert trained(cell, digits, device).captured.path == "cuda_graph"
