"""The data set's file, its splits, and the command that makes it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch.nn import functional as F

from tests.workflow_runs import snakemake
from workflow_scripts import fetch_data
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.sources import Decoded, pixels
from workflow_scripts.engine.sources.prepare import prepare, save

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data"
NOWHERE = "http://127.0.0.1:9"  # the discard port, on which nothing listens


def dataset(**keys):
    return config.Dataset(**keys)


def small(train=6, test=4, size=4, classes=2, **changes):
    """A `Decoded` of random grey images."""
    random = np.random.default_rng(0)
    parts = {
        "train_images": random.integers(0, 256, (train, size, size, 1), dtype=np.uint8),
        "train_labels": (np.arange(train) % classes).astype(np.uint8),
        "test_images": random.integers(0, 256, (test, size, size, 1), dtype=np.uint8),
        "test_labels": np.arange(test) % classes,
        "class_names": [f"class {index}" for index in range(classes)],
    }
    return Decoded(**parts | changes)


def fetch(*flags, **environment):
    """The finished `fetch_data` command; no download can leave this machine."""
    closed = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)
    return subprocess.run(
        [sys.executable, "-m", "workflow_scripts.fetch_data", *map(str, flags)],
        cwd=ROOT,
        env=os.environ | closed | environment,
        capture_output=True,
        text=True,
    )


def assert_one_line(finished, *words):
    """Check that the command failed, and that its last line, the only one about an error, has all these words."""
    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    assert finished.stderr.count("error:") == 1
    last = finished.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ") and all(word in last for word in words), last


@pytest.mark.parametrize("split", datasets.SPLITS)
@pytest.mark.parametrize(("count", "fraction"), [(2, 0.05), (10, 0.05), (100, 0.1), (997, 0.33), (50, 0.99)])
def test_a_split_divides_all_images(split, count, fraction):
    labels = np.random.default_rng(1).integers(0, 5, count)
    train, val = datasets.split_indices(labels, split, fraction)
    assert sorted([*train, *val]) == list(range(count))
    assert len(train) == min(max(round(count * (1 - fraction)), 1), count - 1)
    assert (np.diff(val) > 0).all()
    assert train.dtype == val.dtype == np.int64
    again = datasets.split_indices(labels, split, fraction)
    assert (train == again[0]).all() and (val == again[1]).all()


def test_the_course_split_is_the_course_s():
    train, val = datasets.split_indices(np.zeros(50_000, int), "course", 0.05)
    assert (train == np.random.RandomState(0).choice(50_000, 47_500, replace=False)).all()
    assert len(val) == 2_500
    cut, same = datasets.split_indices(np.zeros(50_000, int), "course", 0.05, 1_000)
    assert (cut == train[:1_000]).all() and (same == val).all()


@pytest.mark.parametrize("sizes", [(100, 100, 100), (1000, 100, 10), (37, 0, 5)])
@pytest.mark.parametrize("items", [None, 7, 30])
def test_a_stratified_split_keeps_the_proportions(sizes, items):
    labels = np.random.default_rng(2).permutation(np.repeat(np.arange(3), sizes))
    train, val = datasets.split_indices(labels, "stratified", 0.1, items)
    for part in (train, val):
        expected = np.array(sizes) * len(part) / len(labels)
        assert (abs(np.bincount(labels[part], minlength=3) - expected) <= 1).all()


@pytest.mark.parametrize("split", datasets.SPLITS)
def test_ten_images_per_class_suffice(split):
    labels = np.repeat(np.arange(2), 10)
    train, val = datasets.split_indices(labels, split, 0.05)
    assert len(train) == 19 and len(val) == 1


def test_more_training_images_than_there_are():
    with pytest.raises(UserError, match=r"train_items is 96, but only 95 .* choose 95 or fewer"):
        datasets.split_indices(np.zeros(100, int), "course", 0.05, 96)
    with pytest.raises(UserError, match=r"at least 2 training images.*found 1"):
        datasets.split_indices(np.zeros(1, int), "course", 0.05)


def test_the_file_holds_what_the_source_gave(tmp_path):
    decoded = small(title="Small", embedded=True)
    save("mine", dataset(source="digits", channels=1), decoded, tmp_path / "new" / "mine.npz")
    data = datasets.load(tmp_path / "new" / "mine.npz")
    for name in datasets.ARRAYS:
        assert (getattr(data, name) == getattr(decoded, name)).all()
    assert data.train_labels.dtype == np.int64
    assert data.image_shape == (1, 4, 4) and data.num_classes == 2
    assert data.meta | {"sha256": ""} == {
        "name": "mine",
        "source": "digits",
        "title": "Small",
        "embedded": True,
        "train_images": len(data.train_images),
        "image_shape": [1, 4, 4],
        "num_classes": 2,
        "sha256": "",
    }
    assert datasets.load_meta(tmp_path / "new" / "mine.npz") == data.meta
    save("mine", dataset(source="digits", channels=1), decoded, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "new" / "mine.npz").read_bytes()
    changed = small(test_labels=np.array([0, 1, 0, 0]), title="Small")
    save("mine", dataset(source="digits", channels=1, title="Changed"), changed, tmp_path / "changed.npz")
    assert datasets.load(tmp_path / "changed.npz").sha256 != data.sha256
    assert datasets.load(tmp_path / "changed.npz").meta["title"] == "Changed"
    oblong = small(train_images=decoded.train_images.reshape(6, 2, 8, 1))  # with the same bytes
    save("mine", dataset(source="digits", channels=1), oblong, tmp_path / "oblong.npz")
    assert datasets.load(tmp_path / "oblong.npz").sha256 != data.sha256


@pytest.mark.parametrize(("given", "wanted"), [(1, 3), (3, 1), (1, 1), (3, 3)])
@pytest.mark.parametrize("size", [None, 5, 16])
def test_size_and_channels(tmp_path, given, wanted, size):
    levels = np.full((6, 4, 4, given), 100, np.uint8) + np.arange(6, dtype=np.uint8)[:, None, None, None]
    save(
        "x", dataset(source="digits", channels=wanted, image_size=size), small(train_images=levels), tmp_path / "x.npz"
    )
    images = datasets.load(tmp_path / "x.npz").train_images
    assert images.shape == (6, size or 4, size or 4, wanted)
    assert (images == np.arange(100, 106)[:, None, None, None]).all()


@pytest.mark.parametrize("count", [1, pixels.BLOCK, pixels.BLOCK + 1, 3 * pixels.BLOCK - 1])
def test_every_image_is_resized(count, capsys):
    levels = (1 + np.arange(count) % 255).astype(np.uint8)[:, None, None, None]
    found = pixels.conform(np.tile(levels, (2, 2, 1)), 3, 1)
    assert found.shape == (count, 3, 3, 1) and (found == levels).all()
    assert not capsys.readouterr().err  # a bar would fill a log


def test_images_that_are_larger_than_memory():
    with pytest.raises(UserError, match="1 images of 1073741824x1073741824x3 do not fit into memory; set a smaller"):
        pixels.conform(np.zeros((1, 2, 2, 1), np.uint8), 2**30, 3)


@pytest.mark.parametrize("size", [5, 20])
def test_images_are_resized_as_pytorch_does_it(size):
    images = 64 + small(size=12).train_images // 2  # Pillow would cut off intermediate values below 0 or above 255
    theirs = F.interpolate(
        torch.from_numpy(images).permute(0, 3, 1, 2).double(), (size, size), mode="bicubic", antialias=True
    )
    ours = pixels.conform(images, size, 1)
    assert abs(ours - theirs.permute(0, 2, 3, 1).clamp(0, 255).numpy()).max() < 2  # Pillow rounds twice


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_labels": np.array([0, 1, 2, 0])}, "test: expected labels from 0 to 1, found 2 .image 2"),
        ({"train_labels": np.array([0, 1])}, "train: expected a label per image, found 2 for 6 images"),
        ({"test_labels": np.arange(5) % 2}, "test: expected a label per image, found 5 for 4 images"),
        ({"test_images": np.empty((0, 4, 4, 1), np.uint8), "test_labels": np.empty(0, int)}, "found none"),
        ({"class_names": []}, "expected at least two classes, found none"),
        ({"class_names": ["images"]}, "expected at least two classes, found images"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        save("x", dataset(source="digits"), small(**changes), tmp_path / "x.npz")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_none(tmp_path):
    path = tmp_path / "x.npz"
    with pytest.raises(UserError, match="no such data set; make it with .* --name x --source SOURCE --out"):
        datasets.load(str(path))  # as README.md does it
    save("x", dataset(source="digits"), small(train=50), path)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[500] ^= 1  # inside the images
    objects = {"train_images": np.array([{}], object)}
    for content in (b"", b"text", whole[: len(whole) // 2], bytes(damaged)):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"x\.npz: expected a data set .* fetch it again"):
            datasets.load(path)
    np.savez(path, **objects)  # would have to be unpickled
    with pytest.raises(UserError, match="expected a data set"):
        datasets.load(path)
    np.save(path.with_suffix(".npy"), np.zeros(3))
    with pytest.raises(UserError, match="expected a data set"):
        datasets.load(path.with_suffix(".npy"))


def test_the_digits(tmp_path):
    prepare("digits", dataset(source="digits", image_size=16), tmp_path / "digits.npz", tmp_path)
    data = datasets.load(tmp_path / "digits.npz")
    assert data.train_images.shape == (1500, 16, 16, 3) and data.test_images.shape == (297, 16, 16, 3)
    assert data.train_images.max() == 255 and data.train_images.min() == 0
    assert list(data.class_names) == [str(digit) for digit in range(10)]
    assert data.meta["embedded"] and data.meta["title"] == "digits (scikit-learn)"
    assert list(data.train_labels[:10]) == list(range(10))


def test_the_digits_are_those_of_the_package(digits):
    package = load_digits()
    images = np.concatenate([digits.train_images, digits.test_images])
    assert (images == np.rint(package.images * 255 / 16)[..., None]).all()
    assert (np.concatenate([digits.train_labels, digits.test_labels]) == package.target).all()


def test_the_command(tmp_path):
    finished = fetch("--name", "digits", "--source", "digits", "--channels", 1, "--out", tmp_path / "digits.npz")
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    assert datasets.load(tmp_path / "digits.npz").image_shape == (1, 8, 8)


def test_flags_make_the_description():
    words = "--name x --out x.npz --source mnist --mirror http://a --mirror http://b --image-size 32 --channels 1"
    described = flags.read(fetch_data.parser().parse_args(words.split()), config.Dataset)
    assert described == dataset(source="mnist", mirrors=["http://a", "http://b"], image_size=32, channels=1)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--source", "cifar1000"), ["'cifar1000'", "unknown source", "cifar100"]),
        (("--source", "digits", "--image-size", "large"), ["image_size", "'large'"]),
        (("--source", "digits", "--channels", "2"), ["channels", "2"]),
        (("--source", "folder"), ["data set x", "`path`"]),
        (("--source", "folder", "--path", "/no/such/place"), ["/no/such/place", "no such folder or zip"]),
        (("--source", "mnist", "--path", "/no/such/place"), ["/no/such/place/train-images-idx3-ubyte.gz", "no such"]),
    ],
)
def test_the_command_refuses(tmp_path, refused, flags, words):
    message = refused("fetch_data", "--name", "x", *flags, "--out", tmp_path / "x.npz")
    assert message.startswith("error: ")
    assert all(word in message for word in words), message
    assert not list(tmp_path.iterdir())


def test_no_network(tmp_path):
    cache, out = tmp_path / "cache", tmp_path / "out"
    finished = fetch("--name", "x", "--source", "cifar100", "--out", out / "x.npz", GRADSCAPE_CACHE=str(cache))
    assert_one_line(finished, "cifar-100-binary.tar.gz", "no connection", "`mirrors`", "`path`")
    assert not out.exists() and not list(cache.iterdir())


def test_a_file_that_is_not_the_official_one(tmp_path):
    path = tmp_path / "cifar-100-binary.tar.gz"
    path.write_bytes(b"another file")
    finished = fetch("--name", "x", "--source", "cifar100", "--path", path, "--out", tmp_path / "out" / "x.npz")
    assert_one_line(
        finished, str(path), "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", "found SHA"
    )
    assert not (tmp_path / "out").exists()


@pytest.fixture
def mount(tmp_path):
    """A function that returns an in-memory folder mounted with these options."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("only root can mount the small file system that this test needs")

    def mounted(options):
        finished = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True
        )
        if finished.returncode:
            pytest.skip(f"no file system can be mounted here: {finished.stderr.strip()}")
        return folder

    yield mounted
    subprocess.run(["umount", str(folder)], capture_output=True)


