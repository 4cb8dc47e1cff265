"""Train a bundle: cells of one data set, one after the other in one process.

    python -m workflow_scripts.train_bundle --data results/data/cifar100.npz --logs results/logs/cw2 \\
        --out results/cw2/bundles/first.txt < orders.jsonl

Each line of standard input is a cell as JSON: {"cell": name, "record": keys, "checkpoint": file, "measured": {...},
"test": whether to read the test images}. Its files are written beside the folder of --out, its log to --logs, as
train_cell would. A finished cell is not trained again, and one that fails does not stop the others. When all are
finished, --out lists them.
"""

import contextlib
import sys
import traceback
from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.machine import devices
from workflow_scripts.engine.runs import making, manifests
from workflow_scripts.engine.runs.orders import Order


def main():
    """Train what standard input names."""
    parser = commands.parser("train_bundle", __doc__)
    parser.add_argument("--data", type=Path, required=True, help="a data set as fetch_data writes it (.npz)")
    parser.add_argument("--out", type=Path, required=True, help="manifest of the bundle")
    parser.add_argument("--logs", type=Path, required=True, help="folder of the cells' logs")
    devices.add_flags(parser)
    making.add_flags(parser)
    arguments = parser.parse_args()
    running = flags.read(arguments, config.Running)
    orders = [Order.from_json(line, arguments.out.parent.parent) for line in sys.stdin]
    if not orders:
        raise commands.UserError("expected cells on standard input, a line of JSON for each, found none")
    threads, *others = {order.cell.threads for order in orders}
    if others:  # they are set once per process
        raise commands.UserError("standard input: expected cells with the same number of `threads`, found several")
    failed = []
    with devices.computing(running, threads) as device:
        data = datasets.load(arguments.data)
        for order in orders:
            with _logged(arguments.logs / f"{order.out.name}.log"):
                try:
                    making.make(order, data, device, running, arguments.keep_checkpoint)
                except commands.UserError as error:
                    print(f"error: {error}", file=sys.stderr)
                    failed.append(f"  {error}")
                except OSError:  # such as a full disk: the others would fail as well
                    raise
                except Exception as error:  # such as too little memory: it may be enough for another cell
                    traceback.print_exc()
                    failed.append(f"  {order.out.name}: {type(error).__name__}: {error}")
    if failed:
        raise commands.UserError("\n".join([f"{len(failed)} of {len(orders)} cells failed:", *failed]))
    manifests.write(arguments.out, [order.out.name for order in orders])


@contextlib.contextmanager
def _logged(path):
    """Redirect output to the log `path`, as for a cell that has its own job."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as log, contextlib.redirect_stderr(log):
        yield


if __name__ == "__main__":
    commands.run(main)
