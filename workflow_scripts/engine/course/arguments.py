"""The course framework's command line, and the cell that it describes."""

import argparse
from pathlib import Path

from workflow_scripts.engine import code
from workflow_scripts.engine.commands import UserError, new_folder
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.course import FILTERS, MODELS, STAGES

FRESH = -1  # --continue_from_epoch


def _bool(text):
    words = {"yes": True, "true": True, "t": True, "y": True, "1": True}
    words |= {"no": False, "false": False, "f": False, "n": False, "0": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"expected True or False, found {text!r}")
    return words[text.lower()]


# --name: (type, default of the framework's arg_extractor.py, help)
ARGUMENTS = {
    "batch_size": (int, 100, "images per step"),
    "continue_from_epoch": (int, FRESH, "-1: from the start; any other: from the checkpoint that a killed run left"),
    "seed": (int, 7112018, "of the initial weights, the order and the augmentation"),
    "image_num_channels": (int, 3, "channels of the images"),
    "image_height": (int, 32, "rows of the images"),
    "image_width": (int, 32, "columns of the images"),
    "num_stages": (int, STAGES, "stages of the network"),
    "num_blocks_per_stage": (int, 5, "processing blocks in a stage: 0 is VGG_08, 5 is VGG_38"),
    "num_filters": (int, 16, "filters of a convolution; the course's scripts say 32"),
    "num_epochs": (int, 100, "passes over the training images"),
    "num_classes": (int, 100, "classes of the data"),
    "experiment_name": (new_folder, Path("exp_1"), "folder of the results"),
    "use_gpu": (_bool, True, "True: a GPU where there is one"),
    "weight_decay_coefficient": (float, 0.0, "Adam's weight decay"),
    "block_type": (str, "conv_block", "conv_block, conv_bn, conv_rc, conv_bn_rc, or a block of this workflow"),
    "learning_rate": (float, 1e-3, "learning rate at the start"),
    "schedule": (str, "cosine", "cosine: stepped per epoch; cosine_course_2023: per batch, as in the later code"),
}
# keys of a cell's record that the framework calls otherwise
NAMED = {
    "lr": "--learning_rate",
    "epochs": "--num_epochs",
    "weight_decay": "--weight_decay_coefficient",
    "width": f"--num_filters / {FILTERS}",
}


def add(parser):
    """Add the framework's arguments to a parser; as in the framework, a flag without a value takes its default."""
    group = parser.add_argument_group("the framework's arguments")
    for name, (kind, default, text) in ARGUMENTS.items():
        group.add_argument(
            f"--{name}", nargs="?", type=kind, default=default, const=default, help=f"{text} (default: {default})"
        )


def cell(arguments, meta):
    """The `record.Cell` that the arguments describe, on the data set whose `Data.meta` is given.

    Raises UserError where the arguments ask for a network that is not registered or do not fit the data.
    """
    given = [arguments.image_num_channels, arguments.image_height, arguments.image_width, arguments.num_classes]
    found = [*meta["image_shape"], meta["num_classes"]]
    if given != found:
        names = ["image_num_channels", "image_height", "image_width", "num_classes"]
        ask = " ".join(f"--{name} {value}" for name, value in zip(names, found, strict=True))
        raise UserError(f"the data set {meta['name']} has other images or classes than the arguments; it takes: {ask}")
    if arguments.num_stages != STAGES:
        raise UserError(f"--num_stages {arguments.num_stages}: the networks here have {STAGES} stages")
    if arguments.num_blocks_per_stage not in MODELS:
        known = ", ".join(f"{blocks} ({model})" for blocks, model in MODELS.items())
        raise UserError(
            f"--num_blocks_per_stage {arguments.num_blocks_per_stage}: there is no such network; there are: {known}"
        )
    record = {
        "model": MODELS[arguments.num_blocks_per_stage],
        "block": block(arguments.block_type),
        "width": arguments.num_filters / FILTERS,
        "dataset": meta["name"],
        "lr": arguments.learning_rate,
        "schedule": arguments.schedule,
        "weight_decay": arguments.weight_decay_coefficient,
        "batch_size": arguments.batch_size,
        "epochs": arguments.num_epochs,
        "seed": arguments.seed,
    }
    return config.parse(Cell, record, "the experiment", called=NAMED)


def block(name):
    """The registered block for a --block_type, wherever a year's scripts put `conv`, `block` and `_` in it.

    >>> block("conv_block"), block("conv_bn_rc_block"), block("bnrc_block"), block("conv_block_bn"), block("rc")
    ('plain', 'bn_rc', 'bn_rc', 'bn', 'rc')
    """
    known = code.registered("block")
    if name in known:
        return name
    bare = "".join(word for word in name.lower().split("_") if word not in ("conv", "block")) or "plain"
    spelled = {one.replace("_", ""): one for one in known}
    if bare not in spelled:
        raise UserError(
            f"--block_type {name!r} is not known; known: conv_block, conv_bn, conv_rc, conv_bn_rc, {', '.join(known)}"
        )
    return spelled[bare]
