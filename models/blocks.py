"""Blocks of the course networks (Edinburgh MLP coursework 2): two switches on two classes.

A registered block is the class of the *processing* blocks; its `reduction_block_type` is the class of the
dimensionality-reduction blocks that go with it. To add a remedy, add a class here and register it:

    @register_block("bn_tanh")
    class TanhBlock(ConvolutionalProcessingBlockBN):
        activation = staticmethod(F.tanh)

Other remedies from the literature are in `dense_blocks.py`, `normalized_blocks.py` and `residual_blocks.py`.
"""

from torch import nn
from torch.nn import functional as F

from models.registry import register_block


def last_layer(conv, norm):
    """The normalization after a convolution if it has parameters, otherwise the convolution itself."""
    return norm if list(norm.parameters()) else conv


class _Block(nn.Module):
    """Convolutions of `num_filters` filters; `input_shape` ends in (channels, rows, columns).

    The arguments are those of the course's blocks, which the course's code passes by name; `activation`, a function
    that replaces the class's own, is ours.
    """

    normalization = nn.Identity  # class of the layer after each convolution, called with the number of filters
    activation = staticmethod(F.leaky_relu)  # slope 0.01
    growth_share = None  # dense blocks only: filters that a layer adds to its input, as a share of `num_filters`

    def __init__(self, input_shape, num_filters, kernel_size=3, padding=1, bias=False, dilation=1, activation=None):
        super().__init__()
        self.input_shape = tuple(input_shape)
        self.num_filters = num_filters
        self.kernel_size = kernel_size
        self.padding = padding
        self.bias = bias
        self.dilation = dilation
        if activation is not None:
            self.activation = activation
        self.build_module()

    @property
    def output_channels(self):
        """The number of output channels."""
        return self.num_filters

    def build_module(self):
        """Build the layers, in the order of the forward pass."""
        channels = self.input_shape[-3]
        self.conv0 = self._convolution(channels, self.num_filters)
        self.norm0 = self.normalization(self.num_filters)
        self.conv1 = self._convolution(self.num_filters, self.num_filters)
        self.norm1 = self.normalization(self.num_filters)

    def _convolution(self, channels, filters):
        return nn.Conv2d(
            channels, filters, self.kernel_size, padding=self.padding, bias=self.bias, dilation=self.dilation
        )

    def branch_end(self):
        """The layer that makes a residual branch 0 when its parameters are 0; None if there is no branch."""
        return None


class ConvolutionalDimensionalityReductionBlock(_Block):
    """conv, activation, average pool, conv, activation: (b, c, h, w) -> (b, num_filters, h / 2, w / 2)."""

    reduction_factor = 2

    def forward(self, x):
        return self.activation(self.branch(x))

    def branch(self, x):
        """Everything but the last activation."""
        out = self.activation(self.norm0(self.conv0(x)))
        out = F.avg_pool2d(out, self.reduction_factor)
        return self.norm1(self.conv1(out))


class ConvolutionalDimensionalityReductionBlockBN(ConvolutionalDimensionalityReductionBlock):
    """With batch normalization (Ioffe & Szegedy 2015) between each convolution and its activation."""

    normalization = nn.BatchNorm2d


@register_block("plain")
class ConvolutionalProcessingBlock(_Block):
    """conv, activation, conv, activation: (b, c, h, w) -> (b, num_filters, h, w)."""

    residual = False
    reduction_block_type = ConvolutionalDimensionalityReductionBlock

    def forward(self, x):
        out = self.activation(self.norm0(self.conv0(x)))
        out = self.norm1(self.conv1(out))
        if self.residual:  # from before the first convolution to before the last activation (He et al. 2016)
            out = out + x
        return self.activation(out)

    def branch_end(self):
        return last_layer(self.conv1, self.norm1) if self.residual else None


@register_block("bn")
class ConvolutionalProcessingBlockBN(ConvolutionalProcessingBlock):
    """With batch normalization between each convolution and its activation."""

    normalization = nn.BatchNorm2d
    reduction_block_type = ConvolutionalDimensionalityReductionBlockBN


@register_block("rc")
class ConvolutionalProcessingBlockRC(ConvolutionalProcessingBlock):
    """With a residual connection around both convolutions; the reduction blocks have none."""

    residual = True


@register_block("bn_rc")
class ConvolutionalProcessingBlockBNRC(ConvolutionalProcessingBlockBN):
    """With batch normalization and a residual connection."""

    residual = True
