"""More residual connections: across the reductions, before the activations, and behind a gate that opens in training.

Reduction blocks with a shortcut go with the course's residual processing blocks. Pre-activation blocks pass on sums
that are neither normalised nor activated, so their reduction blocks begin by normalising and activating them.
"""

import torch
from torch import nn
from torch.nn import functional as F

from models.blocks import (
    ConvolutionalDimensionalityReductionBlock,
    ConvolutionalProcessingBlock,
    ConvolutionalProcessingBlockBNRC,
    ConvolutionalProcessingBlockRC,
    last_layer,
)
from models.registry import register_block


class PooledShortcutReductionBlock(ConvolutionalDimensionalityReductionBlock):
    """The average-pooled input is added before the last activation: the identity, as far as the shapes allow."""

    def forward(self, x):
        shortcut = self.shortcut(x)
        return self.activation(self.branch(x) + shortcut)

    def shortcut(self, x):
        """(b, c, h, w) -> (b, num_filters, h / 2, w / 2)."""
        return F.avg_pool2d(x, self.reduction_factor)

    def branch_end(self):
        return last_layer(self.conv1, self.norm1)


class PooledShortcutReductionBlockBN(PooledShortcutReductionBlock):
    """With batch normalization."""

    normalization = nn.BatchNorm2d


class ProjectedShortcutReductionBlock(PooledShortcutReductionBlock):
    """A 1x1 convolution of the average-pooled input is added before the last activation.

    He et al. 2016 stride the convolution, which then never reads three of every four pixels; pooling reads them all
    (He et al. 2019, ResNet-D). The projection has no bias, since the convolution that it is added to has one.
    """

    def build_module(self):
        self.projection = nn.Conv2d(self.input_shape[-3], self.num_filters, 1, bias=False)
        self.projection_norm = self.normalization(self.num_filters)
        super().build_module()

    def shortcut(self, x):
        return self.projection_norm(self.projection(super().shortcut(x)))


class ProjectedShortcutReductionBlockBN(ProjectedShortcutReductionBlock):
    """With batch normalization, also of the projection."""

    normalization = nn.BatchNorm2d


@register_block("rc_pool")
class ProcessingBlockRCPool(ConvolutionalProcessingBlockRC):
    """Residual connections everywhere, by average pooling across the reductions."""

    reduction_block_type = PooledShortcutReductionBlock


@register_block("bn_rc_pool")
class ProcessingBlockBNRCPool(ConvolutionalProcessingBlockBNRC):
    """The same with batch normalization."""

    reduction_block_type = PooledShortcutReductionBlockBN


@register_block("rc_proj")
class ProcessingBlockRCProj(ConvolutionalProcessingBlockRC):
    """Residual connections everywhere, by a 1x1 projection across the reductions."""

    reduction_block_type = ProjectedShortcutReductionBlock


@register_block("bn_rc_proj")
class ProcessingBlockBNRCProj(ConvolutionalProcessingBlockBNRC):
    """The same with batch normalization."""

    reduction_block_type = ProjectedShortcutReductionBlockBN


class PreactivatedReductionBlock(ConvolutionalDimensionalityReductionBlock):
    """normalization and activation of the stage's sum, then the ordinary reduction."""

    def build_module(self):
        self.norm = self.normalization(self.input_shape[-3])
        super().build_module()

    def branch(self, x):
        return super().branch(self.activation(self.norm(x)))


class PreactivatedReductionBlockBN(PreactivatedReductionBlock):
    """With batch normalization."""

    normalization = nn.BatchNorm2d


@register_block("preact_rc")
class PreactivatedProcessingBlock(ConvolutionalProcessingBlock):
    """activation, conv, activation, conv, and the untouched input added (He et al. 2016b)."""

    reduction_block_type = PreactivatedReductionBlock

    def build_module(self):
        channels = self.input_shape[-3]
        self.norm0 = self.normalization(channels)
        self.conv0 = self._convolution(channels, self.num_filters)
        self.norm1 = self.normalization(self.num_filters)
        self.conv1 = self._convolution(self.num_filters, self.num_filters)

    def forward(self, x):
        return x + self.branch(x)

    def branch(self, x):
        """What the block adds to its input."""
        out = self.conv0(self.activation(self.norm0(x)))
        return self.conv1(self.activation(self.norm1(out)))

    def branch_end(self):
        return self.conv1


@register_block("bn_preact_rc")
class PreactivatedProcessingBlockBN(PreactivatedProcessingBlock):
    """With batch normalization before each activation."""

    normalization = nn.BatchNorm2d
    reduction_block_type = PreactivatedReductionBlockBN


@register_block("skipinit_rc")
class SkipInitProcessingBlock(PreactivatedProcessingBlock):
    """No normalization; the branch is multiplied by a learnt number that starts at 0 (SkipInit, De & Smith 2020)."""

    def build_module(self):
        super().build_module()
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return x + self.gain * self.branch(x)

    def branch_end(self):
        return None  # the gain is 0 already, and with a second 0 in its branch neither would ever get a gradient
