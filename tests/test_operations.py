"""The operations on batches compared with torchvision's, image by image."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.transforms import v2

from workflow_scripts.engine.data import operations
from workflow_scripts.engine.data.augmentations import ColorJitter, Erase, TrivialAugment

TRIVIAL = v2.TrivialAugmentWide()
NAMES = {"unchanged": "Identity", "saturation": "Color", "autocontrast": "AutoContrast"}
# of the pixels: halves of a place are rounded to either side, and so are limits of solarize that are whole numbers
ALIKE = {"shear_x": 0.98, "shear_y": 0.98, "rotate": 0.97, "solarize": 0.999}
ROUNDED = ("brightness", "contrast", "saturation", "sharpness", "autocontrast")  # by arithmetic that may differ by one
CASES = [(operation, *limits) for operation, *limits in TrivialAugment.OPERATIONS]


def name_of(operation):
    name = operation.__name__
    return NAMES.get(name, "".join(word.capitalize() for word in name.split("_")))


def theirs_of(operation, image, magnitude):
    filled = {torch.Tensor: None}
    return TRIVIAL._apply_image_or_video_transform(image, name_of(operation), float(magnitude), "nearest", filled)


def pictures(count, channels, rows=16, columns=24):
    """Smooth images, the first of a single value, since noise hides what an operation does to places.

    Their corners are aligned, so that the outermost rows and columns are not copies of their neighbours.
    """
    torch.manual_seed(0)
    coarse = torch.rand(count, channels, rows // 4, columns // 4)
    images = torch.nn.functional.interpolate(coarse, (rows, columns), mode="bilinear", align_corners=True)
    images = images.mul_(255).byte()
    images[0] = 77
    return images


def test_the_operations_are_torchvisions():
    assert [name_of(operation) for operation, *_ in CASES] == list(TRIVIAL._AUGMENTATION_SPACE)
    theirs = TRIVIAL._AUGMENTATION_SPACE.values()
    for (_, greatest, signed), (magnitudes, also_signed) in zip(CASES, theirs, strict=True):
        found = magnitudes(31, 16, 24)
        assert signed == also_signed and (found is None) == (greatest == 0)
        assert not signed or found[-1].item() == pytest.approx(greatest)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("operation", "greatest", "signed"), CASES, ids=[name_of(case[0]) for case in CASES])
def test_each_image_has_its_own_strength_and_the_result_is_torchvisions(operation, greatest, signed, channels):
    magnitudes = TRIVIAL._AUGMENTATION_SPACE[name_of(operation)][0](31, 16, 24)
    sign = torch.where(torch.arange(31) % 2 == 0, 1, -1) if signed else 1
    strengths = torch.linspace(0, 1, 31) * greatest * sign
    theirs = torch.zeros(31) if magnitudes is None else magnitudes * sign
    images = pictures(31, channels)
    before = images.clone()
    found = operation(images, strengths[:, None, None, None])
    assert found.dtype == torch.uint8 and torch.equal(images, before)
    expected = torch.stack([theirs_of(operation, *each) for each in zip(images, theirs, strict=True)])
    near = (found.int() - expected.int()).abs() <= (operation.__name__ in ROUNDED)
    assert near.float().mean() >= ALIKE.get(operation.__name__, 1)


class AsOnAGpu(TorchDispatchMode):
    """Divides by numbers, and takes means, as CUDA does: it multiplies by the reciprocal. Its powers err as much as its
    documentation allows: by 4 units in the last place."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        aten = torch.ops.aten
        if operation in (aten.div.Tensor, aten.div.Scalar) and not getattr(args[1], "ndim", 0):
            return args[0] * (1 / torch.as_tensor(args[1], dtype=torch.float32))
        found = operation(*args, **(kwargs or {}))
        if operation is aten.pow.Scalar:
            return found * (1 + 4 * torch.finfo(found.dtype).eps)
        if operation is aten.mean.dim:
            count = torch.tensor(args[0].numel() / found.numel())
            return aten.sum.dim_IntList(*args, **(kwargs or {})) * (1 / count)
        return found


def mean_grey(images, strength):
    """What contrast is blended with."""
    return operations.mean(operations.grey(images))


