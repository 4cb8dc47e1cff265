"""What was measured during the training of a study's cells (see observers.py), gathered into tidy tables.

landscape_steps.csv has a row per cell and step, lags.csv per cell, step and lag, walks.csv per cell, probed step and
step size, shifts.csv per cell, probed step and layer. Six digits are kept. Where lags.csv would have more than
`MOST_ROWS` rows (about 50 MB), it and landscape_steps.csv keep every n-th step of every cell, from step 0, with the
smallest sufficient n: the steps in the tables show it.
"""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.landscape.names import TABLES
from workflow_scripts.engine.runs.manifests import how_to_make_again

MOST_ROWS = 500_000

# {column of the table: array in steps.npz}
STEPS = {"train_loss": "train_loss", "gradient_norm": "gradient_norm", "last_gradient_norm": "last_gradient_norm"}
LAGS = {"gradient_distance": "gradient_distance", "weight_distance": "weight_distance"}
WALKS_HERE = {"loss_here": "walk_loss_here", "gradient_norm": "walk_gradient_norm"}
WALKS = {"loss": "walk_loss", "gradient_distance": "walk_gradient_distance", "beta": "walk_beta"}
SHIFTS = {"l2": "shift_l2", "cosine": "shift_cosine"}

COLUMNS = (
    ("cell", "step", *STEPS),
    ("cell", "step", "lag", *LAGS),
    ("cell", "step", "step_size", *WALKS_HERE, *WALKS),
    ("cell", "step", "layer", "depth", *SHIFTS),
)
FILES = dict(zip(TABLES, COLUMNS, strict=True))


def gather(folders, out):
    """Write the four tables of the cells in `folders` to the folder `out`.

    Raises UserError where a cell has no steps.npz, or its steps.npz lacks what the observer `lags` records.
    """
    arrays = {folder.name: _arrays(folder / "steps.npz") for folder in folders}
    every = _every(arrays.values())
    tables = {name: [] for name in FILES}
    for cell, found in arrays.items():
        parts = _steps(found, every), _lags(found, every), _walks(found), _shifts(found)
        for table, part in zip(tables.values(), parts, strict=True):
            if not part.empty:
                table.append(part.assign(cell=cell))
    for (name, columns), parts in zip(FILES.items(), tables.values(), strict=True):
        table = pd.concat(parts) if parts else pd.DataFrame(columns=columns)
        whole_files.write_table(Path(out) / name, table, columns=list(columns), float_format="%.6g")


def _arrays(path):
    try:
        with np.load(path) as file:
            found = dict(file)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; {how_to_make_again(path.parent)}") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged ({error}); {how_to_make_again(path.parent)}") from None
    missing = [name for name in ("lags", *STEPS.values(), *LAGS.values()) if name not in found]
    if missing:
        raise UserError(
            f"{path}: expected the arrays {', '.join(missing)}, found none; "
            "the cell was trained without --measure: give the study a `landscape` section that selects it"
        )
    return found


def _every(cells):
    """The smallest n such that every n-th step of all cells fits into `MOST_ROWS` rows of lags.csv."""
    return max(1, -(-sum(found["gradient_distance"].size for found in cells) // MOST_ROWS))


def _steps(found, every):
    steps = np.arange(len(found["train_loss"]))[::every]
    return pd.DataFrame({"step": steps, **{name: found[array][steps] for name, array in STEPS.items()}})


def _lags(found, every):
    steps = np.arange(len(found["train_loss"]))[::every]
    axes = [("step", steps), ("lag", found["lags"])]
    table = _long(axes, {name: found[array].T[steps] for name, array in LAGS.items()})
    return table[table["step"] >= table["lag"]]  # earlier steps have none to compare with


def _walks(found):
    if "walk_steps" not in found:
        return pd.DataFrame()
    shape = found["walk_loss"].shape
    here = {name: np.broadcast_to(found[array][:, None], shape) for name, array in WALKS_HERE.items()}
    axes = [("step", found["walk_steps"]), ("step_size", found["step_sizes"])]
    return _long(axes, {**here, **{name: found[array] for name, array in WALKS.items()}})


def _shifts(found):
    if "shift_steps" not in found:
        return pd.DataFrame()
    layers = found["shift_layers"]
    table = _long(
        [("step", found["shift_steps"]), ("layer", layers)], {name: found[array] for name, array in SHIFTS.items()}
    )
    return table.assign(depth=np.tile(np.arange(len(layers)), len(found["shift_steps"])))


def _long(axes, values):
    """A row per point of the grid of two named `axes`; `values` are arrays (points of the first, of the second)."""
    (first, rows), (second, columns) = axes
    return pd.DataFrame(
        {
            first: np.repeat(rows, len(columns)),
            second: np.tile(columns, len(rows)),
            **{name: array.ravel() for name, array in values.items()},
        }
    )
