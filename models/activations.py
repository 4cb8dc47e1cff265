"""Activations by name: functions from a tensor to a tensor of the same shape."""

import torch
from torch.nn import functional as F

from models.registry import Registry

ACTIVATIONS = Registry("activation")
register_activation = ACTIVATIONS.register


@register_activation("relu")
def relu(x):
    """max(x, 0) (Nair & Hinton 2010)."""
    return F.relu(x)


@register_activation("leaky_relu")
def leaky_relu(x):
    """x above 0, 0.01 x below (Maas et al. 2013)."""
    return F.leaky_relu(x)


@register_activation("elu")
def elu(x):
    """x above 0, exp(x) - 1 below (Clevert et al. 2016)."""
    return F.elu(x)


@register_activation("gelu")
def gelu(x):
    """x times the normal distribution function of x (Hendrycks & Gimpel 2016)."""
    return F.gelu(x)


@register_activation("silu")
def silu(x):
    """x times the logistic function of x (Elfwing et al. 2018; Ramachandran et al. 2017)."""
    return F.silu(x)


@register_activation("tanh")
def tanh(x):
    """The hyperbolic tangent (LeCun et al. 1998)."""
    return torch.tanh(x)
