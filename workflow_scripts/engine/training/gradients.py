"""What is recorded of the gradients: per weight layer and epoch, the mean |g|, the l2 norm, and the mean |g| of the
last batch and of the first, which in the first epoch is the gradient at initialisation.

Only the weights of convolutions and linear layers are recorded, not biases or normalisation scales, so that a depth
means the same layer in every variant of a network, except those with layers beside the main path
(`tables/main_path.py`). Everything stays on the device until the epoch ends.
"""

import re

import torch

COLUMNS = ("epoch", "layer", "depth", "mean_abs", "l2", "last_batch_mean_abs", "first_batch_mean_abs")


# a weight as it is, or the direction of one under weight or spectral normalisation
WEIGHT = re.compile(r"(?:(.*?)\.)?(?:parametrizations\.)?(?:weight|weight_v|weight_orig|weight\.original1?)")


def weight_layers(named_parameters):
    """[(layer, weight)] in the order in which the layers are registered, assumed to be that of the forward pass.

    The layer's name is the parameter's without `.weight`. Raises ValueError if there are none.
    """
    found = [
        (match[1] or "", weight)
        for name, weight in named_parameters
        if weight.ndim > 1 and (match := WEIGHT.fullmatch(name))
    ]
    if not found:
        raise ValueError("expected the weights of convolutions or linear layers, found none")
    return found


class GradientRecorder:
    """Running sums over an epoch's steps, in float64: a vanished gradient's square underflows float32."""

    def __init__(self, model):
        layers = weight_layers(model.named_parameters())
        self.layers = [layer for layer, _ in layers]
        self.weights = [weight for _, weight in layers]
        device = self.weights[0].device
        self.sizes = torch.tensor([weight.numel() for weight in self.weights], dtype=torch.float64, device=device)
        # mean |g| and l2, summed; mean |g| of the last batch and of the first
        self.sums = torch.zeros(4, len(self.weights), dtype=torch.float64, device=device)

    def record(self):
        """Add a step's gradients, after `backward()`; that of a layer that took no part in the step counts as zero."""
        gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in self.weights]
        mean_abs = torch.stack(torch._foreach_norm(gradients, 1, dtype=torch.float64)) / self.sizes
        l2 = torch.stack(torch._foreach_norm(gradients, 2, dtype=torch.float64))
        self.sums[0] += mean_abs
        self.sums[1] += l2
        self.sums[2] = mean_abs

    def keep_first(self):
        """Keep the step recorded last as the first of its epoch."""
        self.sums[3] = self.sums[2]

    def end_epoch(self, steps):
        """(4, layers): mean |g| and l2 norm over `steps` steps, mean |g| of the last and first; then starts afresh."""
        means = self.sums.clone()
        means[:2] /= steps
        self.sums.zero_()
        return means

    def rows(self, epoch, means):
        """Rows of `gradients.csv` from what `end_epoch` returned, as nested lists."""
        return [
            (epoch, layer, depth, *values)
            for depth, (layer, *values) in enumerate(zip(self.layers, *means, strict=True))
        ]
