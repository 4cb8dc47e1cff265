"""Watch a run of the workflow: the cells that are training, with epoch, loss, accuracy and time left.

    python -m workflow_scripts.watch --results elsewhere/results

In a terminal, the display is renewed every two seconds until all cells are done; Ctrl-C ends it.
"""

import contextlib
import shutil
import sys
import time
from pathlib import Path

import pandas as pd

from workflow_scripts.engine import commands
from workflow_scripts.engine.text import text_tables, wording
from workflow_scripts.engine.workflow import progress

LEAST = 20  # characters of a cell's name
CLEAR = "\x1b[H\x1b[J"  # go to the upper left corner, and clear all below


def main():
    """Look and draw, once or until all is done."""
    parser = commands.parser("watch", __doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the results")
    parser.add_argument("--once", action="store_true", help="print once, as it does when there is no terminal")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it, not an error
        watch(arguments.results, again=sys.stdout.isatty() and not arguments.once)


def watch(results, again):
    """Print the progress of the run in the folder `results`; `again`: repeatedly, until all is done."""
    run = progress.Run.read(results)
    while True:
        run.look()
        if again:
            print(CLEAR, end="")
        size = shutil.get_terminal_size()
        print(*(lines(run, size.columns)[: size.lines - 1] if again else lines(run)), sep="\n", flush=True)
        if not again or len(run.finished) == len(run.cells):
            return
        time.sleep(2)
        run = run.read_again()


def lines(run, width=None):
    """The progress of a `progress.Run` after its `look`, and a row for each running cell.

    If `width` is given, names lose their middles so that lines fit into so many characters.
    """
    head = [f"Gradscape: {run.tally(run.left())}"]
    rows = [_row(name, run.cells[name][1], cell) for name, cell in sorted(run.running.items())]
    if not rows:
        return head
    table = pd.DataFrame(rows)
    if width:
        others = sum(2 + max(len(name), table[name].str.len().max()) for name in table if name != "Cell")
        table["Cell"] = [_shortened(name, max(LEAST, width - others)) for name in table["Cell"]]
    return [*head, "", *text_tables.plain(table, ("Cell",))]


def _shortened(name, most):
    """A name cut to so many characters: both its ends, which have the study, the network, the rate and the seed."""
    if len(name) <= most:
        return name
    return f"{name[: (most - 1) // 2]}…{name[-(most // 2) :]}"


def _row(name, epochs, cell):
    left = None if cell.seconds is None else max(0.0, cell.seconds * (epochs - cell.epoch) - cell.silent)
    return {
        "Cell": name,
        "Epoch": f"{cell.epoch}/{epochs}",
        "Loss": "–" if cell.loss is None else f"{cell.loss:.4f}",
        "Val. acc.": "–" if cell.val_acc is None else f"{cell.val_acc:.1%}",
        "Left": "–" if left is None else wording.duration(left),
        "Last output": "failed" if cell.failed else f"{cell.silent:.0f} s ago",
    }


if __name__ == "__main__":
    commands.run(main)
