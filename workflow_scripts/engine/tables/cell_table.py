"""All cells of a study in one table for people to read: what each was trained with, and the outcome."""

from functools import partial

import pandas as pd

from workflow_scripts.engine.tables.labels import format_value, heading
from workflow_scripts.engine.tables.summary import varying


def formatted(cells):
    """The rows of a summary's `cells` for people to read, each value a string; of the record, only what differs."""
    keys = [key for key in varying(cells) if key != "epochs"]  # the epochs that were run are shown instead
    shown = ("model", "block", *keys, "lr", "seed")
    columns = {heading(key).capitalize(): cells[key].map(partial(format_value, key)) for key in shown}
    columns["Epochs"] = cells["epochs_run"].map(str)
    columns["Status"] = cells["status"]
    for metric, name in (("best_val_acc", "Val. acc. (%)"), ("test_acc", "Test acc. (%)")):
        columns[name] = [f"{100 * value:.2f}" if pd.notna(value) else "–" for value in cells[metric]]
    columns["Seconds"] = cells["seconds"].map("{:.1f}".format)
    return pd.DataFrame(columns)
