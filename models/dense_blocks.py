"""Dense connections (Huang et al. 2017): every layer of a stage reads the outputs of all layers before it.

A processing block is two layers, each of which adds `growth_rate` channels to its input; a reduction block begins with
the transition, a 1x1 convolution down to `num_filters` in place of its first 3x3 one. So VGG_38 keeps its 38 layers
with weights: the entry; ten dense layers, the transition and a 3x3 convolution in each of three stages; the classifier.
With growth rate k and 100 classes it has 1215 k^2 + 9600 k + 35,140 parameters: 325,300 with the default, 12.
"""

import torch
from torch import nn

from models.blocks import ConvolutionalDimensionalityReductionBlock, ConvolutionalProcessingBlock
from models.registry import register_block
from models.residual_blocks import PreactivatedReductionBlock


class TransitionBlock(ConvolutionalDimensionalityReductionBlock):
    """1x1 conv to `num_filters`, activation, average pool, conv, activation.

    A stage without dense layers has nothing to compress, so its reduction block is the ordinary one.
    """

    def _convolution(self, channels, filters):
        if channels == filters:
            return super()._convolution(channels, filters)
        return nn.Conv2d(channels, filters, 1, bias=self.bias)


class TransitionBlockBN(TransitionBlock):
    """With batch normalization between each convolution and its activation."""

    normalization = nn.BatchNorm2d


class PreactivatedTransitionBlockBN(PreactivatedReductionBlock, TransitionBlockBN):
    """normalization and activation of everything the stage has accumulated, then the transition."""


@register_block("dense")
class DenseBlock(ConvolutionalProcessingBlock):
    """conv and activation, appended to their input, twice: (b, c, h, w) -> (b, c + 2 growth_rate, h, w).

    `growth_rate` None means 12 for 32 filters, and in proportion for other numbers of filters.
    """

    growth_share = 12 / 32
    reduction_block_type = TransitionBlock

    def __init__(self, *arguments, growth_rate=None, **options):
        self.growth_rate = growth_rate
        super().__init__(*arguments, **options)

    @property
    def output_channels(self):
        return self.input_shape[-3] + 2 * self.growth_rate

    def build_module(self):
        if self.growth_rate is None:
            self.growth_rate = max(1, round(self.growth_share * self.num_filters))
        channels = self.input_shape[-3]
        for layer in (0, 1):
            self.build_layer(layer, channels + layer * self.growth_rate)

    def build_layer(self, layer, channels):
        """Build a layer with `channels` input channels."""
        self.add_module(f"conv{layer}", self._convolution(channels, self.growth_rate))
        self.add_module(f"norm{layer}", self.normalization(self.growth_rate))

    def forward(self, x):
        for conv, norm in ((self.conv0, self.norm0), (self.conv1, self.norm1)):
            x = torch.cat([x, self.layer(conv, norm, x)], 1)
        return x

    def layer(self, conv, norm, x):
        """What a layer appends to x."""
        return self.activation(norm(conv(x)))


@register_block("bn_dense")
class DenseBlockBN(DenseBlock):
    """With batch normalization between each convolution and its activation."""

    normalization = nn.BatchNorm2d
    reduction_block_type = TransitionBlockBN


@register_block("bn_dense_pre")
class PreactivatedDenseBlockBN(DenseBlock):
    """In the order of Huang et al.: batch normalization of all channels read, activation, conv."""

    normalization = nn.BatchNorm2d
    reduction_block_type = PreactivatedTransitionBlockBN

    def build_layer(self, layer, channels):
        self.add_module(f"norm{layer}", self.normalization(channels))
        self.add_module(f"conv{layer}", self._convolution(channels, self.growth_rate))

    def layer(self, conv, norm, x):
        return conv(self.activation(norm(x)))
