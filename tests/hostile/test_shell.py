"""What the configuration says is only data to the shell, whatever it contains."""

import numpy as np
import pytest
from PIL import Image

from tests.workflow_runs import snakemake, write_config
from workflow_scripts.engine.data import datasets

ODD = """it's "mine" $(touch x) `touch y`; touch z & *"""


@pytest.fixture
def pictures(tmp_path):
    """A folder of images with an odd name."""
    for place in ("train/cat", "train/dog", "test/cat", "test/dog"):
        (tmp_path / ODD / place).mkdir(parents=True)
        for index in range(2):
            Image.fromarray(np.full((8, 8, 3), 40 * index, np.uint8)).save(tmp_path / ODD / place / f"{index}.png")
    return tmp_path / ODD


def test_a_data_set_with_an_odd_path_and_title(pictures, tmp_path):
    """And in a working directory with an odd name, too."""
    here = tmp_path / f"here {ODD}"
    here.mkdir()
    study = {"grids": [{"model": "vgg08", "dataset": "mine", "epochs": 1}]}
    mine = {"source": "folder", "path": str(pictures), "title": ODD}
    write_config(here, {"datasets": {"mine": mine}, "studies": {"s": study}})
    snakemake(here, "results/data/mine.npz")
    data = datasets.load(here / "results/data/mine.npz")
    assert len(data.train_images) == 4 and data.meta["title"] == ODD
    assert sorted(path.name for path in here.iterdir() if path.name != ".snakemake") == ["config.yaml", "results"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([here.name, pictures.name])
