"""Conversion of weights between the course's names and ours; never imports the framework or runs a checkpoint's code.

A checkpoint of the framework is `torch.save` of {"network": state_dict, ...}; its names begin with `model.`, the
attribute of its ExperimentBuilder, and with `model.module.` where several GPUs trained.
"""

import io
import pickle
import re
from dataclasses import dataclass

import numpy as np
import safetensors.torch
import torch

from models.registry import build_model
from workflow_scripts.engine import whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.course import FILTERS, MODELS, STAGES
from workflow_scripts.engine.runs.checkpoints import UNREADABLE

# (our name, the course's): {i} stage, {j} block, {k} layer of the block, {end} weight, bias or a running statistic
NAMES = (
    ("entry.conv.{end}", "layer_dict.input_conv.layer_dict.conv_0.{end}"),
    ("entry.norm.{end}", "layer_dict.input_conv.layer_dict.bn_0.{end}"),
    ("stages.{i}.blocks.{j}.conv{k}.{end}", "layer_dict.block_{i}_{j}.layer_dict.conv_{k}.{end}"),
    ("stages.{i}.blocks.{j}.norm{k}.{end}", "layer_dict.block_{i}_{j}.layer_dict.bn_{k}.{end}"),
    ("stages.{i}.reduction.conv{k}.{end}", "layer_dict.reduction_block_{i}.layer_dict.conv_{k}.{end}"),
    ("stages.{i}.reduction.norm{k}.{end}", "layer_dict.reduction_block_{i}.layer_dict.bn_{k}.{end}"),
    ("classifier.{end}", "logit_linear_layer.{end}"),
)
PREFIX = re.compile(r"^(model\.)?(module\.)?")

# best_val_model_acc is a NumPy scalar; these make one, and run nothing else
NUMPY_SCALARS = [
    *((np._core.multiarray.scalar, f"{package}.multiarray.scalar") for package in ("numpy.core", "numpy._core")),
    np.dtype,
    np.dtypes.Float32DType,
    np.dtypes.Float64DType,
]


@dataclass(frozen=True)
class Network:
    """What the names and shapes of a state dict reveal of the network. Residual connections leave no trace there."""

    model: str
    block: str  # bn, or plain
    filters: int
    classes: int
    channels: int


def to_ours(state):
    """A state dict of the course's network under our names, in our order; raises UserError where none of ours fits."""
    return _checked(_renamed({PREFIX.sub("", name): value for name, value in state.items()}, 1, 0))


def to_course(state):
    """Our state dict under the course's names; raises UserError where the course has no such network."""
    return _renamed(_checked(state), 0, 1)


def _checked(state):
    """`state` in the order of the network it seems to be of; raises UserError where it does not fit that network."""
    found = describe(state)
    smallest = (found.channels, 2**STAGES, 2**STAGES)  # the weights do not depend on the size of the images
    network = build_model(found.model, found.block, found.classes, smallest, width=found.filters / FILTERS)
    own = network.state_dict()
    wrong = [f"found no {name}" for name in own if name not in state]
    wrong += [f"found {name}, which it does not have" for name in state if name not in own]
    wrong += [
        f"found {name} of shape {tuple(state[name].shape)}, not {tuple(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    if wrong:
        raise UserError(f"expected the weights of {found.model} ({found.block}), {wrong[0]}")
    return {name: state[name] for name in own}


def describe(state):
    """The `Network` of a state dict under our names; raises UserError where there is no such network."""
    for name, dimensions in {"entry.conv.weight": 4, "classifier.weight": 2}.items():
        if name not in state or state[name].ndim != dimensions:
            raise UserError(
                f"expected the weights of a network of the course, found none called {name} of {dimensions} dimensions"
            )
    stages = {int(found[1]) for name in state if (found := re.match(r"stages\.(\d+)\.", name))}
    blocks = {found[1] for name in state if (found := re.match(r"stages\.0\.blocks\.(\d+)\.", name))}
    if len(stages) != STAGES or len(blocks) not in MODELS:
        known = " or ".join(f"{blocks} blocks ({model})" for blocks, model in MODELS.items())
        raise UserError(
            f"expected {STAGES} stages of {known} each, found {len(stages)} stages, the first with {len(blocks)} blocks"
        )
    return Network(
        model=MODELS[len(blocks)],
        block="bn" if any(".norm" in name and name.startswith("stages.") for name in state) else "plain",
        filters=len(state["entry.conv.weight"]),
        classes=len(state["classifier.weight"]),
        channels=state["entry.conv.weight"].shape[1],
    )


def _renamed(state, source, target):
    patterns = [(_pattern(names[source]), names[target]) for names in NAMES]
    renamed = {}
    for name, value in state.items():
        found = next(((match, new) for old, new in patterns if (match := old.fullmatch(name))), None)
        if found is None:
            raise UserError(
                f"{name} is the name of no layer of the course's networks (VGG_08 and VGG_38, with BN or not); "
                "a model.safetensors is converted with --to course"
            )
        match, new = found
        renamed[new.format(**match.groupdict())] = value
    return renamed


def _pattern(template):
    text = re.escape(template).replace(r"\{end\}", "(?P<end>[a-z_]+)")
    return re.compile(re.sub(r"\\\{([ijk])\\\}", r"(?P<\1>\\d+)", text))


def load_course(path):
    """The state dict in a framework checkpoint, on the CPU. No code in it is run: one that needs that is refused."""
    try:
        with torch.serialization.safe_globals(NUMPY_SCALARS):
            saved = torch.load(path, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        what = f"the pickled object {asked[1]}" if asked else "what is no tensor"
        raise UserError(
            f"{path}: expected a checkpoint of tensors, found {what}; it is not loaded, because that could run code"
        ) from None
    except UNREADABLE as error:
        raise UserError(
            f"{path}: expected a checkpoint of the course's framework, found another file ({error})"
        ) from None
    state = saved.get("network", saved) if isinstance(saved, dict) else saved
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    ):
        raise UserError(f"{path}: expected tensors by name under 'network', found something else")
    return state


def load_ours(path):
    """The state dict in a model.safetensors."""
    try:
        return safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise UserError(f"{path}: expected a model.safetensors, found another file ({error})") from None


def save_course(state, path):
    """Write a checkpoint that the framework loads; it claims nothing about the run so far."""
    network = {f"model.{name}": value for name, value in state.items()}
    buffer = io.BytesIO()  # not a file, whose name would be part of the bytes
    torch.save({"network": network, "best_val_model_idx": 0, "best_val_model_acc": 0.0, "model_epoch": 0}, buffer)
    whole_files.write(path, buffer.getvalue())


def save_ours(state, path):
    """Write a model.safetensors."""
    whole_files.write(path, safetensors.torch.save({name: value.contiguous() for name, value in state.items()}))
