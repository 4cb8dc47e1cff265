"""Augmentations by name: each maps the image size (pixels) to what is done to a batch.

Crop and flip only choose which pixels are gathered, and cost nothing beyond the copy that makes the batch. The
others map uint8 batches (b, c, h, w). All are drawn on the CPU and for each image anew, as in their papers; but the
operations are those of whole batches, since on a GPU a launch for each image would take longer than a training step.
"""

import math
from dataclasses import dataclass

import torch

from models.registry import Registry
from workflow_scripts.engine.data import operations

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


@register_augmentation("erase")
def erase(size):
    """Random erasing (Zhong et al. 2020): with probability 1/2, a black rectangle at random in an image."""
    return Erase(probability=0.5)


@register_augmentation("color_jitter")
def color_jitter(size):
    """Brightness, contrast and saturation changed by up to 20 %, in random order."""
    return ColorJitter(0.2)


@register_augmentation("trivial")
def trivial(size):
    """TrivialAugment (Müller & Hutter 2021): one random operation of random strength."""
    return TrivialAugment()


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


class Erase:
    """Makes a rectangle of an image black, of torchvision's sizes: 2 to 33 % of the area, 0.3 to 3.3 times as high as
    wide; an image stays as it is where none of `TRIES` rectangles fits into it."""

    TRIES = 10

    def __init__(self, probability):
        self.probability = probability

    def __call__(self, images):
        count, _, height, width = images.shape
        area = height * width * torch.empty(count, self.TRIES).uniform_(0.02, 0.33)
        aspect = torch.empty(count, self.TRIES).uniform_(math.log(0.3), math.log(3.3)).exp_()
        sides = torch.stack([area * aspect, area / aspect]).sqrt_().round_()
        fits = (sides[0] < height) & (sides[1] < width)
        sides = sides.gather(2, fits.byte().argmax(1).expand(2, -1)[..., None])  # the first that does
        sides *= (fits.any(1) & (torch.rand(count) < self.probability))[:, None]
        first = torch.rand(2, count, 1).mul_(torch.tensor([height, width])[:, None, None] - sides + 1).floor_()
        ends = torch.stack([first, first + sides]).to(images.device, non_blocking=True)
        rows, columns = (self._between(*ends[:, side], size) for side, size in enumerate((height, width)))
        return images.masked_fill(rows[:, None, :, None] & columns[:, None, None, :], 0)

    def _between(self, first, last, size):
        places = torch.arange(size, device=first.device)
        return (places >= first) & (places < last)


class ColorJitter:
    """Changes brightness, contrast and saturation by up to `spread`, in an order of its own for each image."""

    def __init__(self, spread):
        self.spread = spread

    def __call__(self, images):
        shape = (len(images), 3, 1, 1, 1)
        ratios = torch.empty(shape).uniform_(1 - self.spread, 1 + self.spread).to(images.device, non_blocking=True)
        order = torch.rand(shape).argsort(1).to(images.device, non_blocking=True)
        for ratio, kind in zip(ratios.unbind(1), order.unbind(1), strict=True):
            grey = operations.grey(images)
            # what the image is blended with: black for brightness, its mean for contrast, its grey for saturation
            others = torch.where(kind == 0, 0, torch.where(kind == 1, operations.mean(grey), grey))
            images = operations.blend(images, others, ratio)
        return images


class TrivialAugment:
    """Applies one operation to each image, all equally likely, of a strength drawn from `STRENGTHS` equal steps."""

    STRENGTHS = 31
    # operation, greatest strength, whether its sign is drawn, too: the "wide" space of the paper, as in torchvision
    OPERATIONS = (
        (operations.unchanged, 0, False),
        (operations.shear_x, 0.99, True),
        (operations.shear_y, 0.99, True),
        (operations.translate_x, 32, True),
        (operations.translate_y, 32, True),
        (operations.rotate, 135, True),
        (operations.brightness, 0.99, True),
        (operations.saturation, 0.99, True),
        (operations.contrast, 0.99, True),
        (operations.sharpness, 0.99, True),
        (operations.posterize, 1, False),
        (operations.solarize, 1, False),
        (operations.autocontrast, 0, False),
        (operations.equalize, 0, False),
    )

    def __call__(self, images):
        chosen, order = torch.randint(len(self.OPERATIONS), (len(images),)).sort()
        strength = self._strengths(chosen)[:, None, None, None].to(images.device, non_blocking=True)
        order, back = torch.stack([order, order.argsort()]).to(images.device, non_blocking=True)
        counts = chosen.bincount(minlength=len(self.OPERATIONS)).tolist()
        groups = zip(self.OPERATIONS, images[order].split(counts), strength.split(counts), strict=True)
        return torch.cat([operation(*group) for (operation, *_), *group in groups if len(group[0])])[back]

    def _strengths(self, chosen):
        greatest, signed = torch.tensor([limits for _, *limits in self.OPERATIONS]).T[:, chosen]
        share = torch.randint(self.STRENGTHS, chosen.shape) / (self.STRENGTHS - 1)
        sign = torch.where(torch.rand(chosen.shape) < 0.5, -1, 1)
        return greatest * share * torch.where(signed > 0, sign, 1)
