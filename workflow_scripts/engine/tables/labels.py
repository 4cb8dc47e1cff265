"""Readable names: of networks and blocks, factors and levels, values of a record."""

import pandas as pd

from workflow_scripts.engine import code
from workflow_scripts.engine.configuration.cells import OPTIONS

BRIEF_BLOCKS = ("plain", "bn", "rc", "bn_rc")
BLOCK_LABELS = {  # the brief's four first; the order is that of rows, legends and colours
    "plain": "plain",
    "bn": "BN",
    "rc": "RC",
    "bn_rc": "BN+RC",
    "dense": "dense",
    "bn_dense": "BN+dense",
    "bn_dense_pre": "BN+dense (pre)",
    "rc_pool": "RC (pool)",
    "bn_rc_pool": "BN+RC (pool)",
    "rc_proj": "RC (proj)",
    "bn_rc_proj": "BN+RC (proj)",
    "preact_rc": "RC (pre)",
    "bn_preact_rc": "BN+RC (pre)",
    "skipinit_rc": "SkipInit",
    "gn": "GN",
    "gn_rc": "GN+RC",
    "ln": "LN",
    "ln_rc": "LN+RC",
}

OWN = "network's own"  # the value of an option that the network has by default
ABSENT = {"train_items": "all"}  # what null means for a key of a cell that is no option; for the others: none

# readable names of factors and of words of a level; others are shown as they are, with spaces for underscores
NAMES = {
    "None": OWN,
    "adam": "Adam",
    "adamw": "AdamW",
    "cross_entropy": "cross-entropy",
    "elu": "ELU",
    "gelu": "GELU",
    "kaiming": "Kaiming",
    "l1": "L1",
    "l2": "L2",
    "leaky_relu": "leaky ReLU",
    "lsuv": "LSUV",
    "mse": "squared error",
    "momentum": "SGD, momentum",
    "muon": "Muon",
    "nesterov": "SGD, Nesterov",
    "optimizer": "optimiser",
    "own_adam": "own Adam",
    "own_sgd": "own SGD, momentum",
    "relu": "ReLU",
    "rmsprop": "RMSprop",
    "sgd": "SGD",
    "silu": "SiLU",
    "tta": "test-time augmentation",
    "warmup_epochs": "warm-up epochs",
    "weight_decay": "wd",
    "xavier": "Xavier",
}


def label(record):
    """The readable name of a cell's network: `VGG38 BN+RC`, and just `VGG38` without a remedy."""
    model = record["model"].upper().replace("_", "-")
    return model if record["block"] == "plain" else f"{model} {block_label(record['block'])}"


def block_label(block):
    """The readable name of a block; one that is not known here is upper-cased: `my_block` becomes `MY+BLOCK`."""
    return BLOCK_LABELS.get(block, block.upper().replace("_", "+"))


def blocks_in_order(found=()):
    """The blocks of the brief, then the others in the order of their registration, then any other of `found`."""
    return list(dict.fromkeys([*BLOCK_LABELS, *code.registered("block"), *found]))


def format_value(key, value):
    """The readable form of a value of a record's key, even where pandas has made it a float: 12.0 is `12`."""
    if pd.isna(value):
        return absent(key)
    return f"{value:g}" if isinstance(value, float) else str(value)


def absent(key):
    """The readable form of a null value of a key: for an option of the network, null means the network's own default.

    >>> absent("clip"), absent("growth_rate"), absent("train_items")
    ('none', "network's own", 'all')
    """
    return OWN if key in OPTIONS else ABSENT.get(key, "none")


def heading(key):
    """The readable name of a record's key, spelt out: for the heading of a column, or an axis.

    >>> heading("lr"), heading("weight_decay"), heading("warmup_epochs")
    ('learning rate', 'weight decay', 'warm-up epochs')
    """
    known = {"lr": "learning rate", "weight_decay": "weight decay"}  # which `NAMES` shortens
    return known.get(key) or NAMES.get(key, key.replace("_", " "))


def readable(level):
    """The readable name of a level or a factor.

    >>> readable("label_smoothing"), readable("init xavier"), readable("bn_rc, activation silu"), readable("clip None")
    ('label smoothing', 'init Xavier', 'BN+RC, activation SiLU', 'clip none')
    """
    return ", ".join(_word(word) for word in level.split(", "))


def _word(word):
    key, space, value = word.partition(" ")
    if word in code.registered("block") and word != "plain":
        return block_label(word)
    return NAMES.get(key, key.replace("_", " ")) + space + (absent(key) if value == "None" else value and _word(value))
