"""The framework's plots of the gradient flow, one per epoch, drawn from what a cell recorded.

<name>/saved_models/gradient_flow_plots/epoch<n>.pdf
"""

import pandas as pd

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.figures import grad_flow, style

COLUMNS = ["epoch", "layer", "depth", "last_batch_mean_abs"]


def export(cell, out):
    """Draw the plots of the cell in the folder `cell` into the experiment folder `out`.

    As in the framework, an epoch's plot shows its last batch. Raises UserError where gradients.csv is damaged.
    """
    path = cell / "gradients.csv"
    try:
        table = pd.read_csv(path, usecols=COLUMNS)
    except ValueError as error:
        raise UserError(f"{path}: expected the columns {', '.join(COLUMNS)}, found a damaged file ({error})") from None
    for epoch, rows in table.sort_values("depth").groupby("epoch"):
        figure = grad_flow.draw_flow(list(rows["layer"]), rows["last_batch_mean_abs"].to_numpy(), f"epoch {epoch}")
        plot = out / f"saved_models/gradient_flow_plots/epoch{epoch}.pdf"
        with whole_files.written(plot) as temporary, style.look():
            figure.savefig(temporary, metadata=style.UNDATED[".pdf"])
