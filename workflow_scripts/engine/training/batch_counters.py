"""Batch norms count the batches they were trained on, each by a kernel of its own: here all counters are one launch."""

import torch
from torch.nn.modules.batchnorm import _BatchNorm

COUNTER = "num_batches_tracked"


class BatchCounters:
    """A context for a forward pass of a model, after which each of its batch norms has counted one batch more.

    Only in training. Those that average over all batches (`momentum=None`) need their counter in the pass itself, and
    count as ever.
    """

    def __init__(self, model):
        self.model = model
        norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
        self.norms = [norm for norm in norms if norm.momentum is not None and getattr(norm, COUNTER) is not None]
        self.counters = [getattr(norm, COUNTER) for norm in self.norms]

    def __enter__(self):
        for norm in self.norms:
            norm._buffers[COUNTER] = None  # PyTorch's batch norm does without; `setattr` would take longer

    def __exit__(self, error, *_):
        for norm, counter in zip(self.norms, self.counters, strict=True):
            norm._buffers[COUNTER] = counter
        if error is None and self.model.training and self.counters:
            torch._foreach_add_(self.counters, 1)
