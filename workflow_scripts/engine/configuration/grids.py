"""From a study to its cells: the products of its grids, the levels of its ablations, what is measured of which cell."""

import itertools
import math

from workflow_scripts.engine import code
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import search
from workflow_scripts.engine.configuration.cells import OPTIONS, ROW, cell_name, text
from workflow_scripts.engine.configuration.record import Cell, Grid

MOST_CELLS = 100_000  # of a study
NETWORK = ("model", "block", *OPTIONS)  # the keys of a cell that define its network
# what no two cells of a protocol of the landscape have in common, since a range over them would mean nothing
TOLD_APART_BY = {"rates": ("network", "lr", "seed"), "walk": ("network", "seed")}


def expand(name, study):
    """{cell name: Cell} of the `studies.Study` called `name`, in the order of its grids, those of ablations last.

    After these come all cells that a search might train.

    Raises UserError if two cells would share a name, if no level of a factor differs from the base, if a selection of
    the study selects no cell, if its landscape has cells that are alike, if the best of cells on several data sets is
    to be chosen, or if there are more cells than Snakemake can plan.
    """
    cells = {}
    ablated = [grid for grids in study.ablations.values() for grid in grids or []]
    grids = [*study.grids, *([Grid(), *ablated] if ablated else [])]
    count = sum(math.prod(map(len, values_of(study, grid).values())) for grid in grids)
    if count > MOST_CELLS:
        raise UserError(f"studies.{name}: expected at most {MOST_CELLS:,} cells, found {count:,}: a grid is a product")
    for factor, levels in study.ablations.items():
        if levels is not None and not _differs(study, levels):
            raise UserError(
                f"studies.{name}.ablations.{factor}: no level differs from the base; null leaves a factor out"
            )
    searched = candidates(study).cells() if study.search else []
    for cell in itertools.chain(*(points(study, grid) for grid in grids), searched):
        other = cells.setdefault(cell_name(cell), cell)
        if other != cell:
            raise UserError(f"studies.{name}: two different cells would both be called {cell_name(cell)!r}")
    datasets = dict.fromkeys(cell.dataset for cell in cells.values())
    if study.test == "chosen" and not study.search and len(datasets) > 1:
        raise UserError(
            f"studies.{name}.test: expected `every`, as accuracies on several data sets cannot be compared: "
            f"{', '.join(datasets)}"
        )
    for path, selection in _selections(study):
        if not any(selects(selection, cell) for cell in cells.values()):
            wanted = ", ".join(f"{key}={text(value)}" for key, value in selected(selection).items())
            raise UserError(f"studies.{name}.{path}: no cell of the study has {wanted}")
    if study.landscape:
        _check_landscape(name, study, cells)
    return cells


def _check_landscape(name, study, cells):
    for protocol in TOLD_APART_BY:
        facts = {
            one: {"network": tuple(getattr(cell, key) for key in NETWORK), "lr": cell.lr, "seed": cell.seed}
            for one, cell in cells.items()
            if selects(getattr(study.landscape, protocol), cell)
        }
        check_protocol(f"studies.{name}.landscape.{protocol}", facts)


def check_protocol(path, cells):
    """Raise UserError if two cells that the selection at `path`, of a protocol of the landscape, selects are alike.

    `cells` is {cell name: {"network": ..., "lr": ..., "seed": ...}}; a network is any value that only it has.
    """
    keys, known = TOLD_APART_BY[path.rpartition(".")[2]], {}
    for name, cell in cells.items():
        first = known.setdefault(tuple(cell[key] for key in keys), name)
        if first != name:
            raise UserError(
                f"{path}: expected one cell for each of {', '.join(keys)}, found alike: {first}, {name}; "
                "give the selection more keys"
            )


def points(study, grid):
    """The cells of one grid of a study, whose `base` supplies what the grid leaves out."""
    values = values_of(study, grid)
    return [Cell(**dict(zip(values, point, strict=True))) for point in itertools.product(*values.values())]


def values_of(study, grid):
    """{key: its values} for the keys that a grid of a study, or else the study's base, names."""
    return {key: values for key in Cell.model_fields if (values := getattr(grid, key) or getattr(study.base, key))}


def candidates(study):
    """The `search.Candidates` of a study with a search."""
    return search.candidates(study.search, *points(study, Grid()))


def ablations(study):
    """{factor: {cell name: level}} of a study's ablations; the cells of the base come first in each.

    The level is a cell's label within its factor: the values in which it differs from the base, worded by `_level`.
    The base's own level is its values of the first grid's keys.
    """
    base, factors = points(study, Grid()) if any(study.ablations.values()) else [], {}
    for factor, grids in study.ablations.items():
        keys = varied(grids)
        first = [key for key in keys if getattr(grids[0], key)]
        levels = {cell_name(cell): _level(cell, first, keys) for cell in base}
        for cell in itertools.chain.from_iterable(points(study, grid) for grid in grids or []):
            others = [key for key in keys if getattr(cell, key) != getattr(base[0], key)]
            levels.setdefault(cell_name(cell), _level(cell, others, keys))
        if keys:
            factors[factor] = levels
    return factors


def varied(grids):
    """The keys that the grids of a factor name; none if it is null."""
    return [key for key in ROW if any(getattr(grid, key) for grid in grids or [])]


def _differs(study, grids):
    """Whether any level in the grids of a factor differs from the study's base."""
    base = {key: study.values(key, Grid())[0] for key in varied(grids)}
    return any(value != base[key] for grid in grids for key in base for value in getattr(grid, key))


def _level(cell, shown, keys):
    """The values of the keys `shown` of a cell; a number has its key's name before it if there are several `keys`.

    So has a word that would be taken for a block. None is shown as `key None`; that of an option of the network, whose
    default it is, as `None` if it is the only key.
    """
    words, blocks = [], code.registered("block")
    for key in shown:
        value = getattr(cell, key)
        if isinstance(value, str):
            alone = key == "block" or value not in blocks
        else:
            alone = len(keys) == 1 and (value is not None or key in OPTIONS)
        words.append(text(value) if alone else f"{key} {text(value)}")
    return ", ".join(words)


def _selections(study):
    """(its path, selection) of every selection of a study's cells."""
    yield from ((f"compare.{role}", selection) for role, selection in study.compare or ())
    if study.landscape:
        yield from ((f"landscape.{role}", getattr(study.landscape, role)) for role in ("rates", "walk"))
    if study.surface:
        yield from ((f"surface.cells[{index}]", selection) for index, selection in enumerate(study.surface.cells))


def in_landscape(study, cell):
    """Whether the landscape of a study that has one covers a cell: whether its rates or its walk select it."""
    return any(selects(selection, cell) for selection in (study.landscape.rates, study.landscape.walk))


def measured(study, cell):
    """{observer: settings} of what is measured while a cell trains: see `training/observers.py`."""
    landscape, found = study.landscape, study.measure.settings
    if landscape and in_landscape(study, cell):
        found["lags"] = landscape.lags
    if landscape and selects(landscape.walk, cell):
        found["walk"] = {"step_sizes": landscape.step_sizes, "every": landscape.every}
        found["covariate_shift"] = {"every": landscape.every}
    return found


def selected(selection, without=()):
    """The keys and values that a `record.Selection` names, except the keys `without`."""
    return selection.model_dump(exclude_unset=True, exclude=set(without))


def selects(selection, cell, without=()):
    """Whether a cell has all the values that a `record.Selection` names, except for the keys `without`."""
    return all(getattr(cell, key) == value for key, value in selected(selection, without).items())
