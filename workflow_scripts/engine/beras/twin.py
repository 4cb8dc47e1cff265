"""A compiled Beras model rebuilt in PyTorch: network, loss, optimiser and schedule, from the same initial weights."""

import Beras
import torch
from torch import nn


class Twin:
    """The PyTorch `network` and `optimizer` for a `Beras.Model`, built from the tables below.

    With `same_masks`, dropout drops what the Beras model dropped in its last step, which therefore has to come first.
    """

    def __init__(self, model, same_masks=False):
        table = LAYERS | ({Beras.Dropout: SameMask} if same_masks else {})
        self.network = nn.Sequential(*(table[type(layer)](layer) for layer in model.layers))
        self.loss = LOSSES[type(model.compiled_loss)]
        self.theirs = model.optimizer
        self.optimizer = OPTIMIZERS[type(model.optimizer)](self.network.parameters())
        self.steps = 0

    def step(self, x, y):
        """Forward and backward on one batch of tensors, and one optimiser step; returns (loss, accuracy)."""
        self.network.train()
        self._set_rate()
        outputs = self.network(x)
        loss = self.loss(outputs, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.steps += 1
        return loss.item(), (outputs.argmax(1) == y.argmax(1)).float().mean().item()

    def _set_rate(self):
        """Set the schedule's rate, and Adam's epsilon scaled from Keras's place (the uncorrected root) to PyTorch's."""
        rate = self.theirs.learning_rate
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.steps) if callable(rate) else rate
            if isinstance(self.theirs, Beras.Adam):
                group["eps"] = self.theirs.epsilon / (1 - self.theirs.beta_2 ** (self.steps + 1)) ** 0.5

    def weights(self):
        """[(name, weight, gradient), ...] in Beras's layout: arrays, with dense weights (inputs, outputs)."""
        return [
            (name, parameter.detach().numpy().T, parameter.grad.numpy().T)
            for name, parameter in self.network.named_parameters()
        ]


class SameMask(nn.Module):
    """Dropout that drops what a Beras layer dropped in its last call, as the two libraries draw different numbers."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, z):
        return z * torch.from_numpy(self.layer.input_gradients())


def linear(dense):
    """The dense layer's twin, which keeps its weights transposed."""
    layer = nn.Linear(*dense.w.shape)
    layer.weight.data, layer.bias.data = torch.tensor(dense.w.T.copy()), torch.tensor(dense.b)
    return layer


LAYERS = {
    Beras.Dense: linear,
    Beras.LeakyReLU: lambda layer: nn.LeakyReLU(layer.alpha),
    Beras.Dropout: lambda layer: nn.Dropout(layer.rate),
    Beras.Softmax: lambda layer: nn.Softmax(dim=1),
}
LOSSES = {
    Beras.MeanSquaredError: lambda p, t: (p - t).square().sum(dim=1).mean(),
    Beras.CategoricalCrossentropy: lambda p, t: -(t * p.log()).sum(dim=1).mean(),
}
OPTIMIZERS = {Beras.BasicOptimizer: torch.optim.SGD, Beras.Adam: torch.optim.Adam}
