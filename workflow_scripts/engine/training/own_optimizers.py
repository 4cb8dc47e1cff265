"""Our own optimisers: SGD, Adam and Muon as `torch.optim.Optimizer`s, with the options of their PyTorch namesakes.

An update is a function of a group's options and of lists: parameters, their gradients and their states. It works on
whole lists at once (`torch._foreach_*`), which on a GPU is one kernel instead of one per parameter. Where a group is
`capturable`, its learning rate may be a tensor on the device, and an update needs nothing from the host.
"""

import math
from collections import defaultdict
from functools import partial

import torch
from torch.optim import Optimizer

from workflow_scripts.engine.training.eager import Eager

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of Muon's polynomial: steep at 0, then close to 1
PRECISIONS = ("bfloat16", "float32", "float64")
RATE_SCALES = {  # Muon's step in learning rates, for a matrix with these numbers of rows and columns
    "original": lambda rows, columns: math.sqrt(max(1, rows / columns)),
    "match_rms_adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
}


def sgd_update(group, parameters, gradients, states):
    """Move `parameters` by a step of SGD; see `OwnSGD`."""
    gradients = _towards_less(group, gradients)
    if group["weight_decay"]:
        gradients = torch._foreach_add(gradients, parameters, alpha=group["weight_decay"])
    if group["momentum"]:
        buffers = _momentum_buffers(group, gradients, states)
        gradients = torch._foreach_add(gradients, buffers, alpha=group["momentum"]) if group["nesterov"] else buffers
    torch._foreach_add_(parameters, gradients, alpha=-group["lr"])


def _momentum_buffers(group, gradients, states):
    """The running sums of all gradients so far, the new ones included; the first one counts in full."""
    moving = [(state["momentum_buffer"], g) for state, g in zip(states, gradients, strict=True) if state]
    if moving:
        buffers, later = map(list, zip(*moving, strict=True))
        torch._foreach_mul_(buffers, group["momentum"])
        torch._foreach_add_(buffers, later, alpha=1 - group["dampening"])
    for state, gradient in zip(states, gradients, strict=True):
        if not state:
            state["momentum_buffer"] = gradient.clone()
    return [state["momentum_buffer"] for state in states]


