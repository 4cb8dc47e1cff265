"""Augmentations by name: each maps the image size (pixels) to what is done to a batch.

Crop and flip only choose which pixels are gathered, and cost nothing beyond the copy that makes the batch. The
others map uint8 batches (b, c, h, w): transforms of `torchvision.transforms.v2`, and our cutout. All are drawn on the
CPU and for each image anew, as in their papers.
"""

from dataclasses import dataclass

import torch

from models.registry import Registry

AUGMENTATIONS = Registry("augmentation")
register_augmentation = AUGMENTATIONS.register


@dataclass(frozen=True)
class Gather:
    """Shift by up to `padding` pixels each way, filling with zeros; with `flip`, mirror with probability 1/2."""

    padding: int = 0
    flip: bool = False

    def __or__(self, other):
        return Gather(max(self.padding, other.padding), self.flip or other.flip)


def parse(names, size):
    """(gather, transforms) of an augmentation string such as `crop+flip` or `none`."""
    made = [] if names == "none" else [AUGMENTATIONS[name](size) for name in names.split("+")]
    gather = Gather()
    for thing in made:
        if isinstance(thing, Gather):
            gather |= thing
    return gather, [thing for thing in made if not isinstance(thing, Gather)]


@register_augmentation("crop")
def crop(size):
    """Random crop after padding by an eighth of the size: 4 pixels at 32, as in the course."""
    return Gather(padding=size // 8)


@register_augmentation("flip")
def flip(size):
    """Horizontal flip with probability 1/2."""
    return Gather(flip=True)


def _transforms():
    from torchvision.transforms import v2  # here because importing torchvision takes longer than importing PyTorch

    return v2


class EachImage:
    """Applies a transform to one image after the other: one of torchvision's draws once per call, even for a batch."""

    def __init__(self, transform):
        self.transform = transform

    def __call__(self, images):
        return torch.stack([self.transform(image) for image in images])


@register_augmentation("erase")
def erase(size):
    """Random erasing (Zhong et al. 2020) of a rectangle, with probability 1/2."""
    return EachImage(_transforms().RandomErasing(p=0.5))


@register_augmentation("color_jitter")
def color_jitter(size):
    """Brightness, contrast and saturation changed by up to 20 %."""
    return EachImage(_transforms().ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2))


@register_augmentation("trivial")
def trivial(size):
    """TrivialAugment (Müller & Hutter 2021): one random operation of random strength."""
    return EachImage(_transforms().TrivialAugmentWide())


@register_augmentation("cutout")
def cutout(size):
    """Cutout (DeVries & Taylor 2017): a grey square of 3/8 of the size, 12 pixels at 32, at random in every image."""
    return Cutout(3 * size // 8)


class Cutout:
    """Puts a grey square of `side` pixels on uint8 images (b, c, h, w); each image's centre is drawn on the CPU."""

    def __init__(self, side):
        self.side = side

    def __call__(self, images):
        hidden = [self._hidden(len(images), size, images.device) for size in images.shape[2:]]
        return images.masked_fill(hidden[0][:, None, :, None] & hidden[1][:, None, None, :], 128)

    def _hidden(self, count, size, device):
        """(count, size): which rows, or columns, of each image the square covers."""
        first = (torch.randint(size, (count, 1)) - self.side // 2).to(device, non_blocking=True)  # without waiting
        places = torch.arange(size, device=device)
        return (places >= first) & (places < first + self.side)
