"""What the studies `cifar_net` and `bn_landscape` show, as facts that their report's template turns into sentences.

Numbers stay numbers here. A comparison with the base of an ablation says what its seeds can show (see
`ablations.rows`); the facts about the landscape study are about its runs only (see `landscape/findings.py`).
"""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd

from workflow_scripts.engine.ablation import ablations
from workflow_scripts.engine.configuration import grids
from workflow_scripts.engine.insight import insight_figures
from workflow_scripts.engine.landscape import findings as landscape_findings
from workflow_scripts.engine.landscape import runs as landscape_runs
from workflow_scripts.engine.landscape.protocols import ENOUGH
from workflow_scripts.engine.reports import evidence
from workflow_scripts.engine.reports.evidence import Measure
from workflow_scripts.engine.tables import protocol, reading, statistics, summary
from workflow_scripts.engine.tables.labels import format_value, readable

VERDICTS = ("higher", "lower", "alike", "single")
MOST_CONFUSED = 3  # pairs of classes that the text names
UNLIKE = 0.1  # the difference in accuracy above which two runs do not count as equally trained
APART = 1.1  # the ratio from which on two sizes or two times are worth a sentence
SMOOTHING = 0.1  # of `objectives.label_smoothing`
# What the text says of two networks, without importing PyTorch. Nothing is said unless the parameters agree.
CIFAR_NET = ((64, 1), (96, 1), (128, 1), (192, 0))  # filters and pairs of each stage, as in models/cifar_net.py
VGG_A = ((64, 128, 256, 256, 512, 512, 512, 512), (512, 512))  # filters, and units of the hidden layers


def context(net, net_study, landscape, landscape_study):
    """The facts, by the names that the template uses.

    `net` and `landscape` are the folders of the two studies; `net_study` and `landscape_study` are their designs, each
    a `studies.Study`. Raises UserError where a part of them is missing.
    """
    found = ablations.load(net / "summary")
    rows = ablations.rows(found, net_study)
    times = found.cells.set_index("cell")["seconds_per_epoch"]
    unsteady = _unsteady(ablations.all_rows(found.cells)["finished"], times)
    base = _level(rows[rows["base"]].iloc[0])
    base_cells = found.cells[found.cells["cell"].isin(base.cells)]
    record = found.cells.set_index("cell").loc[base.cells[0]]
    data = evidence.data_of(found)
    return {
        "data": data,
        "decimals": SimpleNamespace(val=ablations.decimals(data.val_images), test=ablations.decimals(data.test_images)),
        "setup": evidence.setup_of(found.cells),
        "words": protocol.words(base_cells),
        "all_words": protocol.words(found.cells),
        "record": record,
        "peak": _peak(record),
        "stages": _stages(base),
        "base": base,
        "factors": [_factor(levels, times, unsteady) for _, levels in rows.groupby("factor", sort=False)],
        "chosen": _chosen(net / "chosen.json", base, found.cells),
        "pareto": _pareto(net / "figures/pareto.csv"),
        "unsteady": unsteady,
        "apart": APART,
        "insight": _insight(net / "insight"),
        "samples": [f"samples_{dataset}" for dataset in found.cells["dataset"].unique()],
        "bn": _landscape(landscape, landscape_study),
        "infinity": math.inf,
        "readable": readable,
    }


def _level(row):
    """A row of `ablations.rows` with its metrics as `Measure`s."""
    level = SimpleNamespace(**row.to_dict())
    for metric in (*summary.METRICS, *ablations.SPEED):
        setattr(level, metric, Measure(row[metric], row[f"{metric}_std"]))
    return level


def _peak(record):
    """The rate at which a warm-up ends and the fall begins; None without a warm-up, or with another schedule."""
    falls = record["final_lr"] <= record["lr"] and 2 * record["warmup_epochs"] <= record["epochs"]
    if not record["warmup_epochs"] or record["schedule"] != "linear" or not falls:
        return None
    return float(
        f"{record['lr'] + (record['final_lr'] - record['lr']) * record['warmup_epochs'] / record['epochs']:.2g}"
    )


