"""A study -> its cells; a cell's name, its digest and the flags of the command that trains it."""

import hashlib
import itertools
import re

from workflow_scripts.engine import code
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.config import Augmentation, Cell, Registered

FILES = ("cell.json", "history.csv", "gradients.csv", "steps.npz", "test.json", "model.safetensors")
FIRST, LAST = ("model", "block"), ("lr", "seed")  # keys that every name shows, before and after the others


def expand(name, study):
    """{cell name: Cell} of the `config.Study` called `name`, in the order of its grids.

    Raises UserError if two cells would share a name, or if `compare` selects no cell.
    """
    cells = {}
    for grid in study.grids:
        values = {key: values for key in Cell.model_fields if (values := getattr(grid, key))}
        for point in itertools.product(*values.values()):
            cell = Cell(**dict(zip(values, point, strict=True)))
            other = cells.setdefault(cell_name(cell), cell)
            if other != cell:
                raise UserError(f"studies.{name}: two different cells would both be called {cell_name(cell)!r}")
    for role, selection in study.compare or ():
        if not any(selects(selection, cell) for cell in cells.values()):
            wanted = ", ".join(f"{key}={_text(value)}" for key, value in selected(selection).items())
            raise UserError(f"studies.{name}.compare.{role}: no cell of the study has {wanted}")
    return cells


def selected(selection):
    """The keys and values that a `config.Selection` names."""
    return selection.model_dump(exclude_unset=True)


def selects(selection, cell):
    """Whether a cell has all the values that a `config.Selection` names."""
    return all(getattr(cell, key) == value for key, value in selected(selection).items())


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
    """Hex digest of the whole record."""
    return hashlib.sha256(cell.model_dump_json().encode()).hexdigest()


def code_digest(cell):
    """Hex digest of the code that training the cell runs: the command's and that of every name in the record."""
    names = []
    for key, field in Cell.model_fields.items():
        value = getattr(cell, key)
        for mark in field.metadata:
            if isinstance(mark, Augmentation):
                names += [(mark.kind, name) for name in value.split("+") if name != "none"]
            elif isinstance(mark, Registered):
                names.append((mark.kind, value))
    return code.digest("workflow_scripts.train_cell", tuple(names))


def flags(cell):
    """The flags with which `train_cell` trains this cell, as a list of words."""
    keys = dict.fromkeys((*FIRST, *changed(cell), *LAST))
    return [word for key in keys for word in (f"--{key.replace('_', '-')}", _text(getattr(cell, key)))]


def _part(key, value):
    label = Cell.model_fields[key].json_schema_extra["label"]
    return label + re.sub(r"[^A-Za-z0-9._+-]", "_", _text(value))


def _text(value):
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
