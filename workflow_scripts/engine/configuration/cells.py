"""A cell's name, its digests and the flags of the command that trains it."""

import hashlib
import importlib
import re

from workflow_scripts.engine import code
from workflow_scripts.engine.configuration.fields import Augmentation, Registered, bare
from workflow_scripts.engine.configuration.record import Cell

FILES = ("cell.json", "history.csv", "gradients.csv", "steps.npz", "test.json", "model.safetensors")
ROW = tuple(key for key in Cell.model_fields if key != "seed")  # cells that agree in these are one row of a table
FIRST, LAST = ("model", "block"), ("lr", "seed")  # keys that every name shows, before and after the others


def cell_name(cell):
    """Readable, canonical and stable: model, block, the keys that differ from their default, lr, seed.

    >>> cell_name(Cell(model="vgg38", block="bn_rc", lr=1e-2))
    'vgg38-bn_rc-lr0.01-seed0'
    """
    others = [key for key in changed(cell) if key not in FIRST + LAST]
    return "-".join(_part(key, getattr(cell, key)) for key in (*FIRST, *others, *LAST))


def changed(cell):
    """The keys whose values differ from the defaults, in the order of the record."""
    return [key for key, field in Cell.model_fields.items() if getattr(cell, key) != field.default]


def record_digest(cell):
    """Hex digest of the whole record, without the network's options that are at their defaults."""
    unused = OPTIONS.keys() - changed(cell)
    return hashlib.sha256(cell.model_dump_json(exclude=unused).encode()).hexdigest()


def _marks(field):
    """The `Registered` marks of a field of `Cell`."""
    _, marks = bare(field)
    return [mark for mark in marks if isinstance(mark, Registered)]


# An option at its default is not passed to the network. So a new one does not change the cells that leave it out: the
# digests of record and code count options only where they differ from their defaults, but other keys' defaults too.
OPTIONS = {key: field.default for key, field in Cell.model_fields.items() if "option" in field.json_schema_extra}
DEFAULTS = {key: field.default for key, field in Cell.model_fields.items() if key not in OPTIONS}
RECORD_IN_CODE = (((Cell.__module__, Cell.__name__), repr(DEFAULTS)),)

# What talks to people, takes turns and writes files: it affects no number of a cell, so changing it retrains none.
NO_NUMBERS = tuple(
    f"workflow_scripts.engine.{module}"
    for module in (
        "code",
        "commands",
        "locks",
        "whole_files",
        "configuration.mistakes",
        "machine.gpus",
        "runs.reporting",
    )
)

MARKS = {key: found for key, field in Cell.model_fields.items() if (found := _marks(field))}  # once: cells are many


def options(cell):
    """{key: value} of the network's options that differ from their defaults: what to pass to `build_model`."""
    return {key: getattr(cell, key) for key in changed(cell) if key in OPTIONS}


def code_digest(cell, observers=()):
    """Hex digest of the code that training the cell runs: the command's and that of every name in the record.

    `observers` names what is measured along the way.
    """
    names = tuple(_registered_names(cell, observers))
    return code.digest("workflow_scripts.train_cell", names, RECORD_IN_CODE, NO_NUMBERS)


def import_registered(cell, observers=()):
    """Import what is registered under the names in a cell's record and those of observers, wherever it is defined."""
    for kind, name in _registered_names(cell, observers):
        if name in code.registered(kind):
            importlib.import_module(code.registered(kind)[name][0])


def _registered_names(cell, observers):
    """(kind, name) of everything registered that training the cell runs."""
    yield from (("observer", name) for name in observers)
    for key, marks in MARKS.items():
        value = getattr(cell, key)
        for mark in marks:
            if isinstance(mark, Augmentation):
                yield from ((mark.kind, name) for name in value.split("+") if name != "none")
            elif value is not None:
                yield mark.kind, value


def flags(cell):
    """The flags that make `train_cell` train this cell, as a list of words."""
    return [word for key, value in shown(cell).items() for word in flag(key, value)]


def flag(key, value):
    """The flag that sets a key to a value, as a list of words."""
    name = key.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", "null" if value is None else text(value)]


def shown(cell):
    """{key: value} that describe a cell: the keys that every name shows, and those that differ from their defaults."""
    return {key: getattr(cell, key) for key in dict.fromkeys((*FIRST, *changed(cell), *LAST))}


def text(value):
    """A value as names and levels show it."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _part(key, value):
    label = Cell.model_fields[key].json_schema_extra["label"]
    return label + re.sub(r"[^A-Za-z0-9._+-]", "_", text(value))