def _stages(base):
    """The filters of the base network's stages, `full` at width 1 and its `own`, how many stages have `pairs`, and the
    number of `layers`; None where it is another network."""
    full = [filters for filters, _ in CIFAR_NET]
    own = [8 * max(1, round(filters * base.width / 8)) for filters in full]
    pairs = [many for _, many in CIFAR_NET]
    shapes = []
    for filters, before, many in zip(own, [None, *own], pairs, strict=False):
        shapes += [(before, filters)] + [(filters, filters)] * 2 * many
    if base.model != "cifar_net" or base.parameters not in _sizes_of(shapes, [(own[-1], base.num_classes)]):
        return None
    return SimpleNamespace(full=full, own=own, pairs=sum(pairs), layers=len(shapes) + 1)


def _full_size(run):
    """The parameters of a run's network at full width; None where that is its own, or it is not VGG-A."""
    if run.model != "vgg_a" or run.width == 1:
        return None

    def sizes(width):
        filters, hidden = ([max(1, round(many * width)) for many in layers] for layers in VGG_A)
        ends = [filters[-1], *hidden, run.num_classes]
        return _sizes_of(list(zip([None, *filters], filters, strict=False)), list(itertools.pairwise(ends)), (1, 3))

    return next((full for own, full in zip(sizes(run.width), sizes(1), strict=True) if own == run.parameters), None)


def _sizes_of(convolutions, linear, each=(1, 2)):
    """How many parameters 3x3 `convolutions` and `linear` layers, (inputs, outputs) each, may have: where the first
    convolution reads (None) one or three channels, and with `each` number per filter besides the weights.
    """
    return [
        sum(9 * (inputs or channels) * outputs + extra * outputs for inputs, outputs in convolutions)
        + sum((inputs + 1) * outputs for inputs, outputs in linear)
        for channels in (1, 3)
        for extra in each
    ]


def _factor(rows, times, unsteady):
    """A factor's levels, those other than the base also by verdict, and the extremes of their sizes and times.

    For `times` and `unsteady` see `_times`.
    """
    rows = rows.assign(level=rows["name"])  # a bare number says nothing in a sentence
    levels = [_level(row) for _, row in rows.iterrows()]
    finished = [level for level in levels if level.finished]
    return SimpleNamespace(
        name=rows["factor"].iloc[0],
        title=readable(rows["factor"].iloc[0]),
        base=next(level for level in levels if level.base),
        levels=levels,
        shown=bool(rows["verdict"].isin(statistics.SURE).any()),  # whether there is a difference from the base
        sizes=_sizes(finished),
        times=_times(finished, times, unsteady),
        diverged=[level for level in levels if level.diverged],
        **{name: [level for level in levels if level.verdict == name] for name in VERDICTS},
    )


def _sizes(levels):
    """[levels with the fewest parameters, levels with the most] where their ratio is at least `APART`, else None."""
    counts = [level.parameters for level in levels]
    if not counts or max(counts) < APART * min(counts):
        return None
    return [[level for level in levels if level.parameters == end(counts)] for end in (min, max)]


def _times(levels, times, unsteady):
    """(the fastest level, the slowest) where every seed of the latter took longer than each of the former by a factor
    that no two runs of one setting differ by, and of at least `APART`; else None.

    A time per epoch also depends on what else the machine computes, so it is a property of the setting only as far as
    it exceeds what the same setting shows. `times` is {cell: seconds per epoch}, `unsteady` from `_unsteady`.
    """
    if not levels or unsteady is None:
        return None
    fastest, slowest = (end(levels, key=lambda level: level.seconds_per_epoch.mean) for end in (min, max))
    factor = times[slowest.finished].min() / times[fastest.finished].max()
    return (fastest, slowest) if factor >= APART and factor > unsteady.factor else None


def _unsteady(settings, times):
    """The seconds per epoch, `least` and `most`, of the two runs of one setting with the largest `factor` between them;
    None where no setting has two runs. `settings`: the names of the finished cells of each; `times` as for `_times`."""
    ends = [(times[names].min(), times[names].max()) for names in settings if len(names) > 1]
    if not ends:
        return None
    least, most = max(ends, key=lambda end: end[1] / end[0])
    return SimpleNamespace(least=float(least), most=float(most), factor=float(most / least))