@pytest.fixture
def pictures(tmp_path):
    """A folder of eight images, 64x64."""
    for place in ("train/cat", "train/dog", "test/cat", "test/dog"):
        (tmp_path / "pictures" / place).mkdir(parents=True)
        for index in range(2):
            Image.new("RGB", (64, 64)).save(tmp_path / "pictures" / place / f"{index}.png")
    return tmp_path / "pictures"


@pytest.mark.parametrize(("options", "reason"), [("size=64k", "No space left on device"), ("ro", "Read-only file")])
def test_a_disk_that_is_full_or_read_only(mount, pictures, options, reason):
    folder = mount(options)
    out = folder / "x.npz"
    assert_one_line(fetch("--name", "x", "--source", "folder", "--path", pictures, "--out", out), str(out), reason)
    assert not list(folder.iterdir())


def test_the_workflow_in_a_folder_that_is_read_only(mount):
    folder = mount("ro")
    status, said = snakemake(folder, "-n", "data", check=False)
    assert status == 1 and f"error: {folder}: cannot be written to" in said and "Traceback" not in said


def test_an_older_file_outlives_a_failure(mount, pictures):
    out = mount("size=160k") / "x.npz"  # room for one file of about 100 kB
    flags = ("--name", "x", "--source", "folder", "--path", pictures, "--out", out)
    finished = fetch(*flags)
    assert finished.returncode == 0, finished.stderr
    before = out.read_bytes()
    assert_one_line(fetch(*flags), "No space left on device")
    assert out.read_bytes() == before and list(out.parent.iterdir()) == [out]


@pytest.mark.skipif(not (REAL / "mnist").is_dir(), reason="the real MNIST is not beside this checkout")
def test_the_real_mnist(tmp_path):
    prepare("mnist", dataset(source="mnist", path=REAL / "mnist", channels=1), tmp_path / "mnist.npz", tmp_path)
    data = datasets.load(tmp_path / "mnist.npz")
    assert data.train_images.shape == (60_000, 28, 28, 1) and data.test_images.shape == (10_000, 28, 28, 1)
    assert list(data.train_labels[:10]) == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.train_images.mean() / 255 == pytest.approx(0.1307, abs=1e-4)
