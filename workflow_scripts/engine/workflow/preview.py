"""What a dry-run tells people: cells per study, epochs, and how much there is to compute."""

import contextlib
import importlib.util
import json
import statistics
from pathlib import Path

from workflow_scripts.engine import code, whole_files
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.cells import MARKS, import_registered, options
from workflow_scripts.engine.text.wording import counted, duration

# (training images, rows and columns, classes) of data sets that have not been fetched yet
NOMINAL = {
    "cifar10": (50_000, 32, 10),
    "cifar100": (50_000, 32, 100),
    "mnist": (60_000, 28, 10),
    "digits": (1_500, 8, 10),
}
HEAD = "Gradscape's work:"
COUNTED = "gradscape-flops.json"  # earlier counts: counting takes PyTorch, and seconds
DAMAGED = (ValueError, LookupError, TypeError, ZeroDivisionError)  # what reading a truncated record may raise
CORE = 1.5e11  # FLOP/s of VGG_38 in float32 on one core with AVX-512 (benchmarks/RESULTS.md), until a cell has run here


def preview(studies, todo, described, results, notes, others=()):
    """The lines of text. `studies` is {study: {cell name: Cell}}, `todo` {study: names of the cells to train}.

    `described` is the configuration's `datasets`; the speed of finished cells is read from the folder `results`, and
    counts are kept in the folder `notes`. A training step counts as three forward passes: for each product in the
    forward pass, the backward pass has two.
    `others` are (study, cells, cells to train, epochs) for networks not made with PyTorch, whose operations are not
    counted.
    """
    if not importlib.util.find_spec("torch"):  # e.g. Snakemake and its jobs in conda environments
        lines = _amounts(studies, todo, others)
        return [HEAD, *lines, "  How long that takes is estimated only if Snakemake's own Python has PyTorch."]
    used = {cell.dataset for grid in studies.values() for cell in grid.values()}
    sizes = {name: data_size(results / "data" / f"{name}.npz", described[name]) for name in used}
    flops = dict.fromkeys(studies, 0)
    forward, left = ForwardFlops(notes / COUNTED), {}  # (heading, study, reason): names
    for study, cells in studies.items():
        for name in todo[study]:
            cell = cells[name]
            try:
                flops[study] += training_flops(cell, forward, *sizes[cell.dataset]) if sizes[cell.dataset] else 0
            except ValueError as error:  # a network that does not fit its block or the images
                left.setdefault(("Cannot be trained", study, str(error)), []).append(name)
            except Exception as error:  # a network that may well train, but cannot be run without images
                reason = f"{type(error).__name__}: {error}".splitlines()[0]
                left.setdefault(("Not counted without images", study, reason), []).append(name)
    forward.save()
    lines = _amounts(studies, todo, others, flops)
    if any(flops.values()):
        speed, source = measured_speed(studies, results)
        took = duration(sum(flops.values()) / speed)
        lines.append(f"  At {speed:.2g} FLOP/s ({source}) that is {took} if run one after the other.")
    lines += [
        f"  Not counted: the cells on {name}, whose size is known once it is fetched."
        for name, size in sizes.items()
        if not size
    ]
    lines += [
        f"  {heading}: {study}/{names[0]}{f' and {len(names) - 1:,} more' if names[1:] else ''}: {reason}"
        for (heading, study, reason), names in left.items()
    ]
    return [HEAD, *lines]


def _amounts(studies, todo, others, flops=None):
    """A line for each study: its cells, those to train, their epochs and, if `flops` is given, their operations."""
    amounts = [
        (study, len(cells), len(todo[study]), sum(cells[name].epochs for name in todo[study]))
        for study, cells in studies.items()
    ]
    rows = {}
    for study, count, to_train, epochs in (*amounts, *others):
        rows[study] = [counted(count, "cell"), f"{to_train:,} to train", counted(epochs, "epoch")]
        if flops is not None:
            # unknown: for data not yet read, for networks that do not fit, for those made with NumPy
            none = "FLOP unknown" if to_train else "0 FLOP"
            rows[study].append(f"{flops[study]:.1e} FLOP" if flops.get(study) else none)
    widths = [max(map(len, column)) for column in zip(*rows.values(), strict=True)]
    first = max(map(len, rows))
    return [f"  {study:{first}}  {', '.join(map(str.rjust, row, widths))}" for study, row in rows.items()]


def training_flops(cell, forward, count, shape, classes):
    """Floating-point operations of training a cell on `count` images of `shape` (channels, rows, columns).

    `forward` is a `ForwardFlops`. Raises ValueError if not even one batch can be made of them.
    """
    images = min(round(count * (1 - cell.val_fraction)), cell.train_items or count)
    if cell.batch_size > images:
        raise ValueError(f"batch_size is {cell.batch_size}, but there are only {images} training images")
    return 3 * forward(cell, shape, classes) * images * cell.epochs


class ForwardFlops:
    """Floating-point operations of a network's forward pass, counted once and kept in the file `path`."""

    def __init__(self, path):
        self.path, self.counted, self.changed = path, {}, False
        with contextlib.suppress(OSError, ValueError):
            self.counted = json.loads(path.read_text())

    def __call__(self, cell, shape, classes):
        """The operations of `cell`'s network for one image of `shape`."""
        found = options(cell)
        kinds = [(mark.kind, value) for key, value in found.items() for mark in MARKS.get(key, ())]
        names = (("model", cell.model), ("block", cell.block), *kinds)
        key = json.dumps([code.digest("workflow_scripts.engine.runs.results", names), found, shape, classes])
        if key not in self.counted:
            self.counted[key], self.changed = _count(cell, shape, classes), True
        return self.counted[key]

    def save(self):
        """Keep the counts; where they cannot be written, the next dry-run counts again."""
        with contextlib.suppress(OSError):
            if self.changed:
                whole_files.write(self.path, json.dumps(self.counted, indent=1))


def _count(cell, shape, classes):
    import torch  # here because most dry-runs do not need it

    from workflow_scripts.engine.runs.results import forward_flops
    from workflow_scripts.engine.training import gradients, networks

    import_registered(cell)  # as the training does: the network may lie in a folder below models/
    with torch.device("meta"):
        network = networks.build(cell, classes, shape)
        gradients.weight_layers(network.named_parameters())  # without any, it cannot be trained
        return forward_flops(network, shape)


def data_size(path, described):
    """(training images, (channels, rows, columns), classes), from a data set's file or from what is known about it.

    None for a data set of unknown size: a folder of images that has not been read yet.
    """
    if path.exists():
        from workflow_scripts.engine.data import datasets  # NumPy, not needed otherwise

        with contextlib.suppress(UserError, OSError):  # a damaged file, which its job reports
            meta = datasets.load_meta(path)
            return meta["train_images"], tuple(meta["image_shape"]), meta["num_classes"]
    if described.source not in NOMINAL:
        return None
    count, own_size, classes = NOMINAL[described.source]
    size = described.image_size or own_size
    return count, (described.channels, size, size), classes


def measured_speed(studies, results):
    """(FLOP/s, where the number is from): the median over the finished cells, or the speed of one processor core."""
    speeds = []
    for path in (Path(results, study, name, "cell.json") for study, cells in studies.items() for name in cells):
        with contextlib.suppress(OSError, *DAMAGED):
            facts = json.loads(path.read_text())
            images = facts["train_images"] * facts["epochs_run"]
            speeds.append(3 * facts["forward_flops"] * images / facts["seconds"])
    if speeds:
        return statistics.median(speeds), f"median of {len(speeds):,} finished here"
    return CORE, "one processor core; a GPU is many times faster"
