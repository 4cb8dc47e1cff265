"""What is minimised: losses by name, of logits (b, classes) and labels (b,), and the terms that a cell adds to them."""

from torch.nn import functional as F

from models.registry import Registry
from workflow_scripts.engine.training.gradients import weight_layers

LOSSES = Registry("loss")
register_loss = LOSSES.register


@register_loss("cross_entropy")
def cross_entropy(logits, labels):
    """-log softmax(logits)[label], in nats."""
    return F.cross_entropy(logits, labels)


@register_loss("label_smoothing")
def label_smoothing(logits, labels):
    """Cross-entropy with targets that give 0.9 to the label and 0.1 to all classes equally (Szegedy et al. 2016)."""
    return F.cross_entropy(logits, labels, label_smoothing=0.1)


@register_loss("mse")
def mse(logits, labels):
    """Half the squared distance of the logits to the one-hot label: sum over the classes of (logit - target)^2 / 2.

    It is classes / 2 times PyTorch's `mse_loss`, so that its gradient, logits - target, is of the same size as that of
    the cross-entropy, softmax(logits) - target, and the same learning rates work (compare Hui & Belkin 2021).
    """
    return (logits - F.one_hot(labels, logits.shape[1])).square().sum(1).mean() / 2


@register_loss("focal")
def focal(logits, labels):
    """-(1 - p)^2 log p, where p = softmax(logits)[label]: images already correct count less (Lin et al. 2017)."""
    log_p = -F.cross_entropy(logits, labels, reduction="none")
    return -((1 - log_p.exp()).square() * log_p).mean()


def companions_weight(cell, epoch):
    """The weight of companions' losses in an epoch: it falls linearly from `supervision` in the first one towards 0."""
    return cell.supervision * (1 - epoch / cell.epochs)


def added_terms(cell, model, companions, labels, companions_weight):
    """The sum of what a cell adds to the loss of its logits, or 0: weight penalties and companions' losses.

    The penalties are over the weights of convolutions and linear layers: l1 times the sum of |w|, l2 times half the
    sum of w^2. `companions` are the logits of the companion classifiers of a deeply supervised network (Lee et al.
    2015), and `companions_weight` is that of their losses, a number or a 0-dimensional tensor.
    """
    terms = 0.0
    weights = [weight for _, weight in weight_layers(model.named_parameters())] if cell.l1 or cell.l2 else []
    if cell.l1:
        terms = terms + cell.l1 * sum(weight.abs().sum() for weight in weights)
    if cell.l2:
        terms = terms + cell.l2 / 2 * sum(weight.square().sum() for weight in weights)
    if companions:
        terms = terms + companions_weight * sum(LOSSES[cell.loss](logits, labels) for logits in companions)
    return terms