def adam_update(group, parameters, gradients, states):
    """Move `parameters` by a step of Adam or AdamW; see `OwnAdam`."""
    (beta1, beta2), rate = group["betas"], group["lr"]
    for state, parameter in zip(states, parameters, strict=True):
        if not state:  # at its first gradient
            state["step"] = 0
            for key in ("exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if group["amsgrad"] else [])):
                state[key] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        state["step"] += 1
    gradients = _towards_less(group, gradients)
    if group["weight_decay"] and group["decoupled_weight_decay"]:
        torch._foreach_mul_(parameters, 1 - rate * group["weight_decay"])
    elif group["weight_decay"]:
        gradients = torch._foreach_add(gradients, parameters, alpha=group["weight_decay"])
    means, squares = ([state[key] for state in states] for key in ("exp_avg", "exp_avg_sq"))
    torch._foreach_lerp_(means, gradients, 1 - beta1)
    torch._foreach_mul_(squares, beta2)
    torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
    if group["amsgrad"]:
        largest = [state["max_exp_avg_sq"] for state in states]
        torch._foreach_maximum_(largest, squares)
        squares = largest
    deviations = torch._foreach_sqrt(squares)
    torch._foreach_div_(deviations, [math.sqrt(1 - beta2 ** state["step"]) for state in states])
    torch._foreach_add_(deviations, group["eps"])
    torch._foreach_addcdiv_(parameters, means, deviations, [-rate / (1 - beta1 ** state["step"]) for state in states])


def muon_update(group, parameters, gradients, states):
    """Move `parameters` by a step of Muon; see `Muon`."""
    for state, gradient in zip(states, gradients, strict=True):
        if not state:  # at its first gradient
            state["momentum_buffer"] = torch.zeros_like(gradient, memory_format=torch.preserve_format)
    momentum = group["momentum"]
    buffers = [state["momentum_buffer"] for state in states]
    torch._foreach_lerp_(buffers, gradients, 1 - momentum)
    updates = torch._foreach_lerp(gradients, buffers, momentum) if group["nesterov"] else buffers
    torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
    directions, scale = _directions(group, updates), RATE_SCALES[group["adjust_lr_fn"] or "original"]
    torch._foreach_mul_(directions, [scale(len(filters), filters[0].numel()) for filters in directions])
    torch._foreach_mul_(directions, group["lr"])
    torch._foreach_sub_(parameters, directions)


def _directions(group, updates):
    """The orthogonalized `updates`, in the same order; those of the same shape are one stack, which saves launches."""
    places = defaultdict(list)
    for place, update in enumerate(updates):
        places[update.shape].append(place)
    directions = {}
    for same in places.values():
        stack = torch.stack([updates[place] for place in same])
        matrices = stack.to(getattr(torch, group["precision"]), memory_format=torch.contiguous_format).flatten(2)
        found = orthogonalized(matrices, group["ns_coefficients"], group["ns_steps"], group["eps"])
        stack.copy_(found.view(stack.shape))  # in the order in which the parameters lie in memory, as adding them needs
        directions |= zip(same, stack, strict=True)
    return [directions[place] for place in range(len(updates))]


def orthogonalized(matrices, coefficients=COEFFICIENTS, steps=5, eps=1e-7):
    """Roughly U V^T of each matrix U S V^T of a stack (n, rows, columns), by `steps` of a polynomial.

    It is a x + b x^3 + c x^5, and is applied to the singular values. They are first divided by the matrix's Frobenius
    norm (at least `eps`), so that none exceeds 1. With the default coefficients they end up between about 0.7 and 1.2,
    unless they were very small; only matrix products are needed.
    """
    a, b, c = coefficients
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=eps)
    for _ in range(steps):
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def adamw_update(group, parameters, gradients, states):
    """Move `parameters` by a step of AdamW: one kernel of PyTorch's for all of them, which needs nothing from the host.

    `adam_update` counts steps on the host. Had it the counts on the device, each parameter would need two more kernels
    for its bias corrections. The kernel takes for granted that gradients lie in memory as their parameters do, which
    autograd sees to.
    """
    for state, parameter in zip(states, parameters, strict=True):
        if not state:  # at its first gradient
            state["step"] = torch.zeros((), device=parameter.device)
            for key in ("exp_avg", "exp_avg_sq"):
                state[key] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
    means, squares, steps = ([state[key] for state in states] for key in ("exp_avg", "exp_avg_sq", "step"))
    torch._foreach_add_(steps, 1)
    options = {key: group[key] for key in ("lr", "weight_decay", "eps", "amsgrad", "maximize")}
    beta1, beta2 = group["betas"]
    torch._fused_adamw_(parameters, gradients, means, squares, [], steps, beta1=beta1, beta2=beta2, **options)


METHODS = {"muon": muon_update, "adamw": adamw_update}  # the updates of the groups of `MuonAndAdamW`


