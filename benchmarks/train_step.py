"""How long does a training step take? VGG_38 BN+RC, batch 100, our engine and the course's way in turn.

    python -m benchmarks.train_step --data results/data/cifar100.npz

A run of each is a few steps from images to updated weights and recorded metrics, data path and gradient recording
included; so is the course's, with its DataLoader's workers filled up before each run. Bars, on the CPU with 2 threads:
1.2 times as fast in fp32, 2.2 times in bf16 (with AVX512-BF16); recording at most 5 % of the step.
"""

import argparse
import contextlib
import itertools
from statistics import median

import torch

from benchmarks.course_training import CourseTraining, batches
from benchmarks.measuring import interleaved, machine, ratios, spread, table, verdict
from workflow_scripts.engine import datasets
from workflow_scripts.engine.config import Cell
from workflow_scripts.engine.gradients import GradientRecorder
from workflow_scripts.engine.trainer import Training
from workflow_scripts.train_cell import choose_device

BARS = {"fp32": 1.2, "bf16": 2.2}
MOST_RECORDING = 5  # % of the step
NOT_RECORDING = ", not recording"
IMAGES = 47_500


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="CIFAR-100 as fetch_data writes it")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="(%(default)s: a GPU if any)")
    parser.add_argument("--threads", type=int, default=2, help="(%(default)s)")
    parser.add_argument("--runs", type=int, default=15, help="of each (%(default)s)")
    parser.add_argument("--steps", type=int, default=5, help="in a run, at most an epoch's; 100 on a GPU (%(default)s)")
    args = parser.parse_args()

    device = choose_device(args.device, args.threads)
    data = datasets.load(args.data)
    variants = {"course": course(data, device, args.steps)}
    for precision in BARS:
        for label, recorder in (("", GradientRecorder), (NOT_RECORDING, NoRecorder)):
            training = Training(Cell(model="vgg38", block="bn_rc", precision=precision), data, device)
            training.gradients = recorder(training.model)
            variants[precision + label] = ours(training, args.steps)
    print(machine(args.threads, device))
    measured = interleaved(variants, args.runs, pause=1.0)
    print(f"{args.runs} runs of {args.steps} steps each; the median (least to most)")
    print(table(["training", "ms per step", "course / this, in one run"], rows(measured, args.steps)))
    for precision, bar in BARS.items():
        with_it, without = measured[precision], measured[precision + NOT_RECORDING]
        faster = median(ratios(measured["course"], with_it))
        cost = [100 * (ratio - 1) for ratio in ratios(with_it, without)]
        print(f"{precision}: {faster:.2f} times the course's speed; {verdict(faster, bar)} (bars are for the CPU)")
        print(
            f"{precision}: recording gradients costs {spread(cost, '.1f')} %; {verdict(median(cost), MOST_RECORDING, True)}"
        )


class NoRecorder(GradientRecorder):
    def record(self):
        pass


class Paused(Exception):
    """Thrown out of `Training.run_epoch`, which goes on where it was when called again."""


def ours(training, steps):
    """Function that takes the first `steps` steps of the epoch with `Training.run_epoch` itself."""

    def run():
        torch.set_deterministic_debug_mode("error")  # as train_cell does
        training.progress.step = 0
        with contextlib.suppress(Paused):
            training.run_epoch(after_step)
        training.sums.tolist()  # waits for a GPU

    def after_step():
        if training.progress.step == steps:
            raise Paused

    return run


def course(data, device, steps):
    """Function that takes the next `steps` steps in the course's way."""
    training = CourseTraining(device)
    loader = batches(data.train_images[:IMAGES], data.train_labels[:IMAGES])
    endless = itertools.chain.from_iterable(itertools.repeat(loader))

    def run():
        torch.set_deterministic_debug_mode("default")
        for images, labels in itertools.islice(endless, steps):
            training.step(images, labels)

    return run


def rows(measured, steps):
    """[variant, ms per step, ratio] of each of the `measured` variants."""
    return [
        [name, spread([1000 * s / steps for s in seconds], ".0f"), spread(ratios(measured["course"], seconds), ".2f")]
        for name, seconds in measured.items()
    ]


if __name__ == "__main__":
    main()
