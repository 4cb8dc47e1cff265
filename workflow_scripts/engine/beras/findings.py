"""What the study of Beras shows, as facts that its report turns into sentences; numbers remain numbers here."""

import math
from types import SimpleNamespace

from workflow_scripts.engine.beras import names, summary
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.reports.evidence import Measure, compare, compared
from workflow_scripts.engine.tables import reading, statistics
from workflow_scripts.engine.text.latex import Tex
from workflow_scripts.engine.text.wording import decimals

MODELS = ("simple", "simple_mean", "advanced")  # what the report's sentences are about
ROUNDING = 1e-10  # relative differences above this are more than rounding in double precision


def context(results):
    """The facts under the names the template uses, from the study's folder. Raises UserError if runs are missing."""
    study = summary.load(results / "summary")
    rows = {row.variant: row for row in _rows(study)}
    missing = [variant for variant in (*MODELS, names.BASELINE) if variant not in rows]
    if missing:
        raise UserError(f"{results / 'summary'}: expected runs of {', '.join(missing)}, found none")
    initializers = list(_initializers(reading.table(results / "initializers.csv", "probe_initializers")))
    baseline, check = rows[names.BASELINE], reading.facts(results / "check.json", "check_beras")
    optimizers, extras = (
        [rows[variant] for variant in summary.variants_of(study.runs, kind)]
        for kind in ("beras_optimizer", "beras_extra")
    )
    return {
        "data": SimpleNamespace(**study.dataset),
        "plan": baseline,
        "seeds": len(baseline.finished),
        "enough": statistics.ENOUGH,
        "decimals": decimals(baseline.test_images),
        "in_percent": lambda measure: Measure(100 * measure.mean, 100 * measure.std),
        "compare": compare,
        **{variant: rows[variant] for variant in MODELS},
        "baseline": baseline,
        "optimizers": optimizers,
        "race": _race(optimizers, study.losses),
        "extras": _beside(extras, baseline, "test_acc"),
        "initializers": initializers,
        "steadiest": _steadiest(initializers),
        "silent": [item.name for item in initializers if item.measured is None],
        "pictures": _pictures(reading.table(results / "figures/predictions.csv", "plot_beras")),
        "check": SimpleNamespace(**check, **_worst(check["models"])),
        "walk": [_step(step) for step in check["models"]["advanced"]["shapes"]],
    }


def _rows(study):
    """The rows of `over_seeds`, with metrics as `Measure`s."""
    for record in summary.over_seeds(study.runs).to_dict("records"):
        row = SimpleNamespace(**record)
        for metric in summary.METRICS:
            setattr(row, metric, Measure(record[metric], record[f"{metric}_std"]))
        row.facts = record
        row.by_seed = summary.by_seed(study.runs, row.finished)
        yield row


def _beside(rows, reference, metric):
    """Each row with the result of comparing it with a reference, all as one family of tests."""
    pairs = [(row, reference) for row in rows]
    return [SimpleNamespace(row=row, result=result) for row, _, result in compared(pairs, metric)]


def _race(optimizers, losses):
    """Where the curves of training loss end: `window` (the first and last step of the last stretch), the rows of the
    optimisers that `converged`, with `end_loss`, the row with the `lowest`, and the labels of those that are `higher`
    than that or `alike`, and of those that `diverged`."""
    ends = summary.end_losses(losses).set_index("run")
    for row in optimizers:
        found = ends.loc[row.finished].set_index("seed")["train_loss"]
        row.end_loss = Measure(found.mean(skipna=False), found.std(skipna=False))
        row.by_seed["end_loss"] = found.to_dict()
    converged = [row for row in optimizers if math.isfinite(row.end_loss.mean + row.train_loss.mean)]
    lowest = min(converged, key=lambda row: row.end_loss.mean, default=None)
    others = _beside([row for row in converged if row is not lowest], lowest, "end_loss")
    return SimpleNamespace(
        window=tuple(map(int, ends.loc[optimizers[0].finished[0], ["first", "last"]])),
        converged=converged,
        lowest=lowest,
        higher=[other.row.label for other in others if other.result.verdict == "higher"],
        alike=[other.row.label for other in others if other.result.verdict == "alike"],
        diverged=[row.label for row in optimizers if row not in converged],
    )


def _initializers(table):
    """For each initialiser: the variance in the `first` and the `last` layer (means over the seeds), and its growth
    factor per layer, measured and predicted; None where there is no variance to grow."""
    for name, lines in table.groupby("initializer", sort=False):
        means = lines.groupby("depth")[["variance", "predicted"]].mean()
        depth, variance, predicted = int(means.index[-1]), means["variance"], means["predicted"]
        first, last = float(variance.iloc[0]), float(variance.iloc[-1])
        yield SimpleNamespace(
            name=name,
            depth=depth,
            first=first,
            last=last,
            measured=(last / first) ** (1 / (depth - 1)) if first else None,
            predicted=float(predicted.iloc[1] / first) if first else None,
        )


def _steadiest(initializers):
    """The `name` and the growth factor per layer of the initialiser whose factor is closest to 1, and the largest
    relative difference `off` of any initialiser's factor from what is predicted; None where no signal arrives."""
    lasting = [item for item in initializers if item.measured and math.isfinite(item.measured)]
    if not lasting:
        return None
    best = min(lasting, key=lambda item: abs(math.log(item.measured)))
    off = max(abs(item.measured / item.predicted - 1) for item in lasting)
    return SimpleNamespace(name=best.name, measured=best.measured, off=off)


def _pictures(table):
    right = int((table["label"] == table["predicted"]).sum())
    return SimpleNamespace(right=right, wrong=len(table) - right)


def _worst(models):
    """The largest relative differences over all models and weights, and whether all are rounding."""
    weights = [weight for model in models.values() for weight in model["weights"]]
    return {
        "worst_loss": max(model["loss"] for model in models.values()),
        "worst_gradient": max(weight["gradient"] for weight in weights),
        "agrees": all(max(weight["gradient"], weight["weight"]) < ROUNDING for weight in weights),
    }


def _step(step):
    """One row of the table of shapes, as LaTeX."""
    return SimpleNamespace(
        layer=step["layer"],
        J=_shape(step["J"]),
        jacobian=_shape(step["jacobian"]),
        grads=Tex(", ".join(map(_shape, step["grads"])) or "--"),
    )


def _shape(shape):
    return Tex("$" + r"{\times}".join(map(str, shape)) + "$" if shape else "--")
