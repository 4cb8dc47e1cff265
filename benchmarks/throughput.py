"""How many cells per hour does a job train, one at a time and several in a bundle?

    python -m benchmarks.throughput --data results/data/digits.npz

The same cells are trained in jobs of 1, 2, 4 and 8, in turn; each job is a process with one thread, and jobs run one
after another. CPU seconds are counted (of the processes and their children), because wall-clock times depend on what
else the machine does.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import machine, ratios, spread, table, timed
from workflow_scripts.engine.configuration import cells
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.runs.bundles import bundles
from workflow_scripts.engine.runs.orders import Order

WIDTHS = (1, 2, 4, 8)
NETWORKS = (("vgg08", "plain"), ("vgg38", "bn_rc"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a data set as fetch_data writes it")
    parser.add_argument("--cells", type=int, default=8, help="of each network: seeds (%(default)s)")
    parser.add_argument("--epochs", type=int, default=8, help="of each cell (%(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="n (%(default)s)")
    args = parser.parse_args()
    print(machine(1))
    print(
        f"{args.cells} cells of {args.epochs} epochs on {args.data.stem}; n = {args.runs}, median (minimum to maximum)"
    )
    rows = []
    for model, block in NETWORKS:
        record = {"model": model, "block": block, "dataset": args.data.stem, "epochs": args.epochs, "batch_size": 50}
        seconds = {width: [] for width in WIDTHS}
        for _ in range(args.runs):
            for width, measured in seconds.items():
                found = {
                    cells.cell_name(cell): cell for cell in (Cell(**record, seed=seed) for seed in range(args.cells))
                }
                measured.append(train(found, width, args.data.absolute()))
        for width, measured in seconds.items():
            speed = [3600 * args.cells / used for used in measured]
            gain = spread(ratios(seconds[1], measured), ".2f")
            rows.append([f"{model} {block}", str(width), spread(speed, ".0f"), gain])
    print(table(["network", "cells per job", "cells per CPU hour", "times that of one"], rows))


def train(found, width, data):
    """CPU seconds of training the cells, `width` per job."""
    jobs = bundles(Study(grids=[{}]), found, width) or {name: [name] for name in found}
    with tempfile.TemporaryDirectory(prefix="throughput-") as folder:
        return sum(train_job(Path(folder), {name: found[name] for name in names}, data) for names in jobs.values())


def train_job(folder, found, data):
    """CPU seconds of a job with these cells: train_cell for one, train_bundle for several."""
    first, *others = found
    where = ["--data", data, "--device", "cpu"]
    if not others:
        return run("train_cell", *where, "--out", folder / first, *cells.flags(found[first]))
    orders = [Order(cell, folder / name, folder / f"{name}.checkpoint") for name, cell in found.items()]
    lines = "".join(order.to_json() + "\n" for order in orders)
    where += ["--out", folder / "bundles/first.txt", "--logs", folder / "logs"]
    return run("train_bundle", *where, stdin=lines)


def run(command, *arguments, stdin=""):
    """CPU seconds of a command of the workflow."""
    return timed([sys.executable, "-m", f"workflow_scripts.{command}", *arguments], stdin=stdin)[0]


if __name__ == "__main__":
    main()
