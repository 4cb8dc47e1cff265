"""Where a network looks: Grad-CAM (Selvaraju et al. 2017), for any network that maps images to logits.

For a network that ends in global average pooling and one linear layer, the maps are the class activation maps of Zhou
et al. 2016, divided by the number of positions, with their negative part cut off.
"""

import contextlib

import torch

from workflow_scripts.engine.commands import UserError

COARSEST = 4  # rows and columns: a coarser map hardly tells where


def last_map(model, images):
    """Name of the module whose output is the last feature map (b, c, h, w) of the forward pass that is fine enough.

    That is a map of at least `COARSEST` rows and columns or, if there is none, of more than one position. Of modules
    that output the same map it is the outermost, so that the map includes what a block does at its end. Raises
    UserError for a network that has no such map.
    """
    found = {1: [], COARSEST: []}  # smallest side: names

    def note(name):
        def hook(module, inputs, output):
            if isinstance(output, torch.Tensor) and output.dim() == 4 and output[0, 0].numel() > 1:
                for side in found:
                    if min(output.shape[2:]) >= side:
                        found[side].append(name)

        return hook

    with torch.no_grad(), contextlib.ExitStack() as hooks:
        for name, module in model.named_modules():
            if name:
                hooks.enter_context(module.register_forward_hook(note(name)))
        model(images[:1])
    names = found[COARSEST] or found[1]
    if not names:
        raise UserError("the network has no feature map of more than one position, which Grad-CAM needs")
    return names[-1]


def grad_cam(model, layer, images, classes):
    """Non-negative heat maps (b, h, w), float32, of the evidence for the class `classes[i]` in image i.

    The map A of the module `layer` is weighted, channel by channel, with the mean over its positions of the gradient of
    the class's logit: ReLU(sum_k mean_ij(dy / dA_kij) A_k). `model` has to be in evaluation mode, where the images do
    not affect each other.
    """
    kept = {}

    def cut(module, inputs, output):  # what comes before the map needs no gradient
        kept["map"] = output.detach().requires_grad_()
        return kept["map"]

    with model.get_submodule(layer).register_forward_hook(cut):
        logits = model(images).float()
    (gradient,) = torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), kept["map"])
    weights = gradient.float().mean((2, 3), keepdim=True)
    return (weights * kept["map"].detach().float()).sum(1).relu()
