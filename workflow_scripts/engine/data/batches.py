"""Batches made on the device: the images stay there as uint8, and order and augmentation are drawn, not stored.

The batches of an epoch are a pure function of (seed, epoch, step): drawn on the CPU, so that every device sees
the same ones, and independent of the network, so that runs with the same seed are paired.

Each pixel is packed into one int32 (up to four channels), because then crop, flip and the copy into the batch are a
single flat gather; gathering by image, row and column is slower than a DataLoader.
"""

import itertools

import numpy as np
import torch

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.data.augmentations import parse

COURSE_MEAN, COURSE_STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


def channel_statistics(images, normalize):
    """Mean and standard deviation per channel, in 0..1; `images` is uint8 (n, h, w, c).

    "course" gives the course's constants (for grey images the mean over the channels), "dataset" those of `images`.
    """
    channels = images.shape[-1]
    if normalize == "course":
        mean, std = np.array(COURSE_MEAN), np.array(COURSE_STD)
        return (mean, std) if channels == 3 else (mean.mean(keepdims=True), std.mean(keepdims=True))
    # from the histogram: exact, and without a float copy of the images
    counts = np.stack([np.bincount(images[..., channel].ravel(), minlength=256) for channel in range(channels)])
    values = np.arange(256) / 255
    mean = counts @ values / counts.sum(1)
    variance = counts @ values**2 / counts.sum(1) - mean**2  # for a channel of one value it may round to below 0
    return mean, np.sqrt(np.maximum(variance, 1e-6))


def random_generator(*key):
    """A CPU generator seeded with integers: neighbouring keys have unrelated streams, (1, 2) and (1, 2, 0) the same."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1))


def same_random_numbers(device):
    """A context after which the global random states, the CPU's and that of `device`, are what they were before."""
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


class Batches:
    """Images (n, h, w, c) uint8 and labels (n,) as normalised float batches (b, c, h, w), channels last."""

    def __init__(self, images, labels, mean, std, device, augmentation="none"):
        count, self.rows, self.columns, self.channels = images.shape
        self.augmentation, (self.gather, self.transforms) = augmentation, parse(augmentation, self.rows)
        pad = self.gather.padding
        packed = np.zeros((count, self.rows + 2 * pad, self.columns + 2 * pad, 4), np.uint8)
        packed[:, pad : pad + self.rows, pad : pad + self.columns, : self.channels] = images
        self.padded_columns = packed.shape[2]
        self.pixels_per_image = packed.shape[1] * packed.shape[2]
        self.pixels = torch.from_numpy(packed.view(np.int32).ravel()).to(device)
        self.labels = torch.from_numpy(labels.astype(np.int64)).to(device)
        straight = np.arange(self.rows)[:, None] * self.padded_columns + np.arange(self.columns)
        self.offsets = torch.from_numpy(np.stack([straight.ravel(), straight[:, ::-1].ravel()])).to(device)
        self.scale = torch.tensor(1 / (255 * std), dtype=torch.float32, device=device).view(1, -1, 1, 1)
        self.shift = torch.tensor(-mean / std, dtype=torch.float32, device=device).view(1, -1, 1, 1)
        self.device = device

    def __len__(self):
        return len(self.labels)

    def epoch(self, seed, epoch, batch_size, start=0):
        """Training batches `start`, `start + 1`, ... of an epoch: (images, labels), augmented, in random order.

        A last batch that would be short is left out: it would hold different images in every epoch.
        """
        used = len(self) // batch_size * batch_size
        generator = random_generator(seed, epoch)
        order = torch.randperm(len(self), generator=generator)[:used]
        down, right = torch.randint(2 * self.gather.padding + 1, (2, used), generator=generator)
        mirrored = torch.randint(2, (used,), generator=generator) * int(self.gather.flip)
        corner = order * self.pixels_per_image + down * self.padded_columns + right
        order, corner, mirrored = torch.stack([order, corner, mirrored]).to(self.device)  # in one transfer
        # split all at once, because a step is short on a GPU
        batches = zip(*(drawn.split(batch_size) for drawn in (corner, mirrored, self.labels[order])), strict=True)
        for step, (corner, mirrored, labels) in itertools.islice(enumerate(batches), start, None):
            yield self._images(corner, mirrored, (seed, epoch, step)), labels

    def in_order(self, batch_size):
        """All images once, in their own order and without augmentation; the last batch may be short."""
        first = self.gather.padding * (self.padded_columns + 1)
        for start in range(0, len(self), batch_size):
            order = torch.arange(start, min(start + batch_size, len(self)), device=self.device)
            corner = order * self.pixels_per_image + first
            yield self._images(corner, torch.zeros_like(order), None), self.labels[order]

    def _images(self, corner, mirrored, key):
        index = self.offsets.index_select(0, mirrored).add_(corner[:, None])
        pixels = self.pixels.index_select(0, index.view(-1)).view(torch.uint8)
        images = pixels.view(len(corner), self.rows, self.columns, 4)[..., : self.channels].permute(0, 3, 1, 2)
        if self.transforms and key:
            images = self._transform(images, key)
        images = images.to(torch.float32, memory_format=torch.channels_last)
        return images.mul_(self.scale).add_(self.shift)

    def _transform(self, images, key):
        # transforms draw from the global random state: lend them one that depends on the step alone
        with same_random_numbers(self.device):
            torch.manual_seed(random_generator(*key).initial_seed())
            for transform in self.transforms:
                images = self._checked(transform(images), images)
        return images

    def _checked(self, images, given):
        """The images; raises UserError if they are not as given: floats from 0 to 1 would train silently, on black."""
        is_tensor = isinstance(images, torch.Tensor)
        if is_tensor and (images.dtype, images.shape) == (given.dtype, given.shape):
            return images
        found = f"{images.dtype} {tuple(images.shape)}" if is_tensor else type(images).__name__
        raise UserError(
            f"the augmentation {self.augmentation} made {found} of images {given.dtype} {tuple(given.shape)}, "
            "expected the same"
        )
