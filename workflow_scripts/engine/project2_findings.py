"""What the studies `cifar_net` and `bn_landscape` show, as facts that the template of their report words.

Numbers stay numbers here. A comparison with the base of an ablation says what its seeds allow (see `ablations.rows`);
what is said of two runs of the landscape study is of these runs alone (see `landscape_findings`).
"""

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd

from workflow_scripts.engine import (
    ablations,
    findings,
    insight_figures,
    landscape_findings,
    landscape_runs,
    protocol,
    summary,
)
from workflow_scripts.engine.findings import Measure

VERDICTS = ("higher", "lower", "alike", "single")
MOST_CONFUSED = 3  # pairs of classes that the text names


def context(net, net_study, landscape, landscape_study):
    """The facts by the names that the template uses.

    `net` and `landscape` are the folders of the two studies, whose designs the `studies.Study`s are. Raises UserError
    where something of them is missing.
    """
    found = ablations.load(net / "summary")
    rows = ablations.rows(found, net_study)
    base = _level(rows[rows["base"]].iloc[0])
    base_cells = found.cells[found.cells["cell"].isin(base.cells)]
    return {
        "data": findings.data_of(found),
        "setup": findings.setup_of(found.cells),
        "words": protocol.words(base_cells),
        "all_words": protocol.words(found.cells),
        "record": found.cells.set_index("cell").loc[base.cells[0]],
        "base": base,
        "factors": [_factor(levels) for _, levels in rows.groupby("factor", sort=False)],
        "chosen": _chosen(net / "chosen.json", base),
        "pareto": _pareto(net / "figures/pareto.csv"),
        "insight": _insight(net / "insight"),
        "samples": [f"samples_{dataset}" for dataset in found.cells["dataset"].unique()],
        "bn": _landscape(landscape, landscape_study),
        "infinity": math.inf,
        "readable": ablations.readable,
    }


def _level(row):
    """A row of `ablations.rows` with its metrics as measures."""
    level = SimpleNamespace(**row.to_dict())
    for metric in (*summary.METRICS, *ablations.SPEED):
        setattr(level, metric, Measure(row[metric], row[f"{metric}_std"]))
    return level


def _factor(rows):
    """A factor's levels, those beside the base by their verdict, and its best one."""
    title = ablations.readable(rows["factor"].iloc[0])
    if rows["value"].notna().all():
        rows = rows.assign(level=title + " " + rows["level"])  # a bare number says nothing in a sentence
    levels = [_level(row) for _, row in rows.iterrows()]
    finished = [level for level in levels if level.finished]
    return SimpleNamespace(
        name=rows["factor"].iloc[0],
        title=title,
        base=next(level for level in levels if level.base),
        levels=levels,
        best=max(finished, key=lambda level: level.best_val_acc.mean, default=None),
        smallest=min(finished, key=lambda level: level.parameters, default=None),
        largest=max(finished, key=lambda level: level.parameters, default=None),
        diverged=[level for level in levels if level.diverged],
        **{name: [level for level in levels if level.verdict == name] for name in VERDICTS},
    )


def _chosen(path, base):
    """What chosen.json says, its measures as such, and in which keys its record differs from the base's."""
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts |= {metric: Measure.from_json(facts[metric]) for metric in ("best_val_acc", "test_acc", "test_loss")}
    differs = [key for key, value in facts["record"].items() if not _same(value, getattr(base, key))]
    settings = [ablations.readable(f"{key} {summary.format_value(facts['record'][key])}") for key in differs]
    return SimpleNamespace(**facts, differs=settings, minutes=facts["seconds_per_epoch"] * facts["epochs"] / 60)


def _same(value, other):
    return value == other or (value is None and pd.isna(other))


def _pareto(path):
    """{cost: names of the settings that no other beats at the same cost or less, the cheapest first}."""
    table = pd.read_csv(path)
    costs = [column.removeprefix("front_") for column in table if column.startswith("front_")]
    table["name"] = table["name"].str.replace(r", (.*)", r" (\1)", regex=True)  # a comma would part it in two in a list
    return {cost: table[table[f"front_{cost}"]].sort_values(cost)["name"].tolist() for cost in costs}


