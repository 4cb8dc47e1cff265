"""A training run keeps to its device: no operation mixes two of them, and the host waits for it once per epoch.

On a GPU the first would be an error and the second what the speed hangs on. Seen here without one, on a device that
computes nothing; every network, block, loss, optimiser and so on that is registered is tried.
"""

import pytest

from models.registry import list_blocks, list_models
from tests.conftest import command
from tests.empty_device import META, EmptyDevice
from workflow_scripts.engine import datasets, insight, results, surfaces
from workflow_scripts.engine.augmentations import AUGMENTATIONS
from workflow_scripts.engine.initializations import INITS
from workflow_scripts.engine.objectives import LOSSES
from workflow_scripts.engine.observers import OBSERVERS
from workflow_scripts.engine.optimizers import OPTIMIZERS
from workflow_scripts.engine.record import Cell
from workflow_scripts.engine.trainer import Training

TINY = {"model": "vgg08", "block": "bn", "width": 0.25, "batch_size": 25, "train_items": 50, "epochs": 2}
SETTINGS = {"lags": [1, 2], "walk": {"step_sizes": [0.5, 4], "every": 1}, "covariate_shift": {"every": 1}}
VARIANTS = [
    *({"model": model, "block": "plain", "width": 1} for model in list_models()),
    *({"model": "vgg38", "block": block} for block in list_blocks()),
    *({"loss": loss} for loss in LOSSES),
    *({"optimizer": optimizer} for optimizer in OPTIMIZERS),
    *({"augmentation": name} for name in AUGMENTATIONS),
    *({"model": "vgg38", "block": "bn_rc", "init": init} for init in INITS),
    {"l1": 0.1, "l2": 0.1},
    {"clip": 1.0},
    {"dropout": 0.1},
    {"supervision": 0.3},
]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The digits at 32 x 32 pixels, the least that VGG-A takes."""
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    command("fetch_data", "--name", "digits", "--source", "digits", "--image-size", "32", "--out", path)
    return datasets.load(path)


@pytest.fixture
def device():
    with EmptyDevice() as empty:
        yield empty


def training(digits, measured=None, **keys):
    return Training(Cell(**TINY | keys), digits, META, measured)


@pytest.mark.parametrize("keys", VARIANTS, ids=lambda keys: "-".join(map(str, keys.values())))
def test_an_epoch_is_read_back_once(device, digits, keys):
    run = training(digits, **keys)
    device.read.clear()
    run.run_epoch()
    assert len(device.read) == 1
    run.run_epoch()
    assert len(device.read) == 2 and run.finished


@pytest.mark.parametrize("keys", VARIANTS, ids=lambda keys: "-".join(map(str, keys.values())))
def test_nothing_that_a_graph_would_freeze_comes_into_a_step_from_the_host(device, digits, keys):
    run = training(digits, **keys)
    images, labels = next(run.train_batches.epoch(0, 0, 25))
    device.sent.clear(), device.read.clear()
    run._gradient_step(images, labels)
    assert not device.sent and not device.read


@pytest.mark.parametrize("name", OBSERVERS)
def test_observers_wait_for_nothing(device, digits, name):
    run = training(digits, {name: SETTINGS[name]})
    device.read.clear()
    run.run_epoch()
    assert len(device.read) == 1
    assert run.observers[name].arrays()


def test_a_run_is_resumed_and_its_files_are_written(device, digits, tmp_path):
    run = training(digits, SETTINGS)
    run.run_epoch()
    later = training(digits, SETTINGS)
    later.load_state_dict(run.state_dict())
    later.run_epoch()
    assert later.finished
    results.write(later, tmp_path, results.measurements(later, digits))
    assert (tmp_path / "cell.json").is_file()


def test_surfaces_and_insight_keep_to_the_device(device, digits, monkeypatch):
    monkeypatch.setitem(surfaces.BATCH, META.type, 20)
    run = training(digits)
    run.model.eval()
    rows = surfaces.surface(run, digits, points=3, extent=1.0, images=40, seed=0)
    assert len(rows) == 9 + 9  # of the line and of the plane
    assert set(insight.inspect(run, digits, count=2)) >= {"filters.npz", "grad_cam.npz", "tsne.csv"}
