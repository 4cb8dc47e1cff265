"""cifar_net: a small network for CIFAR-10, designed for accuracy per parameter and per second of training.

The reasons for its design:

- Weights are scarce (at most a million), GPU time is not. So each stage has its convolution before its max-pool, as
  in DAWNBench's ResNet-9 (Page 2018): the same weights are applied at four times as many positions.
- Only full 3x3 convolutions: depthwise and grouped ones save weights too, but compute little per byte moved.
- A few wide layers instead of many narrow ones, with filters in multiples of 8, the size that tensor cores multiply.
- Residual connections lie only within stages, where shapes do not change, so none of them needs weights.
- The classifier is a single linear layer on the averaged last features, without VGG's hidden layers.

Normalization and residual connections can each be left out: the block says whether the network has them.

Three shapes were compared over six epochs on 5,000 CIFAR-10 images (bn_rc, Nesterov 0.05, batch 50, bf16, one seed;
2,000 validation images, so 2 percentage points may be chance): this one reached 67.3 % with 238 million
multiplications per image; ((32, 0), (64, 1), (128, 0), (176, 1)), 68.9 % with 79 million; ((32, 0), (64, 2),
(128, 2)), 63.8 %. In so short a run the second is as good at a third of the cost. It has most of its weights at 4x4
pixels, though, and this one was chosen for long runs, about which these numbers say nothing.
"""

from torch import nn
from torch.nn import functional as F

from models import shapes
from models.activations import ACTIVATIONS, relu
from models.blocks import ConvolutionalDimensionalityReductionBlock, ConvolutionalProcessingBlock, last_layer
from models.registry import BLOCKS, check_size, register_model


class Convolution(nn.Module):
    """conv 3x3, 2x2 max-pool if it `halves`, normalization: (b, channels, h, w) -> (b, filters, h[ / 2], w[ / 2])."""

    def __init__(self, channels, filters, normalization, halves=False):
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, 3, padding=1, bias=normalization is nn.Identity)
        self.norm = normalization(filters)
        self.halves = halves
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, x):
        x = self.conv(x)
        return self.norm(F.max_pool2d(x, 2) if self.halves else x)


class Pair(nn.Module):
    """Two convolutions and, if the block is residual, the input added before the last activation; keeps the shape."""

    def __init__(self, filters, block, activation):
        super().__init__()
        self.convolutions = nn.ModuleList(Convolution(filters, filters, block.normalization) for _ in range(2))
        self.residual = block.residual
        self.activation = activation

    def forward(self, x):
        first, second = self.convolutions
        out = second(self.activation(first(x)))
        return self.activation(out + x if self.residual else out)

    def branch_end(self):
        """The layer that makes the branch 0 when its parameters are 0, as in `models.blocks`; None without a branch."""
        last = self.convolutions[1]
        return last_layer(last.conv, last.norm) if self.residual else None


class Stage(nn.Module):
    """A convolution that sets the number of filters, then pairs; shapes as for `Convolution`."""

    def __init__(self, channels, filters, pairs, block, activation, halves):
        super().__init__()
        self.entry = Convolution(channels, filters, block.normalization, halves)
        self.pairs = nn.Sequential(*(Pair(filters, block, activation) for _ in range(pairs)))
        self.activation = activation

    def forward(self, x):
        return self.pairs(self.activation(self.entry(x)))


class CifarNet(nn.Module):
    """Images (b, channels, h, w) -> logits (b, num_classes); h and w at least 8 pixels.

    `block` is the class of a registered block; only its `normalization` and `residual` are used. `dropout` is the
    probability of dropping each feature that the classifier reads, in training. Convolution weights are drawn from a
    normal distribution of variance 2 / fan_in (He et al. 2015).
    """

    def __init__(self, block, num_classes=10, channels=3, width=1.0, activation=relu, dropout=0.0):
        super().__init__()
        self.stages = nn.Sequential()
        for depth, (filters, pairs) in enumerate(shapes.cifar_net(width)):
            self.stages.append(Stage(channels, filters, pairs, block, activation, halves=depth > 0))
            channels = filters
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x):
        x = self.stages(x).mean((2, 3))
        return self.classifier(self.dropout(x))


def differs_in_switches_only(block):
    """Whether a block differs from the plain one only in normalization and a residual connection within a stage."""
    return (
        block.forward is ConvolutionalProcessingBlock.forward
        and block.activation is ConvolutionalProcessingBlock.activation  # which the network's own replaces
        and block.reduction_block_type.forward is ConvolutionalDimensionalityReductionBlock.forward
    )


@register_model("cifar_net")
def cifar_net(block, num_classes, image_shape, width=1.0, activation=None, dropout=0.0):
    """Our own network: 10 convolutions in four stages, and a linear layer.

    Raises ValueError for a block that fails `differs_in_switches_only`, and for images smaller than 8x8 pixels.
    """
    if not differs_in_switches_only(block):
        known = ", ".join(name for name, other in BLOCKS.items() if differs_in_switches_only(other))
        raise ValueError(f"the network cifar_net takes the blocks {known}, not {block.__name__}")
    check_size(image_shape, len(shapes.CIFAR_NET) - 1)
    function = relu if activation is None else ACTIVATIONS[activation]
    return CifarNet(block, num_classes, image_shape[0], width, function, dropout)
