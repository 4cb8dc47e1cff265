"""What the studies `cifar_net` and `bn_landscape` show, as facts that their report's template turns into sentences.

Numbers stay numbers here. A comparison with the base of an ablation says what its seeds can show (see
`ablations.rows`). What `bn_landscape` shows is in `project2_landscape.py`.
"""

import math
from types import SimpleNamespace

import numpy as np

from workflow_scripts.engine.ablation import ablations
from workflow_scripts.engine.configuration.cells import ROW
from workflow_scripts.engine.insight import findings as insight
from workflow_scripts.engine.reports import evidence, network_shapes, project2_landscape
from workflow_scripts.engine.reports.evidence import Measure
from workflow_scripts.engine.tables import protocol, reading, statistics, summary
from workflow_scripts.engine.tables.labels import format_value, readable
from workflow_scripts.engine.text.latex import Tex, escape
from workflow_scripts.engine.text.wording import decimals

VERDICTS = ("higher", "lower", "alike", "single")
MOST_CONFUSED = 3  # pairs of classes that the text names
APART = 1.1  # the ratio from which on two sizes or two times are worth a sentence
TOLD = ("activation", "dropout", "tta", "warmup_epochs")  # options of the base that the template words itself
PARTS = {"bn": "batch normalisation", "rc": "residual connections"}  # of a network, by what a block's name is made of
SMOOTHING = 0.1  # of `objectives.label_smoothing`


def context(net, net_study, landscape, landscape_study):
    """The facts, by the names that the template uses.

    `net` and `landscape` are the folders of the two studies; `net_study` and `landscape_study` are their designs, each
    a `studies.Study`. Raises UserError where a part of them is missing.
    """
    found = ablations.load(net / "summary")
    rows = ablations.rows(found, net_study)
    times = found.cells.set_index("cell")["seconds_per_epoch"]
    settings = ablations.all_rows(found.cells)
    unsteady = _unsteady(settings["finished"], times)
    base = _level(rows[rows["base"]].iloc[0])
    base_cells = found.cells[found.cells["cell"].isin(base.cells)]
    record = found.cells.set_index("cell").loc[base.cells[0]]
    data = evidence.data_of(found)
    return {
        "data": data,
        "decimals": SimpleNamespace(val=decimals(data.val_images), test=decimals(data.test_images)),
        "setup": evidence.setup_of(found.cells),
        "enough": statistics.ENOUGH,
        "words": protocol.words(base_cells),
        "all_words": protocol.words(found.cells),
        "options": evidence.options(base_cells.assign(**dict.fromkeys(TOLD))),
        "record": record,
        "peak": _peak(record),
        "stages": network_shapes.stages(base),
        "base": base,
        "factors": [_factor(levels, times, unsteady) for _, levels in rows.groupby("factor", sort=False)],
        "chosen": _chosen(net / "chosen.json", base, found.cells),
        "passed": _passed(settings),
        "pareto": _pareto(net / "figures/pareto.csv"),
        "unsteady": unsteady,
        "apart": APART,
        "insight": _insight(net / "insight"),
        "surface": project2_landscape.surface(net / "figures", found, net_study.surface, folder=f"{net.name}/figures/"),
        "samples": [f"samples_{dataset}" for dataset in found.cells["dataset"].unique()],
        "bn": project2_landscape.facts(landscape, landscape_study),
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


def _factor(rows, times, unsteady):
    """A factor's levels, those other than the base also by verdict, and the extremes of their sizes and times.

    `varied` are the keys of the record in which the levels differ, `parts` those of the network that some of them have;
    a factor may have any name. For `times` and `unsteady` see `_times`.
    """
    rows = rows.assign(level=rows["name"])  # a bare number says nothing in a sentence
    levels = [_level(row) for _, row in rows.iterrows()]
    finished = [level for level in levels if level.finished]
    return SimpleNamespace(
        name=rows["factor"].iloc[0],
        title=readable(rows["factor"].iloc[0]),
        base=next(level for level in levels if level.base),
        levels=levels,
        varied=[key for key in ROW if rows[key].nunique(dropna=False) > 1],
        parts=_parts(set(rows["block"])),
        shown=bool(rows["verdict"].isin(statistics.SURE).any()),  # whether there is a difference from the base
        sizes=_sizes(finished),
        times=_times(finished, times, unsteady),
        diverged=[level for level in levels if level.diverged],
        **{name: [level for level in levels if level.verdict == name] for name in VERDICTS},
    )


def _parts(blocks):
    """The parts that some of the blocks have and others do not; none where they also differ in something else."""
    made_of = [set(block.split("_")) - {"plain"} for block in blocks]
    differing = set.union(*made_of) - set.intersection(*made_of)
    return [name for part, name in PARTS.items() if part in differing] if differing <= set(PARTS) else []


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
        "end": SimpleNamespace(**{part: _over(own, f"{part}_acc") for part in ("train", "val")}),
        "test_error": Measure(1 - facts["test_acc"].mean, facts["test_acc"].std),
        "floor": _entropy_of_smoothed(int(own["num_classes"].iloc[0])) if smoothed else None,
        "seconds_per_epoch": _over(own, "seconds_per_epoch"),
        "minutes": times.mean() * facts["epochs"] / 60,
        "best_cell": Tex(escape(facts["best_cell"]).replace("-", "-\\allowbreak{}")),  # else it is wider than a column
    }
    differs = evidence.differing(facts["record"], vars(base))
    settings = [readable(f"{key} {format_value(key, facts['record'][key])}") for key in differs]
    return SimpleNamespace(**facts, differs=settings)