@pytest.mark.parametrize("operation", [*(case[0] for case in CASES), mean_grey], ids=name_of)
def test_every_device_sees_the_same_pixels(operation):
    """Smooth pictures and noise, of a size that is no power of two."""
    images = torch.cat([pictures(200, 3, 28, 28), torch.randint(20, 220, (200, 3, 28, 28), dtype=torch.uint8)])
    strengths = torch.linspace(-0.9, 0.9, 400)[:, None, None, None]
    if operation in (operations.posterize, operations.solarize):
        strengths = strengths.abs()
    expected = operation(images, strengths)
    with AsOnAGpu():
        assert torch.equal(operation(images, strengths), expected)


def test_images_of_any_channels_can_be_changed():
    images = pictures(4, 4)
    for operation, *_ in CASES:
        assert operation(images, torch.full((4, 1, 1, 1), 0.5)).shape == images.shape


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "sharpness"])
def test_strength_zero_changes_nothing(name):
    images = pictures(4, 3)
    assert torch.equal(getattr(operations, name)(images, torch.zeros(4, 1, 1, 1)), images)


def test_trivial_augment_draws_each_operation_and_strength_as_often():
    class Seen(TrivialAugment):
        """Writes the operation's number and its strength, from -30 to 30, into the first two channels."""

        OPERATIONS = tuple(
            (lambda images, strength, place=place: torch.cat([0 * strength + place, strength], 1), 30, signed)
            for place, signed in enumerate([False, True])
        )

    torch.manual_seed(0)
    place, strength = Seen()(torch.zeros(31 * 4 * 500, 1, 1, 1)).flatten(1).T
    assert place.mean() == pytest.approx(0.5, abs=0.01)
    unsigned, signed = (strength[place == which].round().int() for which in (0, 1))
    assert unsigned.bincount().tolist() == pytest.approx([1000] * 31, rel=0.15)
    assert (signed + 30).bincount().tolist() == pytest.approx([500] * 30 + [1000] + [500] * 30, rel=0.2)


def test_colour_jitter_is_torchvisions_in_the_order_drawn():
    images = pictures(24, 3)
    torch.manual_seed(1)
    ratios = torch.empty(24, 3, 1, 1, 1).uniform_(0.8, 1.2).flatten(1)
    orders = torch.rand(24, 3, 1, 1, 1).argsort(1).flatten(1)
    assert len({tuple(order) for order in orders.tolist()}) == 6
    steps = (v2.functional.adjust_brightness, v2.functional.adjust_contrast, v2.functional.adjust_saturation)
    expected = []
    for image, ratio, order in zip(images, ratios.tolist(), orders.tolist(), strict=True):
        for amount, kind in zip(ratio, order, strict=True):
            image = steps[kind](image, amount)
        expected.append(image)
    torch.manual_seed(1)
    found = ColorJitter(0.2)(images)
    assert ((found.int() - torch.stack(expected).int()).abs() <= 2).all() and not torch.equal(found, images)


@pytest.mark.parametrize(("rows", "columns"), [(32, 24), (24, 32)])  # too narrow, or too low, for some rectangles
def test_erasing_hides_one_rectangle_of_torchvisions_sizes(rows, columns):
    images = torch.full((2000, 3, rows, columns), 9, dtype=torch.uint8)
    torch.manual_seed(0)
    ours, theirs = Erase(0.5)(images), torch.stack([v2.RandomErasing(0.5)(image) for image in images])
    hidden = (ours == 0)[:, 0]
    assert torch.equal(ours == 0, hidden[:, None].expand_as(ours)) and (ours[ours != 0] == 9).all()
    height, width = hidden.any(2).sum(1), hidden.any(1).sum(1)
    assert torch.equal(hidden.sum((1, 2)), height * width)  # one rectangle
    assert height.max() < rows and width.max() < columns
    assert hidden.any(0).all() and (height > 0).float().mean() == pytest.approx(0.5, abs=0.04)
    assert spread(ours) == pytest.approx(spread(theirs), rel=0.15)
    shares = [(part[:, 0] == 0).double().mean(0) for part in (ours, theirs)]  # how often each place is hidden
    assert (shares[0] - shares[1]).abs().max() < 0.06


def spread(erased):
    """The least, middle and greatest area of the black rectangles in images, and those of height over width."""
    hidden = (erased == 0)[:, 0]
    height, width = (hidden.any(side).sum(1).double() for side in (2, 1))
    there = height > 0
    drawn = [measure[there].sort().values for measure in (height * width, height / width)]
    return [measure[place].item() for measure in drawn for place in (0, len(measure) // 2, -1)]
