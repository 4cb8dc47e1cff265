"""Loss surfaces around trained weights (Li et al. 2018, "Visualizing the loss landscape of neural nets").

The weights w of convolutions and linear layers become w + alpha d1 + beta d2. The directions are Gaussian, rescaled
filter by filter to the norms of the weights; biases and batch norm's parameters and running statistics stay as they
are, and batch norm uses its running statistics, as in the paper. The loss is the mean over the images of the cell's
loss, without penalties.

Why it is fast: the images are normalised once and stay on the device, the weights are combined there, nothing is read
back until the end, and batch norm is folded into the convolution before it. The folding costs nothing per point,
because it scales filters and their directions alike. Several points at once (`torch.vmap`) are slower on a CPU: see
benchmarks/landscape.py.
"""

import contextlib
import copy

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from tqdm import tqdm

from workflow_scripts.engine.data.batches import Batches, random_generator
from workflow_scripts.engine.training.gradients import weight_layers

COLUMNS = ("kind", "alpha", "beta", "loss", "acc")
FINER = 4  # steps along the line per step along a side of the plane
BATCH = {"cpu": 128, "cuda": 1000}  # images; on a CPU, larger batches do not fit in the caches


def places(points, extent):
    """(kind, alpha, beta) of every row: a `line` of 4 points - 3 points and a `plane` of points x points."""
    plane = [extent * (2 * index / (points - 1) - 1) for index in range(points)]
    fine = FINER * (points - 1)
    yield from (("line", extent * (2 * index / fine - 1), 0.0) for index in range(fine + 1))
    yield from (("plane", alpha, beta) for beta in plane for alpha in plane)


def training_images(training, data, count):
    """Batches of the cell's first `count` training images (all, where there are fewer).

    They are normalised as in training but not augmented: a list of (images, labels) on the device.
    """
    first = training.train_indices[:count]
    images, labels = data.train_images[first], data.train_labels[first]
    batches = Batches(images, labels, training.mean, training.std, training.device)
    return list(batches.in_order(BATCH[training.device.type]))


def directions(model, seed):
    """Two directions, each {parameter: tensor of its shape}, with an entry per weight of a convolution or linear layer.

    The Gaussian numbers depend only on the seed, the place among the weight layers and the shape, so networks with the
    same layers share them before the rescaling. A filter is an output channel, or a row of a linear layer.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return [
        {
            names[id(weight)]: _rescaled(weight, random_generator(seed, direction, place))
            for place, (_, weight) in enumerate(weight_layers(model.named_parameters()))
        }
        for direction in range(2)
    ]


@torch.no_grad()
def _rescaled(weight, generator):
    drawn = torch.empty_like(weight).copy_(torch.randn(weight.shape, generator=generator))
    norms, drawn_norms = (tensor.flatten(1).norm(dim=1) for tensor in (weight, drawn))
    return drawn.mul_((norms / drawn_norms).view(-1, *[1] * (weight.ndim - 1)))


def folded(model):
    """(a copy of the model with batch norm folded into the convolutions, {their weight: factor per filter}).

    A batch norm is folded if it follows a convolution whose output only it uses. A network whose control flow depends
    on the values it computes cannot be traced; it is returned as it is.
    """
    try:
        graph = fx.symbolic_trace(copy.deepcopy(model))
    except (fx.proxy.TraceError, TypeError, RuntimeError):
        return model, {}
    modules, factors = dict(graph.named_modules()), {}
    calls = [node.target for node in graph.graph.nodes if node.op == "call_module"]
    for node in graph.graph.nodes:
        norm, before = modules.get(node.target), node.args[0] if node.args else None
        if not (isinstance(norm, nn.BatchNorm2d) and norm.affine and norm.track_running_stats):
            continue
        convolution = modules.get(before.target) if before.op == "call_module" else None
        if type(convolution) is nn.Conv2d and len(before.users) == 1 and calls.count(before.target) == 1:
            factors[f"{before.target}.weight"] = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
            graph.set_submodule(before.target, fuse_conv_bn_eval(convolution, norm))
            node.replace_all_uses_with(before)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph, factors


@torch.no_grad()
def measure(model, batches, loss, points, pair, precision=contextlib.nullcontext):
    """[(loss, accuracy)] of the model at each of the `points` (alpha, beta) along the `pair` of directions.

    `batches` are (images, labels) on the device, `loss` is a function of logits and labels, and `precision` makes the
    context of the forward pass. The model must be in evaluation mode and is left as it was. A non-finite loss stays so.
    """
    fast, factors = folded(model)
    parameters = dict(fast.named_parameters())
    names = [name for name in pair[0] if name in parameters]  # without companion classifiers: used only in training
    moved = [parameters[name] for name in names]
    start = [weight.clone() for weight in moved]
    first, second = ([_scaled(direction, name, factors) for name in names] for direction in pair)
    sums = torch.zeros(len(points), 2, dtype=torch.float64, device=moved[0].device)
    for point, (alpha, beta) in zip(sums, tqdm(points, unit="point", disable=None), strict=True):
        torch._foreach_copy_(moved, start)
        torch._foreach_add_(moved, first, alpha=alpha)
        torch._foreach_add_(moved, second, alpha=beta)
        for images, labels in batches:
            with precision():
                logits = fast(images)
            logits = logits.float()
            point[0] += loss(logits, labels) * len(labels)
            point[1] += (logits.argmax(1) == labels).sum()
    torch._foreach_copy_(moved, start)
    return (sums / sum(len(labels) for _, labels in batches)).tolist()


def _scaled(direction, name, factors):
    tensor = direction[name]
    return tensor * factors[name].view(-1, 1, 1, 1) if name in factors else tensor


def surface(training, data, points, extent, images, seed):
    """The rows of a cell's surface, with the columns `COLUMNS`; `training` is what `trained.load` returns.

    A point on both the line and the plane is measured once. The arithmetic is that of the cell's own forward pass.
    """
    rows = list(places(points, extent))
    distinct = list(dict.fromkeys((alpha, beta) for _, alpha, beta in rows))
    found = measure(
        training.model,
        training_images(training, data, images),
        training.loss,
        distinct,
        directions(training.model, seed),
        training.precision,
    )
    values = dict(zip(distinct, found, strict=True))
    return [(kind, alpha, beta, *values[alpha, beta]) for kind, alpha, beta in rows]
