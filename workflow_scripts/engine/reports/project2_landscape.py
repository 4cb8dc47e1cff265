"""What the study `bn_landscape` shows, as facts that the template of Project 2's report turns into sentences.

They are about the runs of the study only (see `landscape/findings.py`).
"""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd

from workflow_scripts.engine.configuration import grids
from workflow_scripts.engine.landscape import findings as landscape_findings
from workflow_scripts.engine.landscape import runs as landscape_runs
from workflow_scripts.engine.landscape.protocols import ENOUGH
from workflow_scripts.engine.reports import evidence, network_shapes
from workflow_scripts.engine.reports.evidence import Measure
from workflow_scripts.engine.tables import protocol, reading, statistics, summary
from workflow_scripts.engine.text.latex import Tex
from workflow_scripts.engine.text.wording import decimals

UNLIKE = 0.1  # the difference in accuracy above which two runs do not count as equally trained


def facts(folder, study):
    """The facts of `landscape/findings.py`, and their context: data, training, the runs of all rates, surfaces."""
    found = summary.load(folder / "summary")
    trained, walked = (landscape_runs.rows_of(found.cells, study, name) for name in landscape_runs.PROTOCOLS)
    landscape = landscape_runs.load(folder / "summary", study)
    runs = _runs(trained, landscape.networks, found.history)
    labels = landscape.networks["label"]
    found_there = landscape_findings.context(landscape)
    data = evidence.data_of(found)
    best = {"rates": _best(runs, labels), "walk": _best(_runs(walked, landscape.networks, found.history), labels)}
    guess = statistics.guess(data.largest_class, data.num_classes)
    first, *others = (network.label for network in (found_there["first"], *found_there["others"]))
    untold = {
        name: {other: _untold(found_there, name, those, [first, other]) for other in others}
        for name, those in best.items()
    }
    return SimpleNamespace(
        **{**found_there, "verdicts": _told(found_there)},
        controlled=_controlled(landscape.networks),
        shifted={other: _shifted(found_there, other) for other in others},
        data=data,
        words=protocol.words(trained),
        walk_words=protocol.words(walked),
        options=evidence.options(pd.concat([trained, walked]).drop_duplicates("cell")),
        added=bool((walked[["l1", "l2", "supervision"]] > 0).any(axis=None)),  # to the loss that is walked along
        seeds=int(found.cells["seed"].nunique()),
        every=study.landscape.every,
        runs=runs,
        best=best["rates"],
        full={label: network_shapes.full_size(run) for label, run in best["rates"].items()},
        walked=best["walk"],
        enough=ENOUGH,
        far=UNLIKE,
        guess=guess,
        limit=statistics.chance(guess, data.val_images),
        decimals=decimals(data.val_images),
        untold=untold,
        few={
            quantity: any(
                untold[name][other] or _few(found_there["protocols"][name][quantity].compared[other])
                for name in untold
                for other in others
            )
            for quantity in landscape_runs.QUANTITIES
        },
        unlike={name: {other: _unlike(those, first, other, guess) for other in others} for name, those in best.items()},
        surface=surface(folder / "figures", found, study.surface),
    )


def _runs(cells, networks, history):
    """The rows of `over_seeds`; `val` is the best validation accuracy as a `Measure`, `end` that of the last epoch, and
    `train` the training accuracy of the last; `images` are those that each of the three is measured on.

    `label` is that of their network in `landscape_runs.Landscape`: networks of one name may differ in an option. `peak`
    is after how many epochs validation accuracy is `val`; None where there are several seeds or `val` is not above
    `end`.
    """
    labels = {_network(network): network["label"] for network in networks.to_dict("records")}
    curves = dict(list(history.groupby("cell")))
    trained_on = cells.set_index("cell")["train_images"]
    runs = []
    for row in summary.over_seeds(cells).to_dict("records"):
        metrics = {"val": "best_val_acc", "end": "val_acc", "train": "train_acc"}
        val, end, train = (Measure(row[metric], row[f"{metric}_std"]) for metric in metrics.values())
        images = {"val": row["val_images"], "end": row["val_images"], "train": trained_on[row["cells"][0]]}
        peak = None
        if len(row["finished"]) == 1 and val.mean > end.mean:
            (curve,) = (curves[name] for name in row["finished"])
            peak = int(curve.loc[curve["val_acc"].idxmax(), "epoch"]) + 1
        measured = {"val": val, "end": end, "train": train, "images": images, "peak": peak}
        runs.append(SimpleNamespace(**{**row, "label": labels[_network(row)]}, **measured))
    return runs


def _network(record):
    """The values that define a record's network; pandas may have turned None into NaN, which equals nothing."""
    return tuple(None if pd.isna(record[key]) else record[key] for key in landscape_runs.NETWORK)


def _best(runs, labels):
    """{label: the run with the highest validation accuracy}, for the labels of which a run finished."""
    return {
        label: max(group, key=lambda run: np.nan_to_num(run.val.mean, nan=-1.0))
        for label in labels
        if (group := [run for run in runs if run.label == label and run.finished])
    }


def _controlled(networks):
    """The labels of the networks that differ from the first in the block alone: only these show what BN does."""
    first, *others = networks.to_dict("records")
    model = {**first, "block": None}
    return [other["label"] for other in others if _network({**other, "block": None}) == _network(model)]


