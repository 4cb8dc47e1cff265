"""What the text says of the shapes of two networks.

Nothing is said unless the number of parameters agrees with that of the run.
"""

import itertools
from types import SimpleNamespace

from models import shapes


def stages(base):
    """The filters of the base network's stages, `full` at width 1 and its `own`, how many stages have `pairs`, and the
    number of `layers`; None where it is another network."""
    full, _ = zip(*shapes.CIFAR_NET, strict=True)
    own, pairs = zip(*shapes.cifar_net(base.width), strict=True)
    layers = []
    for before, filters, many in zip([None, *own], own, pairs, strict=False):
        layers += [(before, filters)] + [(filters, filters)] * 2 * many
    if base.model != "cifar_net" or base.parameters not in _sizes_of(layers, [(own[-1], base.num_classes)]):
        return None
    return SimpleNamespace(full=full, own=own, pairs=sum(pairs), layers=len(layers) + 1)


def full_size(run):
    """The parameters of a run's network at full width; None where that is its own, or it is not VGG-A."""
    if run.model != "vgg_a" or run.width == 1:
        return None

    def sizes(width):
        stages, hidden = shapes.vgg_a(width)
        filters = [*itertools.chain.from_iterable(stages)]
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
