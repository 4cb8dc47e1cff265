"""A study -> its cells; a cell's name, its digest and the flags of the command that trains it."""

import hashlib
import itertools
import math
import re
import typing

from workflow_scripts.engine import code
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import search
from workflow_scripts.engine.configuration.fields import Augmentation, Registered
from workflow_scripts.engine.configuration.record import Cell, Grid

FILES = ("cell.json", "history.csv", "gradients.csv", "steps.npz", "test.json", "model.safetensors")
ROW = tuple(key for key in Cell.model_fields if key != "seed")  # cells that are equal in these are one row of a table
MOST_CELLS = 100_000  # of a study
FIRST, LAST = ("model", "block"), ("lr", "seed")  # keys that every name shows, before and after the others


def expand(name, study):
    """{cell name: Cell} of the `studies.Study` called `name`, in the order of its grids; ablations after the others.

    After these come all that a search might train.

    Raises UserError if two cells would share a name, if a selection of the study selects no cell, or if there are more
    cells than Snakemake can plan.
    """
    cells = {}
    ablated = [grid for grids in study.ablations.values() for grid in grids or []]
    grids = [*study.grids, *([Grid(), *ablated] if ablated else [])]
    count = sum(math.prod(map(len, values_of(study, grid).values())) for grid in grids)
    if count > MOST_CELLS:
        raise UserError(f"studies.{name}: expected at most {MOST_CELLS:,} cells, found {count:,}: a grid is a product")
    searched = plan(study).cells() if study.search else []
    for cell in itertools.chain(*(points(study, grid) for grid in grids), searched):
        other = cells.setdefault(cell_name(cell), cell)
        if other != cell:
            raise UserError(f"studies.{name}: two different cells would both be called {cell_name(cell)!r}")
    for path, selection in _selections(study):
        if not any(selects(selection, cell) for cell in cells.values()):
            wanted = ", ".join(f"{key}={_text(value)}" for key, value in selected(selection).items())
            raise UserError(f"studies.{name}.{path}: no cell of the study has {wanted}")
    return cells


def points(study, grid):
    """The cells of one grid of a study, whose `base` gives what the grid leaves out."""
    values = values_of(study, grid)
    return [Cell(**dict(zip(values, point, strict=True))) for point in itertools.product(*values.values())]


def values_of(study, grid):
    """{key: its values} of what a grid of a study, or else the study's base, names."""
    return {key: values for key in Cell.model_fields if (values := getattr(grid, key) or getattr(study.base, key))}


def plan(study):
    """The `search.Plan` of a study with a search."""
    return search.plan(study.search, *points(study, Grid()))


def ablations(study):
    """{factor: {cell name: level}} of a study's ablations; the cells of the base come first in each.

    The level is what people call a cell within its factor: the values in which it differs from the base, among them
    the name of the key where the factor varies several. The base's own are its values of the first grid's keys.
    """
    base, factors = points(study, Grid()), {}
    for factor, grids in study.ablations.items():
        keys = [key for key in ROW if any(getattr(grid, key) for grid in grids or [])]
        first = [key for key in keys if getattr(grids[0], key)]
        levels = {cell_name(cell): _level(cell, first, keys) for cell in base}
        for cell in itertools.chain.from_iterable(points(study, grid) for grid in grids or []):
            others = [key for key in keys if getattr(cell, key) != getattr(base[0], key)]
            levels.setdefault(cell_name(cell), _level(cell, others, keys))
        if keys:
            factors[factor] = levels
    return factors


def _level(cell, shown, keys):
    """The values of the keys `shown` of a cell; a number has its key's name before it where there are several keys.

    None is shown as `key None`, but of an option of the network, whose default it is, as `None` where it is alone.
    """
    words = []
    for key in shown:
        value, option = getattr(cell, key), key in OPTIONS
        alone = isinstance(value, str) or (len(keys) == 1 and (value is not None or option))
        words.append(_text(value) if alone else f"{key} {_text(value)}")
    return ", ".join(words)


