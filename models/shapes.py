"""The shapes of two networks as plain numbers, so that a report can name them without importing PyTorch."""

CIFAR_NET = ((64, 1), (96, 1), (128, 1), (192, 0))  # filters and pairs of each stage; rows and columns halve between
MULTIPLE = 8
VGG_A = ((64,), (128,), (256, 256), (512, 512), (512, 512))  # filters of the convolutions; a max-pool after each stage
VGG_A_HIDDEN = (512, 512)  # units


def cifar_net(width):
    """The stages of `cifar_net`, [(filters, pairs)]: filters are multiples of 8."""
    return [(MULTIPLE * max(1, round(filters * width / MULTIPLE)), pairs) for filters, pairs in CIFAR_NET]


def vgg_a(width):
    """The stages of VGG-A, [[filters of a convolution]], and the units of its hidden layers."""
    return [_scaled(stage, width) for stage in VGG_A], _scaled(VGG_A_HIDDEN, width)


def _scaled(layers, width):
    return [max(1, round(size * width)) for size in layers]
