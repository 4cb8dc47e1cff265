"""The table of all variants, for a terminal: parameters, accuracies and time, means over the seeds."""

import pandas as pd

from workflow_scripts.engine.text import text_tables, wording

HEADINGS = {"": "Models", "optimizer": "Optimisers", "extra": "Adam and an extra"}  # by the variant's prefix


def formatted(rows):
    """The rows of `summary.over_seeds` for people to read, each value a string; the index is the model."""
    decimals = wording.decimals(rows["test_images"].iloc[0])
    columns = {
        "Parameters": rows["parameters"].map("{:,}".format),
        "LR": rows["learning_rate"].map("{:g}".format),
        "Train acc. (%)": text_tables.measures(rows, "train_acc", 100, decimals),
        "Test acc. (%)": text_tables.measures(rows, "test_acc", 100, decimals),
        "Seconds": text_tables.measures(rows, "seconds", digits=1),
    }
    return pd.DataFrame({name: list(values) for name, values in columns.items()}, index=list(rows["label"]))


def lines(rows):
    """The lines of the table for a terminal, with a heading above each kind of variant."""
    header, *body = formatted(rows).to_string().splitlines()
    found, previous = [header, "-" * len(header)], None
    for variant, line in zip(rows["variant"], body, strict=True):
        heading = HEADINGS[variant.rpartition("-")[0]]
        found += [line] if heading == previous else [f"{heading}:", line]
        previous = heading
    return found


def note(rows, title):
    """What stands below the table; `title` is the data set's."""
    over = wording.spread([max(map(len, rows["finished"]))], before="; ")
    return f"{title}, after {wording.counted(rows['epochs'].iloc[0], 'epoch')}, on one thread{over}"