def _insight(folder):
    """What `inspect_cell` found: counts, the classes at both ends, the pairs confused most, the network's layers."""
    found = insight_figures.load(folder)
    classes = found.table("per_class").dropna(subset="accuracy").sort_values("accuracy", kind="stable")
    named = [SimpleNamespace(**{**row, "name": found.names[row["label"]]}) for row in classes.to_dict("records")]
    worst, best = ([row for row in named if row.accuracy == end.accuracy] for end in (named[0], named[-1]))
    pairs = insight_figures.most_confused(found.table("confusion"), MOST_CONFUSED)
    facts = found.facts
    return SimpleNamespace(
        **{key: facts[key] for key in ("images", "right", "filters", "grad_cam", "tsne")},
        wrong=facts["images"] - facts["right"],
        accuracy=facts["right"] / facts["images"],
        worst=worst,
        best=best,
        apart=max(row.high for row in worst) < min(row.low for row in best),  # their intervals do not meet
        pairs=[
            SimpleNamespace(label=found.names[row.label], predicted=found.names[row.predicted], images=row.images)
            for row in pairs.itertuples()
        ],
        many=len(found.names) > insight_figures.NAMED,
        extremes=insight_figures.EXTREMES,
        layers=[SimpleNamespace(**layer) for layer in facts["structure"]],
    )


def _landscape(folder, study):
    """The facts of `landscape_findings`, and what stands around them: data, training, the rates' runs, surfaces."""
    found = summary.load(folder / "summary")
    trained, walked = (landscape_runs.rows_of(found.cells, study, name) for name in landscape_runs.PROTOCOLS)
    landscape = landscape_runs.load(folder / "summary", study)
    runs = _runs(trained)
    labels = landscape.networks["label"]
    facts = landscape_findings.context(landscape)
    return SimpleNamespace(
        **facts,
        shifted={other.label: _shifted(facts, other.label) for other in facts["others"]},
        data=findings.data_of(found),
        words=protocol.words(trained),
        walk_words=protocol.words(walked),
        seeds=int(found.cells["seed"].nunique()),
        every=study.landscape.every,
        runs=runs,
        best=_best(runs, labels),
        walked=_best(_runs(walked), labels),
        surfaces=_surfaces(folder / "figures", _loss_of_chance(found)) if study.surface else [],
    )


def _runs(cells):
    """The rows of `over_seeds`, `val` being the best validation accuracy as a measure."""
    return [
        SimpleNamespace(**row, val=Measure(row["best_val_acc"], row["best_val_acc_std"]))
        for row in summary.over_seeds(cells).to_dict("records")
    ]


def _best(runs, labels):
    """{label: the run of the highest validation accuracy}, of those labels of which one finished."""
    return {
        label: max(group, key=lambda run: np.nan_to_num(run.val.mean, nan=-1.0))
        for label in labels
        if (group := [run for run in runs if run.label == label and run.finished])
    }


def _loss_of_chance(found):
    """What a constant guess costs; None where another loss than the cross-entropy is minimised."""
    return findings.data_of(found).chance_loss if set(found.cells["loss"]) == {"cross_entropy"} else None


def _shifted(facts, label):
    """In how many layers the median distance is smaller, larger or alike with the network `label` than with the first,
    and in how many its median cosine is nearer to 1."""
    verdicts = [row.l2.compared[label].verdict for row in facts["shift"]]
    first = facts["first"].label
    cosines = [row.cosine for row in facts["shift"] if first in row.cosine and label in row.cosine]
    return SimpleNamespace(
        smaller=verdicts.count("larger"),  # that of the first network is
        larger=verdicts.count("smaller"),
        alike=verdicts.count("alike"),
        nearer=sum(cosine[label].median > cosine[first].median for cosine in cosines),
        compared=len(cosines),
    )


def _surfaces(figures, chance):
    """Per network, of its loss surface: the loss in the centre, and which share of the plane lies below `chance`."""
    line, plane = (pd.read_csv(figures / f"surface_{name}.csv") for name in ("lines", "contours"))
    found = []
    for network, points in plane.groupby("network", sort=False):
        along = line[line["network"] == network]
        centre = along.loc[along["alpha"].abs().idxmin(), "loss"]
        share = None if chance is None else float((points["loss"] < chance).mean())
        found.append(
            SimpleNamespace(network=network, centre=float(centre), below=share, extent=float(points["alpha"].max()))
        )
    return found
