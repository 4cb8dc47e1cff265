"""A training run keeps to its device: no operation mixes two devices, and the host waits for it once per epoch.

On a GPU a mix would be an error, and the speed depends on not waiting. Tested here without a GPU, on a device that
computes nothing, for every registered network, block, loss, optimiser and so on.
"""

import pytest
import torch
from torch.nn import functional as F
from torch.optim import rmsprop

from tests.empty_device import META, EmptyDevice
from tests.variants import TINY, VARIANTS, name
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.insight import insight
from workflow_scripts.engine.landscape import surfaces
from workflow_scripts.engine.runs import results
from workflow_scripts.engine.training import optimizers
from workflow_scripts.engine.training.captured_update import same_kernels
from workflow_scripts.engine.training.observers import OBSERVERS
from workflow_scripts.engine.training.optimizers import OPTIMIZERS
from workflow_scripts.engine.training.trainer import Training

SETTINGS = {"lags": [1, 2], "walk": {"step_sizes": [0.5, 4], "every": 1}, "covariate_shift": {"every": 1}}
of_all = pytest.mark.parametrize("record", VARIANTS, ids=name)


@pytest.fixture
def device():
    with EmptyDevice() as empty:
        yield empty


def training(large_digits, record=TINY, measured=None):
    return Training(Cell(**record), large_digits, META, measured)


def accumulators(run):
    """The nodes with which autograd accumulates gradients: they live as long as any result computed with them."""
    return [parameter.view_as(parameter).grad_fn.next_functions[0][0] for parameter in run.parameters]


@of_all
def test_an_epoch_is_read_back_once(device, large_digits, monkeypatch, record):
    """And nothing enters a step from the host, which a graph would freeze.

    Nor does a step leave a result behind: through it, autograd would remember the stream of the first steps, and steps
    on another stream could not be captured.
    """
    moved, left, step, forward = [], [], Training._gradient_step, Training.forward

    def marked(run, images, labels):
        outputs = forward(run, images, labels)
        for node in accumulators(run):
            node.metadata["of this step"] = True
        return outputs

    def watched(run, images, labels):
        before = len(device.sent), len(device.read)
        outcome = step(run, images, labels)
        moved.append((len(device.sent), len(device.read)) != before)
        left.append(any(node.metadata for node in accumulators(run)))
        return outcome

    monkeypatch.setattr(Training, "forward", marked)
    monkeypatch.setattr(Training, "_gradient_step", watched)
    run = training(large_digits, record)
    device.read.clear()
    run.run_epoch()
    assert len(device.read) == 1
    run.run_epoch()
    assert len(device.read) == 2 and run.finished
    assert moved == left == [False] * 4


def updates(device, run):
    """For each update of an epoch: the operations that it launches, and how many move something to or from the host."""
    found, update = [], run._update

    def watched():
        before = len(device.launched), len(device.sent) + len(device.read)
        update()
        found.append((device.launched[before[0] :], len(device.sent) + len(device.read) - before[1]))

    run._update = watched
    run.run_epoch()
    return found


@pytest.mark.parametrize(("optimizer", "gpus"), [*((name, set()) for name in OPTIMIZERS), ("rmsprop", {META.type})])
def test_an_update_takes_nothing_from_the_host_if_it_says_so(device, large_digits, monkeypatch, optimizer, gpus):
    """No tensor, and no number that changes: a graph would freeze it. PyTorch refuses fused optimisers on `meta`."""
    monkeypatch.setattr(optimizers, "GPUS", gpus)
    monkeypatch.setattr(rmsprop, "_get_capturable_supported_devices", lambda: gpus)
    record = TINY | {"optimizer": optimizer, "weight_decay": 0.1, "clip": 1.0, "schedule": "linear", "train_items": 75}
    run = training(large_digits, record)
    _, (second, moved), (third, moved_later) = updates(device, run)
    assert same_kernels(run.optimizer) == (optimizer == "muon" or bool(gpus))
    assert same_kernels(run.optimizer) == (second == third and not moved + moved_later)


def test_muon_launches_no_more_for_more_layers_of_the_same_shape(device, large_digits):
    counts = [
        len(updates(device, training(large_digits, TINY | {"model": model, "optimizer": "muon"}))[-1][0])
        for model in ("vgg08", "vgg38")
    ]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("observer", OBSERVERS)
def test_observers_wait_for_nothing(device, large_digits, observer):
    run = training(large_digits, measured={observer: SETTINGS[observer]})
    device.read.clear()
    run.run_epoch()
    assert len(device.read) == 1
    assert run.observers[observer].arrays()


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_a_run_is_resumed_and_its_files_are_written(device, large_digits, tmp_path, optimizer):
    record = TINY | {"optimizer": optimizer}
    run = training(large_digits, record, SETTINGS)
    run.run_epoch()
    later = training(large_digits, record, SETTINGS)
    later.load_state_dict(run.state_dict())
    later.run_epoch()
    assert later.finished
    results.write(later, tmp_path, results.measurements(later, large_digits))
    assert (tmp_path / "cell.json").is_file()


def test_surfaces_and_insight_keep_to_the_device(device, large_digits, monkeypatch):
    monkeypatch.setitem(surfaces.BATCH, META.type, 20)
    run = training(large_digits)
    run.model.eval()
    rows = surfaces.surface(run, large_digits, points=3, extent=1.0, images=40, seed=0)
    assert len(rows) == 9 + 9  # points of the line and of the plane
    assert set(insight.inspect(run, large_digits, count=2)) >= {"filters.npz", "grad_cam.npz", "tsne.csv"}


@pytest.mark.parametrize(
    "operation",
    [
        lambda there, here: F.conv2d(there, here),
        lambda there, here: F.linear(there, here[0, 0]),
        lambda there, here: there.index_select(0, here.long().flatten()),
        lambda there, here: there + here,
    ],
)
def test_the_empty_device_sees_what_mixes_two(device, operation):
    with pytest.raises(RuntimeError, match="device"):
        operation(torch.zeros(2, 2, 2, 2, device=META), torch.zeros(2, 2, 2, 2))
    assert operation(*torch.zeros(2, 2, 2, 2, 2, device=META)).is_meta


@pytest.mark.parametrize("read", [torch.Tensor.item, torch.Tensor.tolist, torch.Tensor.cpu, torch.Tensor.__bool__])
def test_the_empty_device_counts_transfers(device, read):
    assert read(torch.ones(1).to(META)) in (0, [0], False)  # zero, whatever the value was
    assert len(device.sent) == len(device.read) == 1


def test_the_empty_device_counts_a_number_that_is_frozen_with_a_kernel(device):
    (torch.zeros(2, device=META) + torch.tensor(3.0)).add_(1)
    assert len(device.sent) == 1
