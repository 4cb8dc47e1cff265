"""Losses by name: functions of logits (b, classes) and labels (b,) to the mean loss of the batch."""

from torch.nn import functional as F

from models.registry import Registry

LOSSES = Registry("loss")
register_loss = LOSSES.register


@register_loss("cross_entropy")
def cross_entropy(logits, labels):
    """-log softmax(logits)[label], in nats."""
    return F.cross_entropy(logits, labels)
