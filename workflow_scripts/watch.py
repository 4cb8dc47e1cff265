"""Watch a run of the workflow: the cells that are training, with epoch, loss, accuracy and time left.

    python -m workflow_scripts.watch --results elsewhere/results

On a terminal it is drawn anew every two seconds until all cells are done; Ctrl-C ends it.
"""

import shutil
import sys
import time
from pathlib import Path

import pandas as pd

from workflow_scripts.engine import commands, progress, text_tables

CLEAR = "\x1b[H\x1b[J"  # to the upper left corner, and nothing below


def main():
    """Look and draw, once or until all is done."""
    parser = commands.parser("watch", __doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the results")
    parser.add_argument("--once", action="store_true", help="print once, as it does where there is no terminal")
    arguments = parser.parse_args()
    again = sys.stdout.isatty() and not arguments.once
    while True:
        run = progress.Run.read(arguments.results)
        run.look()
        if again:
            print(CLEAR, end="")
        print(*lines(run)[: shutil.get_terminal_size().lines - 1 if again else None], sep="\n", flush=True)
        if not again or len(run.finished) == len(run.cells):
            return
        time.sleep(2)


def lines(run):
    """What there is to see of a `progress.Run` after its `look`: how far it is, and a row for each running cell."""
    head = [f"Gradscape: {run.tally(run.left())}"]
    rows = [_row(name, run.cells[name][1], cell) for name, cell in sorted(run.running.items())]
    return [*head, "", *text_tables.plain(pd.DataFrame(rows), ("Cell",))] if rows else head


def _row(name, epochs, cell):
    left = None if cell.seconds is None else max(0.0, cell.seconds * (epochs - cell.epoch) - cell.silent)
    return {
        "Cell": name,
        "Epoch": f"{cell.epoch}/{epochs}",
        "Loss": "–" if cell.loss is None else f"{cell.loss:.4f}",
        "Val. acc.": "–" if cell.val_acc is None else f"{cell.val_acc:.1%}",
        "Left": "–" if left is None else progress.duration(left),
        "Last heard of": f"{cell.silent:.0f} s ago",
    }


if __name__ == "__main__":
    commands.run(main)