def _chosen(path, base, cells):
    """The content of chosen.json with `Measure`s, and the settings in which its record differs from the base's.

    `cells` are those of the summary. `floor` is the least loss that smoothed labels allow, None without smoothing.
    """
    facts = reading.facts(path, "choose")
    facts |= {metric: Measure.from_json(facts[metric]) for metric in ("best_val_acc", "test_acc", "test_loss")}
    own = cells[cells["cell"].isin(facts["cells"])]
    times, smoothed = own["seconds_per_epoch"], facts["record"]["loss"] == "label_smoothing"
    facts |= {
        "test_error": Measure(1 - facts["test_acc"].mean, facts["test_acc"].std),
        "floor": _entropy_of_smoothed(int(own["num_classes"].iloc[0])) if smoothed else None,
        "seconds_per_epoch": Measure(times.mean(), times.std()),
        "minutes": times.mean() * facts["epochs"] / 60,
    }
    differs = [key for key, value in facts["record"].items() if not _same(value, getattr(base, key))]
    settings = [readable(f"{key} {format_value(key, facts['record'][key])}") for key in differs]
    return SimpleNamespace(**facts, differs=settings)


def _entropy_of_smoothed(classes):
    """The cross-entropy of a smoothed label with itself, in nats, which no prediction can go below."""
    other = SMOOTHING / classes
    label = 1 - SMOOTHING + other
    return -label * math.log(label) - (classes - 1) * other * math.log(other)


def _same(value, other):
    return value == other or (value is None and pd.isna(other))


def _pareto(path):
    """{cost: names of the settings that no other beats at the same or a lower cost, the cheapest first}."""
    table = reading.table(path, "plot_pareto")
    costs = [column.removeprefix("front_") for column in table if column.startswith("front_")]
    table["name"] = table["name"].str.replace(r", (.*)", r" (\1)", regex=True)  # in a list, a comma would split it
    return {cost: table[table[f"front_{cost}"]].sort_values(cost)["name"].tolist() for cost in costs}


def _insight(folder):
    """What `inspect_cell` found: counts, the best and worst classes, the pairs confused most, the network's layers."""
    found = insight_figures.load(folder)
    classes = found.table("per_class").dropna(subset="accuracy").sort_values("accuracy", kind="stable")
    named = [SimpleNamespace(**{**row, "name": found.names[row["label"]]}) for row in classes.to_dict("records")]
    worst, best = ([row for row in named if row.accuracy == end.accuracy] for end in (named[0], named[-1]))
    pairs = insight_figures.most_confused(found.table("confusion"), MOST_CONFUSED + 1)
    tied = len(pairs) > MOST_CONFUSED and pairs["images"].iloc[-1] == pairs["images"].iloc[-2]
    facts = found.facts
    return SimpleNamespace(
        **{key: facts[key] for key in ("images", "right", "filters", "grad_cam", "tsne")},
        wrong=facts["images"] - facts["right"],
        accuracy=facts["right"] / facts["images"],
        worst=worst,
        best=best,
        apart=max(row.high for row in worst) < min(row.low for row in best),  # their intervals do not overlap
        pairs=[
            SimpleNamespace(label=found.names[row.label], predicted=found.names[row.predicted], images=row.images)
            for row in pairs[:MOST_CONFUSED].itertuples()
        ],
        every=len(pairs) <= MOST_CONFUSED,  # whether every mistake is of one of these pairs
        tied=tied,  # with a pair that is not named
        classes=len(named),
        normalised=any(layer["layer"].endswith(".norm") for layer in facts["structure"]),
        many=len(found.names) > insight_figures.NAMED,
        extremes=insight_figures.EXTREMES,
        layers=[SimpleNamespace(**layer) for layer in facts["structure"]],
    )


