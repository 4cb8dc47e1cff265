"""The labels of a figure or table in the HTML report: the model, block and learning rate of the cells it is about."""

import json

LABELS = {"model": "model", "block": "block", "rate": "lr"}  # label: key of a cell's record


def labels(study, names, results):
    """{label: value} for the cells `names` of a study {name: Cell}; "all" stands for all of several values.

    "best" and "chosen" are names, too: of the cell that turned out to be so, according to the study's folder `results`.
    """
    everything = {name: cell.model_dump() for name, cell in study.items()}
    records = [OUTCOMES[name](results) if name in OUTCOMES else everything[name] for name in names]
    found = {}
    for label, key in LABELS.items():
        values, known = (dict.fromkeys(f"{record[key]}" for record in some) for some in (records, everything.values()))
        found[label] = "all" if len(values) > 1 and values.keys() == known.keys() else ", ".join(values)
    return found


def words(factor):
    """The readable name of a factor, as tables and figures have it."""
    from workflow_scripts.engine.tables.labels import readable  # here because it imports pandas

    return readable(factor)


def best_record(results):
    """The record of the best network of a study, once the summary is made."""
    from workflow_scripts.engine.tables import summary  # here because it imports pandas, which most figures do not need

    return summary.best(summary.over_seeds(summary.load(f"{results}/summary").cells))


def chosen_record(results):
    """The record of the network that a study chose, once it has done so."""
    with open(f"{results}/chosen.json") as file:
        return json.load(file)["record"]


OUTCOMES = {"best": best_record, "chosen": chosen_record}
