"""What TrivialAugment and colour jitter do to uint8 batches (b, c, h, w), each image with a strength of its own.

The strengths are float (b, 1, 1, 1). The results are torchvision's, whose operations have one strength for all images
that they are given: called image by image, they would be many launches on a GPU, where a training step is short.
"""

import math

import torch
from torch.nn import functional as F

LUMA = (0.2989, 0.587, 0.114)  # of red, green and blue, as in torchvision


def blend(images, others, ratio):
    """Images at ratio 1, `others` at 0, and beyond the images above 1; exact where nothing changes."""
    images = images.float()
    return (images + (1 - ratio) * (others - images)).clamp_(0, 255).to(torch.uint8)


def quotient(values, number):
    """values / number, with the same bits on every device: CUDA multiplies by the reciprocal of a Python number."""
    return values / torch.full_like(values, number)


def mean(images):
    """The mean value of each image of whole numbers, (b, 1, 1, 1), with the same bits on every device."""
    return quotient(images.sum((1, 2, 3), keepdim=True), images[0].numel())


def grey(images):
    """The luminance in whole numbers, (b, 1, h, w), of images of red, green and blue; others stay as they are."""
    if images.shape[1] != 3:
        return images.float()
    return sum(part * channel for part, channel in zip(LUMA, images.float().split(1, 1), strict=True)).floor_()


def unchanged(images, strength):
    """The images."""
    return images


def brightness(images, strength):
    """Strength -1 makes an image black."""
    return blend(images, 0, 1 + strength)


def contrast(images, strength):
    """Strength -1 makes an image uniformly grey."""
    return blend(images, mean(grey(images)), 1 + strength)


def saturation(images, strength):
    """Strength -1 takes the colours away."""
    return blend(images, grey(images), 1 + strength)


def sharpness(images, strength):
    """Strength -1 blurs an image by weights of 1 around a 5; its border stays."""
    blurred = images.float()
    inside = blurred[:, :, 1:-1, 1:-1]
    inside.copy_(((F.avg_pool2d(blurred, 3, 1, divisor_override=1) + 4 * inside) / 13).round_())
    return blend(images, blurred, 1 + strength)


def posterize(images, strength):
    """Keep the 8 (strength 0) to 2 (strength 1) highest bits."""
    dropped = (8 - (8 - 6 * strength).round()).to(torch.uint8)
    return images >> dropped << dropped  # not by a power of 2, which may be inexact on a GPU


def solarize(images, strength):
    """Invert what is at least as bright as 255 (strength 0) to 0 (strength 1)."""
    return torch.where(images >= 255 * (1 - strength), 255 - images, images)


def autocontrast(images, strength):
    """Stretch each channel from its darkest to its brightest value over all values, whatever the strength."""
    darkest, brightest = (end(images, (2, 3), keepdim=True).float() for end in (torch.amin, torch.amax))
    stretched = (images - darkest) / quotient(brightest - darkest, 255)
    return torch.where(brightest > darkest, stretched, images.float()).to(torch.uint8)


def equalize(images, strength):
    """Map each channel's values so that they are about equally frequent, whatever the strength, as Pillow does.

    Values are counted by sorting: adding up counts in place would not be deterministic on a GPU.
    """
    flat = images.flatten(2).contiguous()
    levels = torch.arange(256, dtype=torch.uint8, device=images.device).expand(*flat.shape[:2], 256).contiguous()
    darker = torch.searchsorted(flat.sort(-1).values, levels)  # how many pixels are darker than each level
    brightest = (flat == flat.amax(-1, keepdim=True)).sum(-1, keepdim=True)
    step = (flat.shape[-1] - brightest) // 255
    table = ((darker + step // 2) // step.clamp(min=1)).clamp_(max=255).to(torch.uint8)
    return torch.where(step > 0, table.gather(-1, flat.long()), flat).view_as(images)


def shear_x(images, strength):
    """Shift each row by the strength times its distance from the upper edge."""
    return _moved(images, (1, strength, strength * images.shape[2] / 2), (0, 1, 0))


def shear_y(images, strength):
    """Shift each column by the strength times its distance from the left edge."""
    return _moved(images, (1, 0, 0), (strength, 1, strength * images.shape[3] / 2))


def translate_x(images, strength):
    """Shift by the strength in whole pixels to the right."""
    return _moved(images, (1, 0, -strength.trunc()), (0, 1, 0))


def translate_y(images, strength):
    """Shift by the strength in whole pixels downward."""
    return _moved(images, (1, 0, 0), (0, 1, -strength.trunc()))


def rotate(images, strength):
    """Rotate by the strength in degrees, counter-clockwise."""
    angle = strength * (math.pi / 180)
    return _moved(images, (angle.cos(), -angle.sin(), 0), (angle.sin(), angle.cos(), 0))


def _moved(images, across, down):
    """Each pixel is that at `across` and `down` times (x, y, 1) in the image, rounded; black if this is outside of it.

    x and y are in pixels, from the image's centre.
    """
    height, width = images.shape[2:]
    x = torch.arange(width, device=images.device) - (width - 1) / 2
    y = (torch.arange(height, device=images.device) - (height - 1) / 2)[:, None]
    column, row = (
        (a * x + b * y + c + (size - 1) / 2).round().expand(len(images), 1, height, width)
        for (a, b, c), size in ((across, width), (down, height))
    )
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    place = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).long().flatten(2)
    moved = images.flatten(2).gather(2, place.expand(-1, images.shape[1], -1)).view_as(images)
    return moved * inside
