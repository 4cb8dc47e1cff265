"""Optimisers by name: functions from the parameters and a cell's lr and weight decay to a `torch.optim.Optimizer`.

The learning rate is defined as in the optimiser's own paper, so one that suits Adam or Muon (about 1e-3) is no guide
for those that step along the gradient itself (about 1e-1). The weight decay of adamw and muon is decoupled: each step
shrinks a weight by lr * weight_decay of itself. In the others it is a term of the gradient.
"""

import torch

from models.registry import Registry
from workflow_scripts.engine.training.eager import eager
from workflow_scripts.engine.training.own_optimizers import MuonAndAdamW, OwnAdam, OwnSGD

OPTIMIZERS = Registry("optimizer")
register_optimizer = OPTIMIZERS.register

Adam, AdamW, RMSprop, SGD = map(eager, (torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.SGD))


GPUS = {"cuda"}  # device types on which launches cost time, and graphs can hold them
ON_A_GPU = {  # options that make a step a few kernels, which need nothing from the host
    Adam: {"fused": True, "capturable": True},
    AdamW: {"fused": True, "capturable": True},
    RMSprop: {"foreach": True, "capturable": True},  # it has no fused kernel
    SGD: {"fused": True},
}
KERNELS = ("fused", "foreach", "capturable")  # the options that say with which kernels a group is updated


def _made(kind, parameters, **options):
    """A PyTorch optimiser with the kernels that suit its parameters' device."""
    parameters = list(parameters)
    if parameters[0].device.type in GPUS:
        options |= ON_A_GPU[kind]
    return kind(parameters, **options)


def load_state(optimizer, state):
    """Let an optimiser continue from the `state_dict` of another, perhaps on another device, with its own `KERNELS`.

    PyTorch would take over the other's: a GPU's RMSprop is refused on a CPU, and a CPU's Adam is slow on a GPU.
    """
    groups = [
        {**group, **{key: own[key] for key in KERNELS if key in own}}
        for own, group in zip(optimizer.param_groups, state["param_groups"], strict=True)
    ]
    optimizer.load_state_dict({**state, "param_groups": groups})


@register_optimizer("adam")
def adam(parameters, lr, weight_decay):
    """Adam (Kingma & Ba 2015); the weight decay is an L2 term of the gradient."""
    return _made(Adam, parameters, lr=lr, weight_decay=weight_decay)


@register_optimizer("adamw")
def adamw(parameters, lr, weight_decay):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""
    return _made(AdamW, parameters, lr=lr, weight_decay=weight_decay)


@register_optimizer("sgd")
def sgd(parameters, lr, weight_decay):
    """Plain stochastic gradient descent."""
    return _made(SGD, parameters, lr=lr, weight_decay=weight_decay)


@register_optimizer("nesterov")
def nesterov(parameters, lr, weight_decay):
    """Stochastic gradient descent with Nesterov momentum 0.9."""
    return _made(SGD, parameters, lr=lr, momentum=0.9, nesterov=True, weight_decay=weight_decay)


@register_optimizer("momentum")
def momentum(parameters, lr, weight_decay):
    """Stochastic gradient descent with momentum 0.9 (Polyak 1964)."""
    return _made(SGD, parameters, lr=lr, momentum=0.9, weight_decay=weight_decay)


@register_optimizer("rmsprop")
def rmsprop(parameters, lr, weight_decay):
    """RMSprop (Tieleman & Hinton 2012): the gradient divided by the root of the running mean of its square."""
    return _made(RMSprop, parameters, lr=lr, weight_decay=weight_decay)


@register_optimizer("own_sgd")
def own_sgd(parameters, lr, weight_decay):
    """Our own stochastic gradient descent with momentum 0.9."""
    return OwnSGD(parameters, lr=lr, momentum=0.9, weight_decay=weight_decay)


@register_optimizer("own_adam")
def own_adam(parameters, lr, weight_decay):
    """Our own Adam."""
    return OwnAdam(parameters, lr=lr, weight_decay=weight_decay)


@register_optimizer("muon")
def muon(parameters, lr, weight_decay):
    """Muon (Jordan et al. 2024) for hidden weights, AdamW for what its authors leave to it: biases, normalizations, the
    first layer, and those that give logits.

    Networks register their parameters in the order of the forward pass, so the first and the last layer's weights are
    the first and the last parameter of two or more dimensions. As many outputs as the last layer's are logits, too:
    those of a companion classifier. One learning rate suits both, because Muon's steps are scaled to AdamW's size.
    """
    parameters = list(parameters)
    weights = [parameter for parameter in parameters if parameter.ndim > 1]
    hidden = [weight for weight in weights[1:-1] if weight.ndim > 2 or len(weight) != len(weights[-1])]
    among = {id(parameter) for parameter in hidden}
    others = [parameter for parameter in parameters if id(parameter) not in among]
    return MuonAndAdamW(hidden, others, lr=lr, weight_decay=weight_decay)
