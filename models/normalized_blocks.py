"""Alternatives to batch normalization that look at one image at a time, in training as in testing."""

import math

from torch import nn

from models.blocks import ConvolutionalDimensionalityReductionBlock, ConvolutionalProcessingBlock
from models.registry import register_block

GROUP = 8  # filters in a group: four groups in the course networks


def group_norm(channels):
    """Group normalization (Wu & He 2018) in groups of `GROUP` channels, or of more where that does not divide them."""
    return nn.GroupNorm(math.gcd(max(1, channels // GROUP), channels), channels)


def layer_norm(channels):
    """Layer normalization (Ba et al. 2016) of feature maps: one group of all channels, rows and columns."""
    return nn.GroupNorm(1, channels)


class ReductionBlockGN(ConvolutionalDimensionalityReductionBlock):
    """With group normalization between each convolution and its activation."""

    normalization = staticmethod(group_norm)


class ReductionBlockLN(ConvolutionalDimensionalityReductionBlock):
    """With layer normalization between each convolution and its activation."""

    normalization = staticmethod(layer_norm)


@register_block("gn")
class ProcessingBlockGN(ConvolutionalProcessingBlock):
    """With group normalization between each convolution and its activation."""

    normalization = staticmethod(group_norm)
    reduction_block_type = ReductionBlockGN


@register_block("gn_rc")
class ProcessingBlockGNRC(ProcessingBlockGN):
    """With group normalization and a residual connection."""

    residual = True


@register_block("ln")
class ProcessingBlockLN(ConvolutionalProcessingBlock):
    """With layer normalization between each convolution and its activation."""

    normalization = staticmethod(layer_norm)
    reduction_block_type = ReductionBlockLN


@register_block("ln_rc")
class ProcessingBlockLNRC(ProcessingBlockLN):
    """With layer normalization and a residual connection."""

    residual = True
