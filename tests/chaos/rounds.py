"""Rounds: a finished study with a part removed, a run that is disturbed, the next run, and a verdict."""

import contextlib
import random
import shutil
import time
from dataclasses import dataclass

from tests.chaos.disturb import Impossible, Missed
from tests.chaos.workflow import Workflow

SAME, REFUSED, FAILED, SKIPPED = "same bits", "refused", "FAILED", "skipped"
TRIES = 10  # attempts to disturb a run before it is over
DRAWN = ("results/cw2/figures", "results/cw2/tables", "report/*.pdf", "results/report")
TABLE, CURVES = "results/cw2/tables/table1.txt", "results/cw2/figures/curves_problem.pdf"


@dataclass(frozen=True)
class Part:
    """A part of the study that a round remakes: what is removed first, and which targets are requested."""

    taken: tuple
    targets: tuple


A_CELL = ("results/cw2/*bn_rc*seed0", "results/cw2/summary", *DRAWN)
SMALL_CELLS = ("results/cw2/vgg08*seed[01]", "results/cw2/summary", *DRAWN)
PARTS = {
    "everything": Part(("results", "report", ".snakemake"), ("report/mlp-cw2.pdf",)),
    "all": Part(("results", "report", ".snakemake"), (TABLE, CURVES)),
    "a cell": Part(A_CELL, (TABLE, CURVES)),
    "small cells": Part(SMALL_CELLS, (TABLE, CURVES)),
    "cell, figure": Part(A_CELL, (CURVES,)),
    "figures": Part(DRAWN, (TABLE, CURVES)),
    "report": Part(("report/*.pdf", "results/report"), ("report/mlp-cw2.pdf",)),
}


class Rounds:
    """Rounds with one study, in folders under `folder`. `other` is the configuration that an edit may change it to.

    The study is first completed up to the targets of `part`; rounds remove what these targets make, or less of it.
    """

    def __init__(self, folder, config, other, part):
        self.folder, self.config, self.other, self.count = folder, config, other, 0
        self.finished = Workflow(folder / "finished", PARTS[part].targets)
        self.finished.configure(config)
        self.references = {(part, str(config)): _undisturbed(self.finished)}

    def reference(self, part, config):
        """(bits, seconds) of an undisturbed run: of `part`, or of what an edited configuration adds."""
        key = part, str(config)
        if key not in self.references:
            with self._prepared(part, PARTS[part].taken if config == self.config else DRAWN) as workflow:
                workflow.configure(config)
                self.references[key] = _undisturbed(workflow)
        return self.references[key]

    def play(self, disturbance, part, seed):
        """Play one round; returns (verdict, explanation). `seed` decides what happens when."""
        chance = random.Random(str(seed))
        before, seconds = self.reference(part, self.config)
        for attempt in range(TRIES):
            with contextlib.suppress(Missed), self._prepared(part, PARTS[part].taken) as workflow:
                workflow.seconds, workflow.other = seconds * 0.8**attempt, self.other
                return self._round(disturbance, workflow, part, chance, before)
        return SKIPPED, f"the run was over too early, {TRIES} times"

    def _round(self, disturbance, workflow, part, chance, before):
        disturbed = contextlib.contextmanager(disturbance)(workflow, chance)
        try:
            with disturbed:
                halves = [name for name, bits in workflow.bits().items() if bits != before.get(name)]
                assert not halves, f"half a result: {halves}"
                config = workflow.config()
                after = before if config == self.config else self.reference(part, config)[0]
                status, said = workflow.next_run()
                workflow.wait_for(lambda: not workflow.processes())
                if status:
                    return _refusal(said)
                bits = workflow.bits()
                wrong = sorted(name for name in bits.keys() | after.keys() if bits.get(name) != after.get(name))
                assert not wrong, f"other bits: {wrong}"
                assert not workflow.leftovers(), f"left behind: {workflow.leftovers()}"
            return SAME, ""
        except Impossible as reason:
            return SKIPPED, str(reason)
        except (AssertionError, TimeoutError) as reason:
            return FAILED, f"{reason}\n{workflow.said()}"

    @contextlib.contextmanager
    def _prepared(self, part, taken):
        self.count += 1
        workflow = self.finished.copy(self.folder / f"round{self.count}", PARTS[part].targets)
        workflow.remove(taken)
        try:
            yield workflow
        finally:
            workflow.end()
            shutil.rmtree(workflow.folder)


def _undisturbed(workflow):
    start = time.monotonic()
    status, said = workflow.run()
    assert status == 0, said
    return workflow.bits(), time.monotonic() - start


def _refusal(said):
    """The verdict on a next run that failed: this is acceptable if it says why, without a traceback."""
    if "Traceback" not in said and any("rror: " in line for line in said.splitlines()):
        return REFUSED, said
    return FAILED, said
