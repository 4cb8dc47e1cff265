"""Optimisers by name: functions of the parameters and a cell's lr and weight decay to a `torch.optim.Optimizer`."""

import torch

from models.registry import Registry

OPTIMIZERS = Registry("optimizer")
register_optimizer = OPTIMIZERS.register


@register_optimizer("adam")
def adam(parameters, lr, weight_decay):
    """Adam (Kingma & Ba 2015); the weight decay is an L2 term of the gradient."""
    return torch.optim.Adam(parameters, lr=lr, weight_decay=weight_decay)


@register_optimizer("adamw")
def adamw(parameters, lr, weight_decay):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay)


@register_optimizer("sgd")
def sgd(parameters, lr, weight_decay):
    """Plain stochastic gradient descent."""
    return torch.optim.SGD(parameters, lr=lr, weight_decay=weight_decay)


@register_optimizer("nesterov")
def nesterov(parameters, lr, weight_decay):
    """Stochastic gradient descent with Nesterov momentum 0.9."""
    return torch.optim.SGD(parameters, lr=lr, momentum=0.9, nesterov=True, weight_decay=weight_decay)
