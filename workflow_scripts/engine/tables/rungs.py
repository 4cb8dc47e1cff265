"""Which candidates of a search go on from a rung of successive halving."""

import json

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.runs import cell_files


def survivors(folders, keep):
    """What `select_rung` writes about the cells in `folders`: their order by validation accuracy, and which are kept.

    {"kept": [name], "ranked": [{"cell", "status", "val_acc", "val_loss"}]}, from the epoch with the best validation
    accuracy, whose weights were saved, or else from the last. Among equals the lower loss comes first or, where the
    cells minimise several kinds of loss, which cannot be compared, the one given first. A diverged cell is never kept.
    Raises UserError where all diverged.
    """
    losses, outcomes = zip(*map(_outcome, folders), strict=True)
    comparable = len(set(losses)) == 1
    ranked = sorted(outcomes, key=lambda cell: (*_rank(cell), cell["val_loss"] if comparable else 0))
    best = [cell["cell"] for cell in ranked if cell["status"] == "finished"][:keep]
    if not best:
        raise UserError(f"all {len(ranked)} cells of this rung diverged: search smaller learning rates")
    return {"kept": best, "ranked": ranked}


def kept(paths):
    """The names of the cells that went on, from each of these files with what `survivors` returned: a list of sets."""
    return [set(json.loads(path.read_text())["kept"]) for path in paths]


def _outcome(folder):
    """(the kind of loss that a cell minimises, what is told of it)."""
    facts, test, history = cell_files.read(folder, "cell.json", "test.json", "history.csv")
    with cell_files.understood(folder):
        epoch = cell_files.best_epoch(test, history) or history[-1]
        measured = {key: float(epoch[key]) for key in ("val_acc", "val_loss")}
        return facts["record"]["loss"], {"cell": folder.name, "status": facts["status"], **measured}


def _rank(cell):
    return cell["status"] != "finished", -cell["val_acc"]