def _over(cells, metric):
    return Measure(cells[metric].mean(), cells[metric].std())


def _entropy_of_smoothed(classes):
    """The cross-entropy of a smoothed label with itself, in nats, which no prediction can go below."""
    other = SMOOTHING / classes
    label = 1 - SMOOTHING + other
    return -label * math.log(label) - (classes - 1) * other * math.log(other)


def _passed(settings):
    """Of which settings the best is taken, in words, where it is not of all: those of which more seeds diverged have a
    mean over the others that may be higher. None where all that finished are compared."""
    diverged = settings.dropna(subset="best_val_acc")["diverged"]
    if diverged.nunique() < 2:
        return None
    return "of which the fewest seeds diverged" if diverged.min() else "of which no seed diverged"


def _pareto(path):
    """{cost: names of the settings that no other beats at the same or a lower cost, the cheapest first}; `partial` says
    whether there are settings that cannot be among them, as a seed diverged."""
    table = reading.table(path, "plot_pareto")
    costs = [column.removeprefix("front_") for column in table if column.startswith("front_")]
    table["name"] = table["name"].str.replace(r", (.*)", r" (\1)", regex=True)  # in a list, a comma would split it
    fronts = {cost: table[table[f"front_{cost}"]].sort_values(cost)["name"].tolist() for cost in costs}
    return fronts | {"partial": bool(table["diverged"].any())}


def _insight(folder):
    """What `inspect_cell` found: counts, the best and worst classes, the pairs confused most, the network's layers."""
    found = insight.load(folder)
    names = found.names
    classes = found.table("per_class").dropna(subset="accuracy").sort_values("accuracy", kind="stable")
    named = [SimpleNamespace(**{**row, "name": names[row["label"]]}) for row in classes.to_dict("records")]
    worst, best = ([row for row in named if row.accuracy == end.accuracy] for end in (named[0], named[-1]))
    pairs = insight.most_confused(found.table("confusion"), MOST_CONFUSED + 1)
    tied = len(pairs) > MOST_CONFUSED and pairs["images"].iloc[-1] == pairs["images"].iloc[-2]
    facts = found.facts
    return SimpleNamespace(
        **{key: facts[key] for key in ("images", "right", "grad_cam", "tsne")},
        filters=_filters(found),
        wrong=facts["images"] - facts["right"],
        accuracy=facts["right"] / facts["images"],
        worst=worst,
        best=best,
        apart=max(row.high for row in worst) < min(row.low for row in best),  # their intervals do not overlap
        pairs=[
            SimpleNamespace(label=names[row.label], predicted=names[row.predicted], images=row.images)
            for row in pairs[:MOST_CONFUSED].itertuples()
        ],
        every=len(pairs) <= MOST_CONFUSED,  # whether every mistake is of one of these pairs
        tied=tied,  # with a pair that is not named
        classes=len(named),
        normalised=any(layer["layer"].endswith(".norm") for layer in facts["structure"]),
        many=len(names) > insight.NAMED,
        extremes=insight.EXTREMES,
        layers=[SimpleNamespace(**layer) for layer in facts["structure"]],
    )


def _filters(found):
    """The `shape` of the first layer's filters, the `least` and the `largest` of their norms, and their `shares`."""
    weight = found.arrays("filters")["weight"]
    norms = np.linalg.norm(weight.reshape(len(weight), -1), axis=1)
    return SimpleNamespace(
        shape=found.facts["filters"]["shape"],
        least=float(norms.min()),
        largest=float(norms.max()),
        **insight.shares(weight),
    )
