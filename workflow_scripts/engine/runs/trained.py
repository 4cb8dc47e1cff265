"""A finished cell, ready to be evaluated: the network of its record with the weights in its folder."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.config import parse
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.runs import cell_files
from workflow_scripts.engine.runs.manifests import how_to_make_again
from workflow_scripts.engine.training.trainer import Training


def load(folder, data, device, diverged=False):
    """The `trainer.Training` of the finished cell in `folder`, with its best weights, in evaluation mode.

    `device` is a `torch.device` or its name. With `diverged`, also of a cell that diverged: the best weights before it
    did. Raises UserError if files of the cell are missing or damaged, if it diverged, or if it was trained on other
    data.
    """
    folder, device = Path(folder), torch.device(device)
    (facts,) = cell_files.read(folder, "cell.json")
    with cell_files.understood(folder):
        status, record = facts["status"], facts["record"]
        title, images = facts["dataset"]["title"], facts["dataset"]["sha256"]
    try:
        weights = load_file(folder / "model.safetensors")
    except FileNotFoundError:
        raise UserError(f"{folder}: expected the weights of a cell, found no model.safetensors") from None
    except SafetensorError as error:
        raise UserError(f"{folder}/model.safetensors is damaged ({error}); {how_to_make_again(folder)}") from None
    if status != "finished" and not diverged:
        raise UserError(f"{folder}: expected a cell that finished, found one that {status}")
    if images != data.sha256:
        raise UserError(f"--data: {folder} was trained on {title} with other images; give the file it was given")
    training = Training(parse(Cell, record, folder / "cell.json"), data, device)
    try:
        training.model.load_state_dict(weights)
    except RuntimeError:
        raise UserError(
            f"{folder}: model.safetensors does not fit the network of cell.json; {how_to_make_again(folder)}"
        ) from None
    training.best = weights
    training.model.eval()
    return training
