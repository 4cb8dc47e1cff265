"""The long chaos test, run by hand: many kills and every other disturbance, and a table of the outcomes.

    python -m tests.chaos.long --kills 100 --seed 0
    python -m tests.chaos.long --kills 10 --others 1 --study demo

A round removes a part of a finished study, runs the study and disturbs that run, then starts it again as the README
says, and compares the final results, bit for bit, with those of an undisturbed run. Exit status 1 if a round failed.
"""

import argparse
import platform
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from tests import demo_study
from tests.chaos import disturb
from tests.chaos.rounds import FAILED, REFUSED, SAME, SKIPPED, Rounds
from workflow_scripts.engine.machine.provenance import cpu_name

SMALL = {
    "datasets": {"digits": {"source": "digits", "image_size": 8}},
    "studies": {
        "cw2": {
            "base": {"dataset": "digits", "width": 0.25, "augmentation": "none", "batch_size": 50, "epochs": 3},
            "grids": [{"model": "vgg08"}, {"model": "vgg38", "block": ["plain", "bn_rc"]}],
            "compare": {"shallow": {"model": "vgg08"}, "deep": {"model": "vgg38", "block": "plain"}},
        }
    },
    "beras": None,
}
# How often each part of the study is disturbed: all of it rarely, because that takes ten times as long as any other.
WEIGHTS = {"all": 1, "a cell": 10, "small cells": 15, "figures": 10, "report": 10}
TRAINED = 3  # how many of these, from the first, involve training
VERDICTS = (SAME, REFUSED, FAILED, SKIPPED)


STUDIES = {"small": lambda: SMALL, "demo": demo_study.config}


def edited(config):
    """The same study with one more cell."""
    study = config["studies"]["cw2"]
    more = {**study["grids"][0], "seed": [7]}
    return {**config, "studies": {"cw2": {**study, "grids": [*study["grids"], more]}}}


def plan(kills, others, chance):
    """(disturbance, part) of every round: all kinds of kills equally often, then every other disturbance."""
    parts, weights = list(WEIGHTS), list(WEIGHTS.values())
    if not shutil.which("latexmk"):
        parts, weights = parts[:-1], weights[:-1]
    for number in range(kills):
        kind = disturb.KILLS[number % len(disturb.KILLS)]
        trains = kind.endswith("a training")
        yield kind, chance.choices(parts[: TRAINED if trains else None], weights[: TRAINED if trains else None])[0]
    for kind in disturb.DISTURBANCES:
        if kind not in disturb.KILLS:
            yield from [(kind, "a cell")] * others


def main():
    """Play all rounds; print a line for each, and the table at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="rounds with a kill (default: %(default)s)")
    parser.add_argument("--others", type=int, default=3, help="rounds of every other kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="decides what happens when (default: %(default)s)")
    parser.add_argument("--study", choices=STUDIES, default="small", help="default: %(default)s")
    arguments = parser.parse_args()

    start, counts = time.monotonic(), {}
    config = STUDIES[arguments.study]()
    with tempfile.TemporaryDirectory(prefix="gradscape-chaos-") as folder:
        whole = "everything" if shutil.which("latexmk") else "all"
        rounds = Rounds(Path(folder), config, edited(config), whole)
        for number, (kind, part) in enumerate(plan(arguments.kills, arguments.others, random.Random(arguments.seed))):
            verdict, why = rounds.play(disturb.DISTURBANCES[kind], part, (arguments.seed, number))
            counts.setdefault(kind, Counter())[verdict] += 1
            print(f"{number + 1:>4}  {kind} ({part}): {verdict}", *([why] if why else []), sep="\n", flush=True)
    print_table(arguments, counts, time.monotonic() - start)
    sys.exit(any(count[FAILED] for count in counts.values()))


def print_table(arguments, counts, seconds):
    """Print the outcomes of the rounds by kind, and the machine and versions they were measured with."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("snakemake", "torch", "numpy"))
    print(f"\n{cpu_name()}; Python {platform.python_version()}, {versions}")
    print(f"study {arguments.study}, seed {arguments.seed}, {seconds / 60:.0f} minutes\n")
    print("| disturbance | n |", *(f" {verdict} |" for verdict in VERDICTS), sep="")
    print("|---|", *(["---|"] * (1 + len(VERDICTS))), sep="")
    kills = sum((counts[kind] for kind in disturb.KILLS if kind in counts), Counter())
    for kind, count in [*counts.items(), ("all kills", kills)]:
        print(f"| {kind} | {count.total()} |", *(f" {count[verdict]} |" for verdict in VERDICTS), sep="")


if __name__ == "__main__":
    main()
