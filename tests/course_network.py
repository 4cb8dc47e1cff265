"""The network of the Edinburgh MLP course (coursework 2), reimplemented from its published structure.

It is the oracle of the tests of weights, with the same layers, the same names in its state dict and the same forward
pass; `bn` adds the brief's batch normalization to the blocks, `rc` the residual connection to the processing blocks.
"""

import torch
from torch import nn
from torch.nn import functional as F


class CourseBlock(nn.Module):
    """Two convolutions, `conv_0` and `conv_1`, each with its batch normalization if `bn` is set."""

    def __init__(self, channels, filters, bias, bn):
        super().__init__()
        self.layer_dict = nn.ModuleDict()
        for layer, inputs in enumerate((channels, filters)):
            self.layer_dict[f"conv_{layer}"] = nn.Conv2d(inputs, filters, 3, padding=1, bias=bias)
            if bn:
                self.layer_dict[f"bn_{layer}"] = nn.BatchNorm2d(filters)

    def layer(self, index, x):
        x = self.layer_dict[f"conv_{index}"](x)
        return self.layer_dict[f"bn_{index}"](x) if f"bn_{index}" in self.layer_dict else x


class CourseProcessing(CourseBlock):
    rc = False

    def forward(self, x):
        out = self.layer(1, F.leaky_relu(self.layer(0, x)))
        return F.leaky_relu(out + x if self.rc else out)


class CourseReduction(CourseBlock):
    def forward(self, x):
        out = F.avg_pool2d(F.leaky_relu(self.layer(0, x)), 2)
        return F.leaky_relu(self.layer(1, out))


class CourseEntry(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.layer_dict = nn.ModuleDict()
        self.layer_dict["conv_0"] = nn.Conv2d(channels, filters, 3, padding=1, bias=False)
        self.layer_dict["bn_0"] = nn.BatchNorm2d(filters)

    def forward(self, x):
        return F.leaky_relu(self.layer_dict["bn_0"](self.layer_dict["conv_0"](x)))


class CourseNetwork(nn.Module):
    def __init__(self, channels=3, classes=100, filters=32, blocks=5, stages=3, bn=False, rc=False):
        super().__init__()
        self.layer_dict = nn.ModuleDict()
        self.layer_dict["input_conv"] = CourseEntry(channels, filters)
        for stage in range(stages):
            for block in range(blocks):
                processing = CourseProcessing(filters, filters, bias=False, bn=bn)
                processing.rc = rc
                self.layer_dict[f"block_{stage}_{block}"] = processing
            self.layer_dict[f"reduction_block_{stage}"] = CourseReduction(filters, filters, bias=True, bn=bn)
        self.logit_linear_layer = nn.Linear(filters, classes)

    def forward(self, x):
        for block in self.layer_dict.values():
            x = block(x)
        x = F.avg_pool2d(x, x.shape[-1])
        return self.logit_linear_layer(x.view(x.shape[0], -1))


class Builder(nn.Module):
    """Like the framework's ExperimentBuilder, which holds the network as `model` and saves its own state dict."""

    def __init__(self, network):
        super().__init__()
        self.model = network


def save_checkpoint(network, path, **extra):
    """Write what the framework's save_model writes, in which the best accuracy is a NumPy number."""
    import numpy as np

    state = {"network": Builder(network).state_dict(), "best_val_model_idx": 3, "model_epoch": 4, **extra}
    state.setdefault("best_val_model_acc", np.mean([0.25, 0.5]))
    torch.save(state, path)
