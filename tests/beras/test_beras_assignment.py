"""The assignment as handed in: files next to the Beras folder, with only NumPy and Matplotlib installed."""

import io
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import assignment
import numpy as np
import preprocess
import pytest

from workflow_scripts.engine.beras import submission

MODELS = Path(__file__).resolve().parents[2] / "models"
MNIST = MODELS.parents[1] / "shared" / "data" / "mnist"

# runs before the code under test: importing anything not named here fails, as if it were not installed
FENCE = """
import sys
allowed = set(sys.stdlib_module_names) | {allowed!r}
class Fence:
    def find_spec(self, name, path=None, target=None):
        if not name.startswith("_") and name.split(".")[0] not in allowed:
            raise ModuleNotFoundError(f"{{name}} is fenced off", name=name)
sys.meta_path.insert(0, Fence())
"""
NUMPY = {"numpy"}
MATPLOTLIB = {"matplotlib", "mpl_toolkits", "PIL", "dateutil", "six", "pyparsing", "cycler", "kiwisolver", "contourpy"}
MATPLOTLIB |= {"packaging", "fontTools", "numpy"}
OURS = {"Beras", "assignment", "preprocess", "visualize"}


def python(code, allowed, cwd):
    command = [sys.executable, "-c", FENCE.format(allowed=allowed | OURS) + code]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={"MPLBACKEND": "Agg"}, check=False)


@pytest.fixture
def handed_in(tmp_path):
    """submission/hw2.zip, unpacked elsewhere; returns its folder hw2/code."""
    with zipfile.ZipFile(io.BytesIO(submission.packed("README", flag_2470=True))) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "hw2" / "code"


@pytest.fixture
def digits_as_mnist(handed_in):
    """scikit-learn's digits at 28 x 28 pixels in IDX files, in hw2/data, where the assignment looks first."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = np.kron(images.reshape(-1, 8, 8) * 15.9, np.ones((3, 3)))
    images = np.pad(images, ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    folder = handed_in.parent / "data"
    folder.mkdir()
    for prefix, part in (("train", slice(0, 1400)), ("t10k", slice(1400, None))):
        for name, magic, array in (
            ("images-idx3", preprocess.IMAGES, images[part]),
            ("labels-idx1", preprocess.LABELS, labels[part].astype(np.uint8)),
        ):
            header = struct.pack(f">{1 + array.ndim}i", magic, *array.shape)
            (folder / f"{prefix}-{name}-ubyte").write_bytes(header + array.tobytes())
    return folder


def test_beras_imports_numpy_and_nothing_else(tmp_path):
    code = f"sys.path.insert(0, {str(MODELS)!r})\nimport Beras\nBeras.Model, Beras.GradientTape, Beras.optimizers.Adam"
    result = python(code, NUMPY, tmp_path)
    assert result.returncode == 0, result.stderr


def test_the_hand_in_trains_both_models(handed_in, digits_as_mnist):
    code = "sys.argv = ['assignment.py', '--figures', 'pictures']\nimport runpy\nsys.path[0] = '.'\n"
    result = python(code + "runpy.run_path('assignment.py', run_name='__main__')", MATPLOTLIB, handed_in)
    assert result.returncode == 0, result.stderr
    accuracies = dict(re.findall(r"(\w+) model: test accuracy ([\d.]+)%", result.stdout))
    assert float(accuracies["advanced"]) > 85
    assert float(accuracies["simple"]) > 30, "150 steps are few for a learning rate of 0.02"
    assert {path.name for path in (handed_in / "pictures").iterdir()} == {
        f"{kind}-{what}.pdf" for kind in ("simple", "advanced") for what in ("metrics", "images")
    }


def test_training_needs_no_matplotlib(handed_in, digits_as_mnist):
    code = "sys.argv = ['assignment.py', '--models', 'simple']\nimport runpy\nsys.path[0] = '.'\n"
    result = python(code + "runpy.run_path('assignment.py', run_name='__main__')", NUMPY, handed_in)
    assert result.returncode == 0, result.stderr


def test_in_place_it_runs_and_says_where_data_should_be(tmp_path):
    command = [sys.executable, MODELS / "beras_assignment" / "assignment.py", "--data", tmp_path]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("error: train-images-idx3-ubyte.gz")
    assert len(result.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_made_is_refused_before_the_training(handed_in, digits_as_mnist):
    (handed_in / "file").touch()
    command = [sys.executable, "assignment.py", "--figures", "file/pictures"]
    result = subprocess.run(command, cwd=handed_in, capture_output=True, text=True, check=False)
    assert result.returncode == 1 and re.fullmatch(r"error: .*file/pictures'\n", result.stderr)
    assert result.stdout == ""


@pytest.mark.parametrize("found", ["0", "-1", "2.5", "ten"])
@pytest.mark.parametrize("flag", ["--epochs", "--batch-size"])
def test_no_epochs_and_no_batch_are_refused(flag, found):
    command = [sys.executable, MODELS / "beras_assignment" / "assignment.py", f"{flag}={found}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert f"argument {flag}: expected a whole number, at least 1, found {found}\n" in result.stderr


@pytest.mark.parametrize("components", assignment.MODELS.values(), ids=assignment.MODELS)
def test_components_are_those_of_the_brief(components):
    parts = components()
    assert set(vars(parts)) == {"model", "epochs", "batch_size"}
    assert isinstance(parts.model, assignment.SequentialModel)
    assert parts.model.call(np.zeros((3, 784), np.float32)).shape == (3, 10)


def test_the_rate_is_the_brief_s_and_falls_to_zero_with_the_last_step():
    assert assignment.get_simple_model_components().model.optimizer.learning_rate == 0.02
    for samples, steps in ((1010, 33), (1000, 30)):  # a short last batch counts as a step
        components = assignment.get_advanced_model_components(epochs=3, batch_size=100, samples=samples)
        rate = components.model.optimizer.learning_rate
        assert (rate(0), rate(steps)) == (0.002, 0) and rate(steps - 1) > 0


@pytest.mark.skipif(not MNIST.is_dir(), reason=f"MNIST is not at {MNIST}")
def test_the_simple_model_passes_the_bar_on_mnist():
    """The advanced model's target is checked in benchmarks/beras.py, as it takes longer than a test should."""
    command = [sys.executable, MODELS / "beras_assignment" / "assignment.py", "--data", MNIST, "--models", "simple"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(re.search(r"test accuracy ([\d.]+)%", result.stdout)[1]) >= 90


@pytest.mark.skipif(not MNIST.is_dir(), reason=f"MNIST is not at {MNIST}")
def test_mnist_is_read():
    inputs, labels = preprocess.get_data_MNIST("test", MNIST)
    assert inputs.shape == (10_000, 784)
    assert (inputs.min(), inputs.max()) == (0, 1)
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_pictures_are_drawn(tmp_path, digits):
    import visualize

    _, (x, y) = digits
    model = assignment.SequentialModel([assignment.Beras.Dense(64, 10), assignment.Beras.Softmax()])
    visualize.visualize_images(model, x, y, path=tmp_path / "images.pdf")
    visualize.visualize_images(model, x, y, num_searching=5, path=tmp_path / "few.pdf")
    visualize.visualize_metrics([1.0, 0.5], [0.1, 0.9], path=tmp_path / "metrics.pdf")
    assert all(path.read_bytes().startswith(b"%PDF") for path in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(ValueError, match="found 0 and 0"):
        visualize.visualize_metrics([], [])