def _selections(study):
    """(where it stands, selection) of every selection of a study's cells."""
    yield from ((f"compare.{role}", selection) for role, selection in study.compare or ())
    if study.landscape:
        yield from ((f"landscape.{role}", getattr(study.landscape, role)) for role in ("rates", "walk"))
    if study.surface:
        yield from ((f"surface.cells[{index}]", selection) for index, selection in enumerate(study.surface.cells))


def in_landscape(study, cell):
    """Whether the landscape of a study that has one is about a cell: of what the rates or the walk select."""
    return any(selects(selection, cell) for selection in (study.landscape.rates, study.landscape.walk))


def measured(study, cell):
    """{observer: settings} of what is measured along the way of a cell: see engine/training/observers.py."""
    landscape, found = study.landscape, study.measure.settings
    if landscape and in_landscape(study, cell):
        found["lags"] = landscape.lags
    if landscape and selects(landscape.walk, cell):
        found["walk"] = {"step_sizes": landscape.step_sizes, "every": landscape.every}
        found["covariate_shift"] = {"every": landscape.every}
    return found


def selected(selection, without=()):
    """The keys and values that a `record.Selection` names, but for the keys `without`."""
    return selection.model_dump(exclude_unset=True, exclude=set(without))


def selects(selection, cell):
    """Whether a cell has all the values that a `record.Selection` names."""
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
    """Hex digest of the whole record, without those options of the network that are at their defaults."""
    unused = OPTIONS - set(changed(cell))
    return hashlib.sha256(cell.model_dump_json(exclude=unused).encode()).hexdigest()


def _marks(field):
    """The `Registered` marks of a field of `Cell`, also of one that may be null."""
    inner = [mark for part in typing.get_args(field.annotation) for mark in getattr(part, "__metadata__", ())]
    return [mark for mark in [*field.metadata, *inner] if isinstance(mark, Registered)]


# An option at its default is not given to the network. So a new one is no change of the cells that leave it out: in the
# digests of record and code, options count where they differ from their defaults, and of all other keys the defaults.
OPTIONS = {key for key, field in Cell.model_fields.items() if "option" in field.json_schema_extra}
DEFAULTS = {key: field.default for key, field in Cell.model_fields.items() if key not in OPTIONS}
RECORD_IN_CODE = (((Cell.__module__, Cell.__name__), repr(DEFAULTS)),)

# What talks to people, takes turns and writes files: it makes no number of a cell, so a change of it trains none again.
NO_NUMBERS = tuple(
    f"workflow_scripts.engine.{module}"
    for module in ("commands", "locks", "configuration.mistakes", "machine.gpus", "runs.reporting")
)

MARKS = {key: found for key, field in Cell.model_fields.items() if (found := _marks(field))}  # once: cells are many


def options(cell):
    """{key: value} of the network's options that differ from their defaults: what `build_model` is to be given."""
    return {key: getattr(cell, key) for key in changed(cell) if key in OPTIONS}


def code_digest(cell, observers=()):
    """Hex digest of the code that training the cell runs: the command's and that of every name in the record.

    `observers` names what is measured along the way.
    """
    names = [("observer", name) for name in observers]
    for key, marks in MARKS.items():
        value = getattr(cell, key)
        for mark in marks:
            if isinstance(mark, Augmentation):
                names += [(mark.kind, name) for name in value.split("+") if name != "none"]
            elif value is not None:
                names.append((mark.kind, value))
    return code.digest("workflow_scripts.train_cell", tuple(names), RECORD_IN_CODE, NO_NUMBERS)


def flags(cell):
    """The flags with which `train_cell` trains this cell, as a list of words."""
    return [word for key, value in shown(cell).items() for word in (f"--{key.replace('_', '-')}", _text(value))]


def shown(cell):
    """{key: value} of what describes a cell: the keys that every name shows, and those that differ from a default."""
    return {key: getattr(cell, key) for key in dict.fromkeys((*FIRST, *changed(cell), *LAST))}


def _part(key, value):
    label = Cell.model_fields[key].json_schema_extra["label"]
    return label + re.sub(r"[^A-Za-z0-9._+-]", "_", _text(value))


def _text(value):
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
