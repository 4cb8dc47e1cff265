"""VGG_08 and VGG_38 of the Edinburgh MLP coursework 2, after Simonyan & Zisserman 2014.

Parameters for 100 classes: VGG_08 59,716; VGG_38 336,196, with batch normalization 338,500.
"""

from functools import partial

from torch import nn
from torch.nn import functional as F

from models.activations import ACTIVATIONS
from models.registry import check_size, register_model


class EntryConvolution(nn.Module):
    """conv 3x3, batch normalization, LeakyReLU: every variant starts with it, so only the blocks differ."""

    def __init__(self, channels, num_filters, activation=None):
        super().__init__()
        self.activation = activation or F.leaky_relu
        self.conv = nn.Conv2d(channels, num_filters, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(num_filters)

    def forward(self, x):
        return self.activation(self.norm(self.conv(x)))


class Stage(nn.Module):
    """Processing blocks at one resolution, then a reduction block to the next; possibly with a companion classifier."""

    def __init__(self, blocks, reduction):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.reduction = reduction
        self.companion = None

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.reduction(x)


class ConvolutionalNetwork(nn.Module):
    """Images (b, *input_shape[-3:]) -> logits (b, num_output_classes).

    `input_shape` ends in (channels, rows, columns); each of the `num_stages` stages halves rows and columns.
    `activation` replaces every LeakyReLU; `dropout` is the probability of dropping each feature that the classifier
    reads, in training. With `supervision` above 0 (Lee et al. 2015), every stage but the last, which the classifier
    follows, has a companion classifier of its pooled features, and in training the network returns
    (logits, companion logits, ...); the number itself is the initial weight of their losses in the objective.
    Raises ValueError if the image is too small or an option is out of range.
    """

    def __init__(
        self,
        input_shape,
        num_output_classes,
        num_filters,
        num_blocks_per_stage,
        num_stages=3,
        *,
        processing_block_type,
        dimensionality_reduction_block_type,
        activation=None,
        dropout=0.0,
        supervision=0.0,
    ):
        super().__init__()
        self.input_shape = tuple(input_shape)[-3:]
        self.num_output_classes = num_output_classes
        self.num_filters = num_filters
        self.num_blocks_per_stage = num_blocks_per_stage
        self.num_stages = num_stages
        self.processing_block_type = processing_block_type
        self.dimensionality_reduction_block_type = dimensionality_reduction_block_type
        self.activation = activation
        self.dropout = nn.Dropout(dropout)
        self.supervision = supervision
        self.build_module()

    def build_module(self):
        """Build the layers, in the order of the forward pass."""
        check_size(self.input_shape, self.num_stages)
        channels, rows, columns = self.input_shape
        if self.supervision < 0:
            raise ValueError(f"supervision is {self.supervision}: expected a weight of at least 0")
        self.entry = EntryConvolution(channels, self.num_filters, self.activation)
        self.stages = nn.ModuleList()
        for stage in range(self.num_stages):
            blocks, channels, size = [], self.num_filters, (rows >> stage, columns >> stage)
            for _ in range(self.num_blocks_per_stage):
                blocks.append(self._block(self.processing_block_type, (channels, *size)))
                channels = blocks[-1].output_channels
            reduction = self._block(self.dimensionality_reduction_block_type, (channels, *size), bias=True)
            self.stages.append(Stage(blocks, reduction))
        self.classifier = nn.Linear(self.num_filters, self.num_output_classes)
        if self.supervision:  # drawn last, so that everything else starts with the same weights as without them
            for stage in self.stages[:-1]:
                stage.companion = nn.Linear(self.num_filters, self.num_output_classes)

    def _block(self, kind, shape, **options):
        return kind(shape, self.num_filters, activation=self.activation, **options)

    def forward(self, x):
        x = self.entry(x)
        companions = []
        for stage in self.stages:
            x = stage(x)
            if self.training and stage.companion:
                companions.append(stage.companion(_pooled(x)))
        logits = self.classifier(self.dropout(_pooled(x)))
        return (logits, *companions) if companions else logits


def _pooled(x):
    return x.mean((2, 3))  # global average pool; nn.AdaptiveAvgPool2d has no deterministic gradient on CUDA


def _course_vgg(blocks_per_stage, block, num_classes, image_shape, width, activation, growth_rate, **options):
    processing = block
    if growth_rate is not None:
        if block.growth_share is None:
            raise ValueError(f"growth_rate is an option of dense blocks, which {block.__name__} is not; leave it out")
        if growth_rate < 1:
            raise ValueError(f"growth_rate is {growth_rate}: expected at least 1 filter that a dense layer adds")
        processing = partial(block, growth_rate=growth_rate)
    return ConvolutionalNetwork(
        image_shape,
        num_classes,
        num_filters=max(1, round(32 * width)),
        num_blocks_per_stage=blocks_per_stage,
        processing_block_type=processing,
        dimensionality_reduction_block_type=block.reduction_block_type,
        activation=ACTIVATIONS[activation] if activation is not None else None,
        **options,
    )


@register_model("vgg08")
def vgg08(block, num_classes, image_shape, width=1.0, activation=None, dropout=0.0, growth_rate=None, supervision=0.0):
    """8 layers with weights: the entry, three reduction blocks of two, the classifier."""
    options = {"dropout": dropout, "supervision": supervision}
    return _course_vgg(0, block, num_classes, image_shape, width, activation, growth_rate, **options)


@register_model("vgg38")
def vgg38(block, num_classes, image_shape, width=1.0, activation=None, dropout=0.0, growth_rate=None, supervision=0.0):
    """38 layers with weights: VGG_08 and five processing blocks of two in each of the three stages."""
    options = {"dropout": dropout, "supervision": supervision}
    return _course_vgg(5, block, num_classes, image_shape, width, activation, growth_rate, **options)