def _landscape(folder, study):
    """The facts of `landscape/findings.py`, and their context: data, training, the runs of all rates, surfaces."""
    found = summary.load(folder / "summary")
    trained, walked = (landscape_runs.rows_of(found.cells, study, name) for name in landscape_runs.PROTOCOLS)
    landscape = landscape_runs.load(folder / "summary", study)
    runs = _runs(trained, landscape.networks, found.history)
    labels = landscape.networks["label"]
    facts = landscape_findings.context(landscape)
    data = evidence.data_of(found)
    best = {"rates": _best(runs, labels), "walk": _best(_runs(walked, landscape.networks, found.history), labels)}
    limit = statistics.chance(data.num_classes, data.val_images)
    return SimpleNamespace(
        **facts,
        controlled=_controlled(landscape.networks),
        shifted={other.label: _shifted(facts, other.label) for other in facts["others"]},
        data=data,
        words=protocol.words(trained),
        walk_words=protocol.words(walked),
        seeds=int(found.cells["seed"].nunique()),
        every=study.landscape.every,
        runs=runs,
        best=best["rates"],
        full={label: _full_size(run) for label, run in best["rates"].items()},
        walked=best["walk"],
        enough=ENOUGH,
        far=UNLIKE,
        limit=limit,
        decimals=ablations.decimals(data.val_images),
        unlike={
            name: {other.label: _unlike(those, facts["first"].label, other.label, limit) for other in facts["others"]}
            for name, those in best.items()
        },
        surface=_surface(folder / "figures", found, study.surface) if study.surface else None,
    )


def _runs(cells, networks, history):
    """The rows of `over_seeds`; `val` is the best validation accuracy as a `Measure`, `end` that of the last epoch.

    `label` is that of their network in `landscape_runs.Landscape`: networks of one name may differ in an option. `peak`
    is the epoch, from 1, whose validation accuracy `val` is; None where there are several seeds or `val` is not above
    `end`.
    """
    labels = {_network(network): network["label"] for network in networks.to_dict("records")}
    curves = dict(list(history.groupby("cell")))
    runs = []
    for row in summary.over_seeds(cells).to_dict("records"):
        val, end = (Measure(row[metric], row[f"{metric}_std"]) for metric in ("best_val_acc", "val_acc"))
        peak = None
        if len(row["finished"]) == 1 and val.mean > end.mean:
            (curve,) = (curves[name] for name in row["finished"])
            peak = int(curve.loc[curve["val_acc"].idxmax(), "epoch"]) + 1
        runs.append(SimpleNamespace(**{**row, "label": labels[_network(row)]}, val=val, end=end, peak=peak))
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


def _unlike(runs, first, other, limit):
    """What the runs of two networks have learned, where it is so different that the report must not compare them
    without saying so, since a landscape seen from a plateau is not one seen from a trained network; else None.

    They are compared by the accuracy that they end with, then by the best one, which a run may have passed by. `less`
    and `more` are the runs by that; `guesses`: that of `less` does not exceed `limit`, the accuracy of guessing, and
    that of `more` does. If it is not so, they are more than `UNLIKE` apart.
    """
    if first not in runs or other not in runs:
        return None
    for which in ("end", "val"):
        less, more = sorted((runs[first], runs[other]), key=lambda run: getattr(run, which).mean)
        low, high = getattr(less, which).mean, getattr(more, which).mean
        guesses = low <= limit < high
        if guesses or high - low > UNLIKE:
            return SimpleNamespace(less=less, more=more, guesses=guesses, which=which)
    return None


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


def _surface(figures, found, measured):
    """Which runs the loss surfaces are of, over how many `images` and points; per network the loss at the centre, and
    at how many points of the plane it lies `below` that of a constant guess. `measured` is a `studies.Surface`."""
    line, plane = (reading.table(figures / f"surface_{name}.csv", "plot_surfaces") for name in ("lines", "contours"))
    chance = _loss_of_chance(found)
    networks = []
    for network, points in plane.groupby("network", sort=False):
        along = line[line["network"] == network]
        centre = along.loc[along["alpha"].abs().idxmin(), "loss"]
        below = None if chance is None else int((points["loss"] < chance).sum())
        networks.append(SimpleNamespace(network=network, centre=float(centre), below=below, points=len(points)))
    cells = [summary.select(found.cells, grids.selected(selection)).iloc[:1] for selection in measured.cells]
    return SimpleNamespace(
        networks=networks,
        words=protocol.words(pd.concat(cells)),
        images=min(measured.images, evidence.data_of(found).train_images),
        line=line["alpha"].nunique(),
        side=plane["alpha"].nunique(),
        extent=float(plane["alpha"].max()),
    )
