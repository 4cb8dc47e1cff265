"""Batches compared with NumPy, and what they may depend on."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from models.registry import Registry
from workflow_scripts.engine.data import augmentations
from workflow_scripts.engine.data.batches import COURSE_MEAN, COURSE_STD, Batches, channel_statistics

CPU = torch.device("cpu")


def images(count=12, size=16, channels=3):
    return np.random.RandomState(0).randint(0, 256, (count, size, size + 8, channels), dtype=np.uint8)


def batches(pixels, augmentation="none", mean=0.0, std=1.0):
    channels = pixels.shape[-1]
    return Batches(pixels, np.arange(len(pixels)), np.full(channels, mean), np.full(channels, std), CPU, augmentation)


def bytes_of(batch):
    """The uint8 pixels (b, h, w, c) of a batch that was normalised with mean 0 and deviation 1."""
    return (batch * 255).round().byte().permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_in_order_gives_the_images_normalised(channels):
    pixels = images(channels=channels)
    mean, std = np.linspace(0.2, 0.6, channels), np.linspace(0.1, 0.3, channels)
    made = Batches(pixels, np.arange(12), mean, std, CPU, "crop+flip")
    got, labels = zip(*made.in_order(5), strict=True)
    assert [len(part) for part in got] == [5, 5, 2] and torch.cat(labels).tolist() == list(range(12))
    expected = ((pixels / 255 - mean) / std).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(torch.cat(got).numpy(), expected, atol=1e-6)
    assert got[0].is_contiguous(memory_format=torch.channels_last) or channels == 1


def test_without_augmentation_an_epoch_is_a_permutation():
    pixels = images()
    for batch, labels in batches(pixels).epoch(seed=3, epoch=1, batch_size=4):
        np.testing.assert_array_equal(bytes_of(batch), pixels[labels])


def test_every_augmented_image_is_a_crop_of_the_padded_image_or_of_its_mirror():
    pixels, pad = images(), 2  # an eighth of 16
    padded = np.pad(pixels, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    seen = set()
    for epoch in range(20):
        for batch, labels in batches(pixels, "crop+flip").epoch(0, epoch, 4):
            for image, label in zip(bytes_of(batch), labels, strict=True):
                found = [
                    (down, right, mirrored)
                    for down in range(2 * pad + 1)
                    for right in range(2 * pad + 1)
                    for mirrored in (False, True)
                    if np.array_equal(
                        image[:, ::-1] if mirrored else image, padded[label, down : down + 16, right : right + 24]
                    )
                ]
                assert len(found) == 1
                seen |= set(found)
    assert len(seen) == 50  # 240 draws: each of the 5 x 5 x 2 variants occurred


def test_a_step_of_an_epoch_is_a_few_operations():
    """On a GPU each is a launch: two gathers and arithmetic for the images; labels are gathered only once per epoch."""

    class Count(TorchDispatchMode):
        operations = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            self.operations += not function.is_view
            return function(*args, **(kwargs or {}))

    made = batches(images(), "crop+flip").epoch(0, 0, 4)
    next(made)
    with Count() as count:
        next(made)
    assert count.operations == 6


def test_crop_shifts_by_four_pixels_at_32():
    assert augmentations.parse("crop+flip", 32)[0] == augmentations.Gather(padding=4, flip=True)


@pytest.mark.parametrize("augmentation", ["none", "crop+flip", "crop+flip+erase", "color_jitter", "trivial"])
def test_an_epoch_is_a_function_of_seed_and_epoch_alone(augmentation):
    def epoch(seed, number, start=0):
        torch.manual_seed(np.random.randint(1000))  # the global random state must not matter
        made = list(batches(images(), augmentation).epoch(seed, number, 4, start))
        return torch.cat([batch for batch, _ in made]), torch.cat([labels for _, labels in made])

    for one, two in zip(epoch(1, 2), epoch(1, 2), strict=True):
        assert torch.equal(one, two)
    for one, two in zip(epoch(1, 2, start=2), epoch(1, 2), strict=True):
        assert torch.equal(one, two[8:])
    assert not torch.equal(epoch(1, 2)[1], epoch(1, 3)[1])
    assert not torch.equal(epoch(1, 2)[1], epoch(2, 2)[1])


def test_a_transform_leaves_the_global_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    list(batches(images(), "erase").epoch(0, 0, 4))
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("name", [name for name in augmentations.AUGMENTATIONS if name not in ("crop", "flip")])
def test_a_transform_changes_the_uint8_batch(name):
    made = batches(images(), name)
    (batch, labels), *_ = made.epoch(0, 0, 12)
    assert batch.shape == (12, 3, 16, 24)
    changed = sum(not np.array_equal(one, two) for one, two in zip(bytes_of(batch), images()[labels], strict=True))
    others = [b for epoch in range(8) for b, _ in made.epoch(0, epoch, 12)]
    assert changed or any(not torch.equal(one, others[0]) for one in others)


@pytest.mark.parametrize("name", [name for name in augmentations.AUGMENTATIONS if name not in ("crop", "flip")])
def test_a_transform_is_drawn_for_each_image(name):
    """Copies of one image in one batch come out different; TrivialAugment and erasing leave some as they are."""
    made = batches(np.repeat(images(count=1), 64, axis=0), name)
    batch, _ = next(made.epoch(0, 0, 64))
    assert len(torch.unique(batch.flatten(1), dim=0)) > 20


def test_every_second_image_is_erased():
    made = batches(images(count=400), "erase")
    (batch, _), *_ = made.epoch(0, 0, 400)
    assert 160 <= (bytes_of(batch) == 0).all(-1).any((1, 2)).sum() <= 240


def test_colours_are_jittered_by_a_fifth():
    made = batches(np.full((2, 8, 16, 3), 100, np.uint8), "color_jitter")
    brightness = [
        image.mean() for epoch in range(100) for batch, _ in made.epoch(0, epoch, 2) for image in bytes_of(batch)
    ]
    assert 78 <= min(brightness) < 85 and 115 < max(brightness) <= 121  # each of three changes rounds


def test_a_short_last_batch_is_left_out():
    assert [len(labels) for _, labels in batches(images()).epoch(0, 0, 5)] == [5, 5]


def test_channel_statistics():
    pixels = images(count=50)
    mean, std = channel_statistics(pixels, "dataset")
    np.testing.assert_allclose(mean, (pixels / 255).mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(std, (pixels / 255).std((0, 1, 2)), rtol=1e-9)
    assert [tuple(part) for part in channel_statistics(pixels, "course")] == [COURSE_MEAN, COURSE_STD]
    grey = [part.tolist() for part in channel_statistics(images(channels=1), "course")]
    assert grey == [[pytest.approx(sum(part) / 3)] for part in (COURSE_MEAN, COURSE_STD)]
    _, std = channel_statistics(np.full((2, 4, 4, 1), 7, np.uint8), "dataset")
    assert std.tolist() == [1e-3]  # so that images that are all the same can be divided by it


def test_a_channel_of_one_value_has_a_deviation_too():
    flat = np.broadcast_to(np.arange(256, dtype=np.uint8), (7, 32, 32, 256))  # one channel for each value
    _, std = channel_statistics(flat, "dataset")
    assert (std == 1e-3).all()


def test_a_registry_refuses_the_same_name_twice():
    registry = Registry("thing")
    registry.register("one")(1)
    with pytest.raises(ValueError, match="two things are registered as 'one'"):
        registry.register("one")(2)
