"""Results of the study of Beras changed one way or another, and what its report has to say of them then."""

import json
import shutil

import pandas as pd


def rewritten(results, folder, **changes):
    """A copy of the study's tables in which each function of `changes` has been at the table or file of its name."""
    parts = ("summary", "figures", "initializers.csv", "check.json")
    for part in parts:
        copy = shutil.copytree if (results / part).is_dir() else shutil.copy
        copy(results / part, folder / part)
    places = {"runs": "summary/runs.csv", "dataset": "summary/dataset.json", "check": "check.json"}
    places["predictions"] = "figures/predictions.csv"
    for name, change in changes.items():
        path = folder / places[name]
        if path.suffix == ".csv":
            change(pd.read_csv(path)).to_csv(path, index=False)
        else:
            path.write_text(json.dumps(change(json.loads(path.read_text()))))
    return folder


def accurate(**accuracies):
    """A change of the runs: these test accuracies by variant, about 0.01 apart between the two seeds."""

    def change(table):
        for place, (variant, accuracy) in enumerate(accuracies.items()):
            rows = table["variant"] == variant.replace("__", "-")
            table.loc[rows, "test_acc"] = accuracy + (0.01 + 0.0001 * place) * table.loc[rows, "seed"]
        return table

    return change


def on_mnist(meta):
    return {**meta, "source": "mnist", "title": "MNIST", "embedded": False}


def far_apart(found):
    found["models"]["simple"]["weights"][0]["gradient"] = 1e-3
    return found


def the_same(shift):
    """Extras all alike but for dropout, which is `shift` above the network without."""
    extras = {f"extra__{name}": 0.5 for name in ("l1", "l2", "cosine", "batch_norm", "skip")}
    return accurate(optimizer__adam=0.5, extra__dropout=0.5 + shift, **extras)


SENTENCES = {
    # scenario: (changes, what must be said, what must not)
    "demonstration": (
        {},
        ["Demonstration run", r"\citep{kaynak1998,pedregosa2011}", "2 epochs, 2 seeds", "This is rounding"],
        ["The brief asks for", "more than rounding"],
    ),
    "MNIST, both bars met": (
        {"dataset": on_mnist, "runs": accurate(simple=0.9, advanced=0.98)},
        ["The brief asks for", "both are met", r"\citep{lecun1998}", "points higher than that of the simple model"],
        ["Demonstration run", "neither is met"],
    ),
    "MNIST, a bar missed": (
        {"dataset": on_mnist, "runs": accurate(simple=0.8, advanced=0.96)},
        ["the second is met, the first is not"],
        ["both are met"],
    ),
    "the simple model is better": (
        {"runs": accurate(simple=0.9, advanced=0.6)},
        ["points lower than that of the simple model"],
        ["points higher than that of the simple model"],
    ),
    "an extra helps": (
        {"runs": the_same(0.2)},
        ["It is higher than without an extra with dropout.", "not to be told from it with L1 penalty, L2 penalty"],
        ["lower than without an extra"],
    ),
    "an extra harms": ({"runs": the_same(-0.2)}, ["It is lower than without an extra with dropout."], ["It is higher"]),
    "no extra matters": ({"runs": the_same(0)}, ["not to be told from it with dropout"], ["It is "]),
    "one seed": (
        {"runs": lambda table: the_same(-0.2)(table)[lambda table: table["seed"] == 0]},
        ["the spread between repetitions is unknown", "With dropout it ended 20.0 points below that of the network"],
        [r"\,$\pm$\,", "standard errors", "It is lower"],
    ),
    "a tie of one seed": (
        {"runs": lambda table: the_same(0)(table)[lambda table: table["seed"] == 0]},
        ["With dropout it ended level with that of the network without"],
        ["ended 0.0 points"],
    ),
    "no extras": (
        {"runs": lambda table: table[~table["variant"].str.startswith("extra")]},
        ["This run added none"],
        [r"\gradfigure{ablation}", "tab:extras"],
    ),
    "PyTorch disagrees": ({"check": far_apart}, ["This is more than rounding"], ["This is rounding"]),
    "no mistake": (
        {"predictions": lambda table: table.assign(predicted=table["label"])},
        ["it makes no mistake"],
        ["some that it gets wrong"],
    ),
}
