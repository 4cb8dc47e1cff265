"""When a study's data set, and with it its cells, are made again, as shown by dry-runs of a study that was made."""

import os

import numpy as np
import pytest
from PIL import Image

from tests.workflow_runs import dry_run, snakemake, write_config

GRID = {"model": "vgg08", "width": 0.125, "dataset": "mine", "epochs": 1, "batch_size": 10, "augmentation": "none"}


def config(**changes):
    mine = {"source": "folder", "path": "pictures", "image_size": 8, **changes}
    return {"datasets": {"mine": mine}, "studies": {"s": {"grids": [{**GRID, "val_fraction": 0.2}]}}, "beras": None}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a study made from a folder of images."""
    folder, rng = tmp_path_factory.mktemp("made"), np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 4)):
        for kind in ("cat", "dog"):
            (folder / "pictures" / split / kind).mkdir(parents=True)
            for number in range(count):
                image = Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8))
                image.save(folder / "pictures" / split / kind / f"{number}.png")
    write_config(folder, config())
    snakemake(folder)
    return folder


def done_again(folder, **changes):
    """Which of these jobs a dry-run would run."""
    write_config(folder, config(**changes))
    said = dry_run(folder, "results/s/tables/table1.txt")
    return [job for job in ("fetch_data", "train_cell", "summarise") if f"\n{job} " in said]


def test_nothing_has_changed(made):
    assert done_again(made) == []


def test_another_title_is_for_the_tables_alone(made):
    """The title belongs to the tables' own job: no image is read again."""
    assert done_again(made, title="Pets") == ["summarise"]
    snakemake(made, "results/s/summary/dataset.json")
    assert '"title": "Pets"' in (made / "results/s/summary/dataset.json").read_text()
    write_config(made, config())
    snakemake(made)


def test_what_is_no_image_is_not_noticed(made):
    """What systems and editors leave in folders, including a dangling link; and a note next to the class folders."""
    images = made / "pictures"
    (images / ".DS_Store").write_bytes(b"")
    (images / "train/cat/Thumbs.db").write_bytes(b"")
    (images / "train/cat/.#0.png").symlink_to("nowhere")
    (images / "train/README.md").write_text("cats and dogs")
    assert done_again(made) == []


def test_another_size(made):
    assert done_again(made, image_size=9) == ["fetch_data", "train_cell", "summarise"]


def test_an_image_more(made):
    """Snakemake sees only the folder, whose time does not show it."""
    new = made / "pictures/train/cat/new.png"
    new.write_bytes((made / "pictures/train/cat/0.png").read_bytes())
    assert done_again(made) == ["fetch_data", "train_cell", "summarise"]
    new.unlink()
    assert done_again(made) == []


def test_an_image_more_behind_a_link(made):
    """A class whose folder is elsewhere."""
    cats = made / "pictures/train/cat"
    cats.rename(made / "cats")
    cats.symlink_to(made / "cats")
    assert done_again(made) == []
    (made / "cats/new.png").write_bytes((made / "cats/0.png").read_bytes())
    assert done_again(made) == ["fetch_data", "train_cell", "summarise"]
    (made / "cats/new.png").unlink()
    assert done_again(made) == []


def test_an_image_that_cannot_be_read_trains_nothing_again_once_it_is_gone(made):
    """Its job deletes the data set before it fails: the next one makes the same data as before, and a newer file."""
    table, cell = "results/s/tables/table1.txt", next((made / "results/s").glob("*/cell.json"))
    new, before = made / "pictures/train/cat/new.png", cell.read_bytes()
    new.write_bytes(b"no image")
    status, said = snakemake(made, table, check=False)
    assert status and "new.png" in said and not (made / "results/data/mine.npz").exists()
    new.unlink()
    said = snakemake(made, table)[1]
    assert "Finished jobid" in said and "made before (1 of 1 cells done)" in said
    assert cell.read_bytes() == before and done_again(made) == []


def test_the_same_images_at_another_time(made):
    """After a backup was restored, for instance. Only their contents tell them from others of the same size."""
    first, second = (made / f"pictures/train/cat/{number}.png" for number in (0, 1))
    times = first.stat()
    for path in (first, second):
        os.utime(path)
    assert done_again(made) == []
    content = first.read_bytes()
    first.write_bytes(content[:-5] + bytes([content[-5] ^ 1]) + content[-4:])
    assert done_again(made) == ["fetch_data", "train_cell", "summarise"]
    first.write_bytes(content)
    os.utime(first, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert done_again(made) == []


def test_what_was_made_from_images_that_have_gone_stays(made):
    """For instance because a disk is not plugged in."""
    (made / "pictures").rename(made / "away")
    try:
        assert done_again(made) == []
        assert "Nothing to be done" in snakemake(made)[1] and (made / "results/data/mine.npz").exists()
        status, said = snakemake(made, "-n", "--forcerun", "results/data/mine.npz", check=False)
        assert status and "pictures" in said
    finally:
        (made / "away").rename(made / "pictures")
    assert done_again(made) == []


def test_where_official_files_come_from_trains_nothing_again(tmp_path):
    """Their SHA-256 identifies them."""
    mnist = {"source": "mnist", "image_size": 8}
    study = {"grids": [{**GRID, "dataset": "mnist"}]}
    shells = []
    for places in ({}, {"mirrors": ["https://mirror.example/"]}, {"path": "/mnist"}):
        write_config(tmp_path, {"datasets": {"mnist": mnist | places}, "studies": {"s": study}, "beras": None})
        said = dry_run(tmp_path, "--printshellcmds", "results/data/mnist.npz")
        shells.append(next(line for line in said.splitlines() if "workflow_scripts.fetch_data" in line))
        assert "input:" not in said
    assert len(set(shells)) == 3  # the job gets the address, but in a way that does not make it run again