def _untold(facts, protocol, best, labels):
    """Why the runs of two networks cannot tell what BN does to what a protocol measures; None where they can, or where
    it has measured nothing of the two.

    `diverged`: {label: the step}, of those for which a run that is walked along diverged, or all of the rates' did; a
    network is then seen until it breaks, and no longer. `steps`: how many steps both have in the quantity that has
    most, which are to be `ENOUGH`.
    """
    compared = [quantity.compared[labels[1]] for quantity in facts["protocols"][protocol].values()]
    both = [found.steps for found in compared if found.verdict != "none"]
    ended = [run for run in facts["ended"] if run.protocol == protocol and run.label in labels]
    if protocol == "rates":
        ended = [run for run in ended if run.label not in best]
    last = max if protocol == "rates" else min  # a range over the rates goes on until the last of them ends
    steps = {label: [run.step for run in ended if run.label == label] for label in labels}
    diverged = {label: last(those) for label, those in steps.items() if those}
    if not both or (not diverged and max(both) >= ENOUGH):
        return None
    return SimpleNamespace(diverged=diverged, steps=max(both))


def _few(compared):
    """Whether a `landscape_findings.Comparison` rests on too few steps to conclude from it."""
    return compared.verdict != "none" and compared.steps < ENOUGH


def _told(facts):
    """The `verdicts` without those that rest on too few steps."""
    return {
        protocol: {
            label: {
                verdict: [
                    quantity for quantity in those if not _few(facts["protocols"][protocol][quantity].compared[label])
                ]
                for verdict, those in verdicts.items()
            }
            for label, verdicts in networks.items()
        }
        for protocol, networks in facts["verdicts"].items()
    }


def _unlike(runs, first, other, guess):
    """What the runs of two networks have learned, where it is so different that the report must not compare them
    without saying so, since a landscape seen from a plateau is not one seen from a trained network; else None.

    They are compared by the validation accuracy that they end with, by the training accuracy, since the landscape is
    that of the training loss, and by the best validation accuracy, which a run may have passed by. `less` and `more`
    are the runs by that. `guesses`: that of `less` does not exceed `limit`, the accuracy of guessing, that of `more`
    does, and they differ by more than the choice of the images may make. If it is not so, they are more than `UNLIKE`
    apart.
    """
    if first not in runs or other not in runs:
        return None
    for which in ("end", "train", "val"):
        less, more = sorted((runs[first], runs[other]), key=lambda run: getattr(run, which).mean)
        low, high = getattr(less, which).mean, getattr(more, which).mean
        limit = statistics.chance(guess, less.images[which])
        guesses = low <= limit < high and high - low > _noise(low, high, less.images[which])
        if guesses or high - low > UNLIKE:
            return SimpleNamespace(less=less, more=more, guesses=guesses, which=which)
    return None


def _noise(low, high, images):
    """Three standard deviations of the difference of two accuracies on as many images, as in `statistics.chance`."""
    return 3 * math.sqrt((low * (1 - low) + high * (1 - high)) / images)


def _loss_of_chance(found):
    """The loss of a constant guess; None where a loss other than the cross-entropy is minimised."""
    return evidence.data_of(found).chance_loss if set(found.cells["loss"]) == {"cross_entropy"} else None


def _shifted(facts, label):
    """In how many layers the network `label` has a smaller, larger or alike median distance compared to the first, and
    in how many its median cosine is nearer to 1."""
    verdicts = [row.l2.compared[label].verdict for row in facts["shift"]]
    first = facts["first"].label
    cosines = [row.cosine for row in facts["shift"] if first in row.cosine and label in row.cosine]
    counts = {said: verdicts.count(landscape_findings.TURNED[said]) for said in landscape_findings.TURNED}
    return SimpleNamespace(
        **counts,  # seen from the other network
        counts={said: many for said, many in counts.items() if many},
        layers=sum(counts.values()),
        nearer=sum(cosine[label].median > cosine[first].median for cosine in cosines),
        compared=len(cosines),
    )


def surface(figures, found, measured, folder=""):
    """Which runs the loss surfaces are of, over how many `images` and points; per network the loss at the centre, and
    at how many points of the plane it lies `below` that of a constant guess. None where they were not measured.

    `measured` is a `studies.Surface` or None; the report knows the figures, files in `figures`, by names with `folder`
    before them.
    """
    if not measured:
        return None
    line, plane = (reading.table(figures / f"surface_{name}.csv", "plot_surfaces") for name in ("lines", "contours"))
    chance = _loss_of_chance(found)
    networks = []
    for network, points in plane.groupby("network", sort=False):
        along = line[line["network"] == network]
        centre = along.loc[along["alpha"].abs().idxmin(), "loss"]
        below = None if chance is None else int((points["loss"] < chance).sum())
        networks.append(SimpleNamespace(network=network, centre=float(centre), below=below, points=len(points)))
    cells = pd.concat(summary.select(found.cells, grids.selected(selection)).iloc[:1] for selection in measured.cells)
    return SimpleNamespace(
        networks=networks,
        folder=Tex(folder),
        words=protocol.words(cells),
        images=min(measured.images, int(cells["train_images"].min())),
        line=line["alpha"].nunique(),
        side=plane["alpha"].nunique(),
        extent=float(plane["alpha"].max()),
    )
