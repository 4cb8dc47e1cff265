"""How the initial weights are drawn, by name: functions that redraw a network's weights in place.

Each is called with the network, in training mode, and the first batch of images of the first epoch, which only a
data-dependent one reads. Random numbers are drawn on the CPU, from PyTorch's global state, so that every device starts
with the same weights. The weights of convolutions and linear layers are redrawn and their biases set to 0, as in the
papers; normalization layers stay as they are, at scale 1 and shift 0.
"""

import contextlib

import torch
from torch import nn
from torch.func import functional_call

from models.registry import Registry
from workflow_scripts.engine.data.batches import same_random_numbers

INITS = Registry("init")
register_init = INITS.register

SLOPE = 0.01  # of the course networks' LeakyReLU, for which the gains are computed; they suit ReLU too


@register_init("own")
def own(model, images):
    """The network's own: PyTorch's defaults unless its class says otherwise."""


@register_init("kaiming")
def kaiming(model, images):
    """Normal, of variance 2 / ((1 + slope^2) fan_out): keeps the gradients' variance (He et al. 2015)."""
    _redraw(model, lambda weight: nn.init.kaiming_normal_(weight, SLOPE, "fan_out", "leaky_relu"))


@register_init("xavier")
def xavier(model, images):
    """Uniform, of variance 2 / (fan_in + fan_out): halfway between the two directions (Glorot & Bengio 2010)."""
    _redraw(model, nn.init.xavier_uniform_)


@register_init("orthogonal")
def orthogonal(model, images):
    """Rows or columns orthogonal (Saxe et al. 2014), times LeakyReLU's gain, about sqrt(2)."""
    gain = nn.init.calculate_gain("leaky_relu", SLOPE)
    _redraw(model, lambda weight: nn.init.orthogonal_(weight, gain))


@register_init("lsuv")
def lsuv(model, images):
    """Layer-sequential unit variance (Mishkin & Matas 2016): orthonormal, then scaled layer by layer.

    From the input to the output, each layer's weights are divided by the standard deviation of its outputs for
    `images` (over the whole batch). One pass is enough and exact, since the biases are 0 and each layer reads the
    outputs of those before it with their new weights. A layer whose outputs are all equal is left as it is.
    Running statistics and, apart from the orthonormal draw, the random state stay untouched.
    """
    _redraw(model, nn.init.orthogonal_)
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}  # the pass updates these copies
    with same_random_numbers(images.device), torch.no_grad(), contextlib.ExitStack() as hooks:
        for layer in _layers(model):
            hooks.enter_context(layer.register_forward_hook(_to_unit_variance))
        functional_call(model, buffers, (images,))


@register_init("zero_residual")
def zero_residual(model, images):
    """The network's own, but with the last layer of every residual branch at 0: it starts as if without branches.

    The last layer is the normalization if it has a scale (Goyal et al. 2017), otherwise the convolution. The latter is
    one of the rules of Fixup (Zhang et al. 2019) for L branches of m layers each; its others are left out: to multiply
    the other weights of a branch by L^(-1 / (2m - 2)), to start the classifier at 0, and scalar biases and multipliers.
    Raises ValueError if there is none.
    """
    ends = [module.branch_end() for module in model.modules() if hasattr(module, "branch_end")]
    ends = [end for end in ends if end is not None]
    if not ends:
        raise ValueError("init zero_residual: this network has no residual branch that does not start at 0 by itself")
    for end in ends:
        for parameter in end.parameters():
            nn.init.zeros_(parameter)


def _layers(model):
    return [module for module in model.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]


def _redraw(model, draw):
    """Redraw the weights of all layers with `draw`, which fills a tensor in place; set their biases to 0."""
    for layer in _layers(model):
        drawn = torch.empty(layer.weight.shape)
        draw(drawn)
        with torch.no_grad():
            layer.weight.copy_(drawn)
            if layer.bias is not None:
                layer.bias.zero_()


def _to_unit_variance(layer, inputs, outputs):
    """Scale a layer so that these outputs have variance 1, and return them as they are then."""
    deviation = outputs.std(correction=0)
    if deviation > 0:
        layer.weight /= deviation
        outputs = outputs / deviation
    return outputs
