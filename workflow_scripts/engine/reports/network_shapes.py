"""What the text says of the shapes of two networks, without PyTorch, which reports do not need otherwise.

Nothing is said unless the number of parameters agrees with that of the run.
"""

import itertools
from types import SimpleNamespace

CIFAR_NET = ((64, 1), (96, 1), (128, 1), (192, 0))  # filters and pairs of each stage, as in models/cifar_net.py
VGG_A = ((64, 128, 256, 256, 512, 512, 512, 512), (512, 512))  # filters, and units of the hidden layers


def stages(base):
    """The filters of the base network's stages, `full` at width 1 and its `own`, how many stages have `pairs`, and the
    number of `layers`; None where it is another network."""
    full = [filters for filters, _ in CIFAR_NET]
    own = [8 * max(1, round(filters * base.width / 8)) for filters in full]
    pairs = [many for _, many in CIFAR_NET]
    shapes = []
    for filters, before, many in zip(own, [None, *own], pairs, strict=False):
        shapes += [(before, filters)] + [(filters, filters)] * 2 * many
    if base.model != "cifar_net" or base.parameters not in _sizes_of(shapes, [(own[-1], base.num_classes)]):
        return None
    return SimpleNamespace(full=full, own=own, pairs=sum(pairs), layers=len(shapes) + 1)


def full_size(run):
    """The parameters of a run's network at full width; None where that is its own, or it is not VGG-A."""
    if run.model != "vgg_a" or run.width == 1:
        return None

    def sizes(width):
        filters, hidden = ([max(1, round(many * width)) for many in layers] for layers in VGG_A)
        ends = [filters[-1], *hidden, run.num_classes]
        return _sizes_of(list(zip([None, *filters], filters, strict=False)), list(itertools.pairwise(ends)), (1, 3))

    return next((full for own, full in zip(sizes(run.width), sizes(1), strict=True) if own == run.parameters), None)


def _sizes_of(convolutions, linear, each=(1, 2)):
    """How many parameters 3x3 `convolutions` and `linear` layers, (inputs, outputs) each, may have: where the first
    convolution reads (None) one or three channels, and with `each` number per filter besides the weights.
    """
    return [
        sum(9 * (inputs or channels) * outputs + extra * outputs for inputs, outputs in convolutions)
        + sum((inputs + 1) * outputs for inputs, outputs in linear)
        for channels in (1, 3)
        for extra in each
    ]
