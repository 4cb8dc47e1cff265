"""VGG_08 and VGG_38 of the Edinburgh MLP coursework 2, after Simonyan & Zisserman 2014.

Parameters for 100 classes: VGG_08 59,716; VGG_38 336,196, with batch normalization 338,500.
"""

from torch import nn
from torch.nn import functional as F

from models.registry import register_model


class EntryConvolution(nn.Module):
    """conv 3x3, batch normalization, LeakyReLU: every variant starts with it, so only the blocks differ."""

    def __init__(self, channels, num_filters):
        super().__init__()
        self.conv = nn.Conv2d(channels, num_filters, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(num_filters)

    def forward(self, x):
        return F.leaky_relu(self.norm(self.conv(x)))


class Stage(nn.Module):
    """Processing blocks at one resolution, then a reduction block to the next."""

    def __init__(self, blocks, reduction):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.reduction = reduction

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.reduction(x)


class ConvolutionalNetwork(nn.Module):
    """Images (b, *input_shape[-3:]) -> logits (b, num_output_classes).

    `input_shape` ends in (channels, rows, columns); each of the `num_stages` stages halves rows and columns.
    Raises ValueError where the image is too small for that.
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
    ):
        super().__init__()
        self.input_shape = tuple(input_shape)[-3:]
        self.num_output_classes = num_output_classes
        self.num_filters = num_filters
        self.num_blocks_per_stage = num_blocks_per_stage
        self.num_stages = num_stages
        self.processing_block_type = processing_block_type
        self.dimensionality_reduction_block_type = dimensionality_reduction_block_type
        self.build_module()

    def build_module(self):
        """Make the layers, in the order of the forward pass."""
        channels, rows, columns = self.input_shape
        smallest = 2**self.num_stages
        if min(rows, columns) < smallest:
            raise ValueError(
                f"images of {rows}x{columns} are too small for {self.num_stages} halvings: {smallest} needed"
            )
        self.entry = EntryConvolution(channels, self.num_filters)
        self.stages = nn.ModuleList()
        for stage in range(self.num_stages):
            shape = (self.num_filters, rows >> stage, columns >> stage)
            blocks = [self.processing_block_type(shape, self.num_filters) for _ in range(self.num_blocks_per_stage)]
            reduction = self.dimensionality_reduction_block_type(shape, self.num_filters, bias=True)
            self.stages.append(Stage(blocks, reduction))
        self.classifier = nn.Linear(self.num_filters, self.num_output_classes)

    def forward(self, x):
        x = self.entry(x)
        for stage in self.stages:
            x = stage(x)
        x = x.mean((2, 3))  # global average pool; nn.AdaptiveAvgPool2d has no deterministic gradient on CUDA
        return self.classifier(x)


def _course_vgg(blocks_per_stage, block, num_classes, image_shape, width):
    return ConvolutionalNetwork(
        image_shape,
        num_classes,
        num_filters=max(1, round(32 * width)),
        num_blocks_per_stage=blocks_per_stage,
        processing_block_type=block,
        dimensionality_reduction_block_type=block.reduction_block_type,
    )


@register_model("vgg08")
def vgg08(block, num_classes, image_shape, width=1.0):
    """8 layers with weights: the entry, three reduction blocks of two, the classifier."""
    return _course_vgg(0, block, num_classes, image_shape, width)


@register_model("vgg38")
def vgg38(block, num_classes, image_shape, width=1.0):
    """38 layers with weights: VGG_08 and five processing blocks of two in each of the three stages."""
    return _course_vgg(5, block, num_classes, image_shape, width)
