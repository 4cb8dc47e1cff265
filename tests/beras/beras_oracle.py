"""What PyTorch computes for Beras's networks: the same networks, differentiated by autograd, in double precision."""

import Beras
import numpy as np
import torch
import torch.nn.functional as F


def double(layers):
    """Make every variable of `layers` float64 (and the biases nonzero), and return the layers."""
    for layer in layers:
        if isinstance(layer, Beras.SkipConnection):
            double(layer.layers)
        for key, value in vars(layer).items():
            if isinstance(value, np.ndarray):
                setattr(layer, key, value.astype(np.float64))
        if isinstance(layer, Beras.Dense):
            layer.b += np.linspace(-0.5, 0.5, len(layer.b))
    return layers


def gradients(layers, loss, x, y):
    """(loss, dL/dx, [dL/dw, ...]) by autograd. Call Beras first: the dropout masks are taken from it."""
    x = torch.tensor(x, requires_grad=True)
    weights, z, penalty = [], x, 0.0
    for layer in layers:
        z, extra = FORWARD[type(layer)](layer, z, weights)
        penalty = penalty + extra
    value = LOSSES[type(loss)](z, torch.tensor(y)) + penalty
    value.backward()
    return value.item(), x.grad.numpy(), [weight.grad.numpy() for weight in weights]


def _leaf(array, weights):
    weights.append(torch.tensor(array, requires_grad=True))
    return weights[-1]


def _dense(layer, z, weights):
    w, b = _leaf(layer.w, weights), _leaf(layer.b, weights)
    price = layer.kernel_regularizer
    return z @ w + b, (price.l1 * w.abs().sum() + price.l2 * w.square().sum() if price else 0.0)


def _batch_norm(layer, z, weights):
    gamma, beta = _leaf(layer.gamma, weights), _leaf(layer.beta, weights)
    moving = torch.tensor(layer.moving_mean), torch.tensor(layer.moving_variance)
    return F.batch_norm(z, *moving, gamma, beta, training=Beras.Diffable.training, eps=layer.epsilon), 0.0


def _skip(layer, z, weights):
    inner, penalty = z, 0.0
    for sub in layer.layers:
        inner, extra = FORWARD[type(sub)](sub, inner, weights)
        penalty = penalty + extra
    return z + inner, penalty


FORWARD = {
    Beras.Dense: _dense,
    Beras.BatchNormalization: _batch_norm,
    Beras.SkipConnection: _skip,
    Beras.LeakyReLU: lambda layer, z, _: (F.leaky_relu(z, layer.alpha), 0.0),
    Beras.ReLU: lambda layer, z, _: (F.relu(z), 0.0),
    Beras.Softmax: lambda layer, z, _: (F.softmax(z, dim=-1), 0.0),
    Beras.Dropout: lambda layer, z, _: (z if layer._kept is None else z * torch.tensor(layer._kept), 0.0),
}
LOSSES = {
    Beras.MeanSquaredError: lambda p, t: F.mse_loss(p, t, reduction="sum") / len(p),
    Beras.CategoricalCrossentropy: lambda p, t: F.nll_loss(p.log(), t.argmax(dim=1)),
}