class ListOptimizer(Eager, Optimizer):
    """What the optimisers below share: a step gathers each group's gradients and hands them to `update`."""

    def __init__(self, params, defaults):
        _check(defaults["lr"] >= 0, "lr", defaults["lr"], "at least 0")
        _check(defaults["weight_decay"] >= 0, "weight_decay", defaults["weight_decay"], "at least 0")
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        """One step along the current gradients; `closure`, if given, computes them and returns the loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters:
                gradients = [parameter.grad for parameter in parameters]
                self.update(group, parameters, gradients, [self.state[parameter] for parameter in parameters])
        return loss


class OwnSGD(ListOptimizer):
    """Stochastic gradient descent: w -= lr * m, where m = momentum * m + (1 - dampening) * g, initially m = g.

    With `nesterov` the step is along g + momentum * m (Sutskever et al. 2013). `weight_decay` times the weight is added
    to g. `maximize` ascends. Raises ValueError for an option out of range.
    """

    update = staticmethod(sgd_update)

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False):
        _check(momentum >= 0, "momentum", momentum, "at least 0")
        _check(not nesterov or momentum > 0, "momentum", momentum, "above 0 with nesterov")
        _check(not nesterov or dampening == 0, "dampening", dampening, "0 with nesterov")
        options = {"momentum": momentum, "dampening": dampening, "nesterov": nesterov, "maximize": maximize}
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, **options})


class OwnAdam(ListOptimizer):
    """Adam (Kingma & Ba 2015): w -= lr * m / (sqrt(v) + eps), with bias-corrected running means m of g and v of g^2.

    `weight_decay` times the weight is added to g; with `decoupled_weight_decay` (AdamW, Loshchilov & Hutter 2019) the
    weight shrinks by lr * weight_decay of itself instead. `amsgrad` takes the largest v so far (Reddi et al. 2018).
    `maximize` ascends. Raises ValueError for an option out of range.
    """

    update = staticmethod(adam_update)

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        *,
        decoupled_weight_decay=False,
        maximize=False,
    ):
        _check(len(betas) == 2 and all(0 <= beta < 1 for beta in betas), "betas", betas, "two numbers in [0, 1)")
        _check(eps >= 0, "eps", eps, "at least 0")
        options = {"betas": betas, "eps": eps, "amsgrad": amsgrad, "maximize": maximize}
        options["decoupled_weight_decay"] = decoupled_weight_decay
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, **options})


class Muon(ListOptimizer):
    """Momentum made orthogonal: w -= lr * scale * U V^T, where U S V^T is the momentum's SVD (Jordan et al. 2024).

    It is for hidden weights of two or more dimensions; a convolution's form a matrix with a row for each filter. What
    is orthogonalized is m = momentum * m + (1 - momentum) * g or, with `nesterov`, (1 - momentum) * g + momentum * m.
    The weight shrinks by lr * weight_decay of itself. `adjust_lr_fn` names the scale: "original" (or None) is
    sqrt(rows / columns), at least 1; "match_rms_adamw" is 0.2 sqrt(max(rows, columns)), which lets learning rates and
    weight decays be AdamW's (Liu et al. 2025). `precision` names the dtype of `orthogonalized`.
    Raises ValueError for an option out of range and for a parameter of fewer than two dimensions.
    """

    update = staticmethod(muon_update)

    def __init__(
        self,
        params,
        lr=1e-3,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        ns_coefficients=COEFFICIENTS,
        eps=1e-7,
        ns_steps=5,
        adjust_lr_fn=None,
        *,
        precision="bfloat16",
    ):
        _check(0 <= momentum <= 1, "momentum", momentum, "from 0 to 1")
        _check(len(ns_coefficients) == 3, "ns_coefficients", ns_coefficients, "three numbers")
        _check(eps >= 0, "eps", eps, "at least 0")
        _check(1 <= ns_steps < 100, "ns_steps", ns_steps, "from 1 to 99")
        _check(adjust_lr_fn in (None, *RATE_SCALES), "adjust_lr_fn", adjust_lr_fn, f"one of {', '.join(RATE_SCALES)}")
        _check(precision in PRECISIONS, "precision", precision, f"one of {', '.join(PRECISIONS)}")
        options = {"momentum": momentum, "nesterov": nesterov, "eps": eps, "ns_coefficients": ns_coefficients}
        options |= {"ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn, "precision": precision}
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, **options})
        for group in self.param_groups:
            for parameter in group["params"]:
                shape = tuple(parameter.shape)
                _check(len(shape) > 1, "the shape of a parameter", shape, "two or more dimensions: others need AdamW")


class MuonAndAdamW(ListOptimizer):
    """Muon for `hidden` weights, AdamW for the `others`, with one learning rate and weight decay, as for AdamW."""

    def __init__(self, hidden, others, lr=1e-3, weight_decay=0.0):
        muon = partial(Muon, adjust_lr_fn="match_rms_adamw")
        adamw = partial(OwnAdam, decoupled_weight_decay=True)
        groups = [  # each with the options of its own optimiser
            {**kind(parameters, lr, weight_decay=weight_decay).defaults, "params": parameters, "method": method}
            for method, kind, parameters in (("muon", muon, hidden), ("adamw", adamw, others))
            if parameters
        ]
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay, "capturable": True})

    def update(self, group, parameters, gradients, states):
        METHODS[group["method"]](group, parameters, gradients, states)


def _towards_less(group, gradients):
    return torch._foreach_neg(gradients) if group["maximize"] else gradients


def _check(holds, option, value, expected):
    if not holds:
        raise ValueError(f"{option} is {value!r}: expected {expected}")
