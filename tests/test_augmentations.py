"""Cutout, as an example of an augmentation; what others do to images is tested with the operations."""

import numpy as np
import pytest
import torch

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.data.augmentations import AUGMENTATIONS
from workflow_scripts.engine.data.batches import Batches


@pytest.mark.parametrize(("rows", "columns", "side"), [(32, 32, 12), (8, 12, 3)])
def test_cutout_hides_one_square_of_each_image(rows, columns, side):
    torch.manual_seed(0)
    images = torch.randint(0, 100, (400, 3, rows, columns), dtype=torch.uint8)
    cut = AUGMENTATIONS["cutout"](rows)(images)
    hidden = cut == 128
    assert torch.equal(cut[~hidden], images[~hidden]) and cut.dtype == torch.uint8
    assert torch.equal(hidden[:, 0], hidden[:, 1]) and torch.equal(hidden[:, 0], hidden[:, 2])
    height, width = hidden[:, 0].any(2).sum(1), hidden[:, 0].any(1).sum(1)
    assert torch.equal(hidden[:, 0].sum((1, 2)), height * width)  # a rectangle
    assert height.max() == width.max() == side and height.min() >= side // 2  # cut off at the border
    assert len({tuple(image.flatten().tolist()) for image in hidden[:20, 0]}) > 15
    assert hidden.any(0).all()


def test_cutout_is_the_same_for_the_same_step_and_none_in_validation():
    images = np.zeros((10, 16, 16, 3), np.uint8)
    zeros, ones = np.zeros(3), np.ones(3)
    batches = Batches(images, np.arange(10), zeros, ones, torch.device("cpu"), "crop+flip+cutout")
    one, again, other = (next(batches.epoch(seed, 0, 5))[0] for seed in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert not next(batches.in_order(10))[0].any()


@pytest.mark.parametrize(
    ("own", "found"),
    [
        (lambda images: images / 255, r"torch.float32 \(5, 3, 16, 16\)"),
        (lambda images: images[1:], r"torch.uint8 \(4, 3, 16, 16\)"),
        (lambda images: None, "NoneType"),
    ],
    ids=["floats", "fewer", "none"],
)
def test_an_own_one_gives_images_as_it_was_given(monkeypatch, own, found):
    monkeypatch.setitem(AUGMENTATIONS, "own", lambda size: own)
    batches = Batches(
        np.zeros((10, 16, 16, 3), np.uint8), np.arange(10), np.zeros(3), np.ones(3), torch.device("cpu"), "own+cutout"
    )
    with pytest.raises(UserError, match=rf"own\+cutout made {found} of images torch.uint8 \(5, 3, 16, 16\), expected"):
        next(batches.epoch(0, 0, 5))
