"""VGG-A for small images, with and without batch normalization: the networks of the loss-landscape study.

Column A of Simonyan & Zisserman 2014 with hidden layers of 512, as in Fudan's Project 2 on batch normalization.
Parameters for 10 classes and images of 3x32x32: VGG_A 9,750,922; with batch normalization 9,756,426.
"""

from torch import nn

from models import shapes
from models.activations import ACTIVATIONS, relu
from models.blocks import ConvolutionalProcessingBlock, ConvolutionalProcessingBlockBN
from models.registry import BLOCKS, check_size, register_model


class Activation(nn.Module):
    """A function as a layer; keeps the shape."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class VGG_A(nn.Module):
    """Images (b, inp_ch, h, w) -> logits (b, num_classes), h and w at least 32 pixels.

    Every convolution is 3x3 with a bias and is followed by its normalization and activation. What is left of an image
    after five halvings is averaged; of 32x32 that is one position, so averaging does nothing. `dropout` is the
    probability of dropping each input of the two hidden layers, in training. Weights are Xavier-normal (Glorot &
    Bengio 2010), biases zero, unless `init_weights` is False.
    `classifier[-1]` is the last layer, whose gradients the study compares.
    """

    normalization = nn.Identity  # class of the layer after each convolution, called with the number of filters

    def __init__(self, inp_ch=3, num_classes=10, init_weights=True, *, width=1.0, activation=relu, dropout=0.0):
        super().__init__()
        stages, hidden = shapes.vgg_a(width)
        layers, channels = [], inp_ch
        for stage in stages:
            for filters in stage:
                layers += [
                    nn.Conv2d(channels, filters, 3, padding=1),
                    *self._normalized(filters),
                    Activation(activation),
                ]
                channels = filters
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        layers, inputs = [], channels
        for units in hidden:
            layers += [nn.Dropout(dropout)] if dropout else []
            layers += [nn.Linear(inputs, units), Activation(activation)]
            inputs = units
        self.classifier = nn.Sequential(*layers, nn.Linear(inputs, num_classes))
        if init_weights:
            self._draw_weights()

    def _normalized(self, filters):
        return [] if self.normalization is nn.Identity else [self.normalization(filters)]

    def _draw_weights(self):
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_normal_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class VGG_BatchNorm(VGG_A):
    """With batch normalization (Ioffe & Szegedy 2015) between each convolution and its activation."""

    normalization = nn.BatchNorm2d


VGG_A_BatchNorm = VGG_BatchNorm
NETWORKS = {ConvolutionalProcessingBlock: VGG_A, ConvolutionalProcessingBlockBN: VGG_BatchNorm}  # by block


@register_model("vgg_a")
def vgg_a(block, num_classes, image_shape, width=1.0, activation=None, dropout=0.0):
    """VGG-A: 8 convolutions and 3 linear layers, of `plain` or `bn` blocks.

    Raises ValueError for other blocks, for which it has no variant, and for images smaller than 32x32 pixels.
    """
    if block not in NETWORKS:
        known = ", ".join(name for name, other in BLOCKS.items() if other in NETWORKS)
        raise ValueError(f"the network vgg_a takes the blocks {known}, not {block.__name__}")
    check_size(image_shape, len(shapes.VGG_A))
    function = relu if activation is None else ACTIVATIONS[activation]
    return NETWORKS[block](image_shape[0], num_classes, width=width, activation=function, dropout=dropout)
