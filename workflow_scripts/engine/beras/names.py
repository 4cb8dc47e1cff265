"""Names of variants (`simple`, `optimizer-adam`, `extra-dropout`), runs and files; dry-runs use it: no NumPy."""

from workflow_scripts.engine import code

KINDS = {"": "beras_model", "optimizer": "beras_optimizer", "extra": "beras_extra"}  # prefix: what is registered
RUN = ("run.json", "history.csv", "steps.npz", "predictions.npz", "weights.npz")  # files of a run
SUMMARY = ("runs.csv", "history.csv", "losses.csv", "dataset.json")  # files of the summary of all runs
BASELINE = "optimizer-adam"  # what the other optimisers and every extra are compared with

LABELS = {  # for people to read; a variant that somebody adds goes by its name
    "simple": "simple",
    "simple_mean": "simple, mean loss",
    "advanced": "advanced",
    "optimizer-basic": "gradient descent",
    "optimizer-rmsprop": "RMSProp",
    "optimizer-adam": "Adam",
    "optimizer-amsgrad": "AMSGrad",
    "extra-dropout": "dropout",
    "extra-l1": "L1 penalty",
    "extra-l2": "L2 penalty",
    "extra-cosine": "cosine schedule",
    "extra-batch_norm": "batch norm",
    "extra-skip": "skip connection",
}


def label(variant):
    """What a variant is called in tables and figures."""
    return LABELS.get(variant, split(variant)[1].replace("_", " "))


def known():
    """All variants that can be trained."""
    return [_join(prefix, name) for prefix, kind in KINDS.items() for name in code.registered(kind)]


def chosen(settings):
    """The variants that a `config.Beras` asks for: all models, the baseline, and its optimisers and extras."""
    compared = [("optimizer", name) for name in settings.optimizers] + [("extra", name) for name in settings.extras]
    return list(
        dict.fromkeys([*code.registered("beras_model"), BASELINE, *(_join(prefix, name) for prefix, name in compared)])
    )


def split(variant):
    """(kind, name) under which a variant is registered.

    >>> split("extra-dropout"), split("simple")
    (('beras_extra', 'dropout'), ('beras_model', 'simple'))
    """
    prefix, _, name = variant.rpartition("-")
    return KINDS.get(prefix, KINDS[""]), name


def runs(settings):
    """{name of the run: (variant, seed)} of a `config.Beras`."""
    return {f"{variant}-seed{seed}": (variant, seed) for variant in chosen(settings) for seed in settings.seeds}


def _join(prefix, name):
    return f"{prefix}-{name}" if prefix else name
