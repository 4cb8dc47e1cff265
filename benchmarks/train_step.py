"""How long does a training step take? VGG_38 BN+RC, batch 100, alternating our engine and the course's way.

    python -m benchmarks.train_step --data results/data/cifar100.npz

A run of ours is a few steps from images to updated weights and recorded metrics, including the data path and gradient
recording; so is one of the course's, whose DataLoader workers have filled their queues before each run. Targets, on the
CPU with 2 threads: 1.2 times as fast in fp32, 2.2 times in bf16 (with AVX512-BF16); recording at most 5 % of the step.
"""

import argparse
import contextlib
import itertools
from statistics import median

import torch

from benchmarks import course_training
from benchmarks.measuring import add_devices, interleaved, machine, ratios, spread, table, verdict
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.machine.devices import choose_device
from workflow_scripts.engine.training.gradients import GradientRecorder
from workflow_scripts.engine.training.trainer import Training

BARS = {"fp32": 1.2, "bf16": 2.2}
MOST_RECORDING = 5  # % of the step
NOT_RECORDING = ", not recording"
IMAGES = 47_500
STEPS = {"cpu": 5, "cuda": 100}  # in a run; at most those of an epoch


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="CIFAR-100 as fetch_data writes it")
    parser.add_argument("--threads", type=int, default=2, help="(%(default)s)")
    parser.add_argument("--runs", type=int, default=15, help="of each (%(default)s)")
    add_devices(parser)
    args = parser.parse_args()

    data = datasets.load(args.data)
    for name in args.devices:
        device = choose_device(name, args.threads)
        print(machine(args.threads, device))
        compare(interleaved(variants(data, device), args.runs, pause=1.0), STEPS[name])


def variants(data, device):
    """{name: function that takes `STEPS` steps}, for everything that is measured."""
    steps = STEPS[device.type]
    loader = course_training.batches(data.train_images[:IMAGES], data.train_labels[:IMAGES])
    made = {
        "course": course(itertools.chain.from_iterable(itertools.repeat(loader)), steps, device),
        "course, one batch again and again": course(itertools.repeat(next(iter(loader))), steps, device),
    }
    for precision in BARS:
        for label, recorder in (("", GradientRecorder), (NOT_RECORDING, NoRecorder)):
            training = Training(Cell(model="vgg38", block="bn_rc", precision=precision), data, device)
            training.gradients = recorder(training.model)
            training.moved["the recorder's sums"] = training.gradients.sums
            made[precision + label] = ours(training, steps)
    return made


def compare(measured, steps):
    """Print the table of what `interleaved` measured, and whether the targets are met."""
    baseline = measured["course"]
    rows = [
        [name, spread([1000 * s / steps for s in seconds], ".1f"), spread(ratios(baseline, seconds), ".2f")]
        for name, seconds in measured.items()
    ]
    print(f"{len(baseline)} runs of {steps} steps each: median (minimum to maximum)")
    print(table(["training", "ms per step", "course / this, run by run"], rows))
    for precision, bar in BARS.items():
        faster = median(ratios(baseline, measured[precision]))
        recording = ratios(measured[precision], measured[precision + NOT_RECORDING])
        cost = [100 * (ratio - 1) for ratio in recording]
        print(f"{precision}: {faster:.2f} times the course's speed; {verdict(faster, bar)}")
        print(
            f"{precision}: recording costs {spread(cost, '.1f')} %; {verdict(median(cost), MOST_RECORDING, most=True)}"
        )


class NoRecorder(GradientRecorder):
    def record(self):
        pass


class Paused(Exception):
    """Raised to leave `Training.run_epoch`, which continues where it was when called again."""


def ours(training, steps):
    """Function that takes the first `steps` steps of an epoch, with `Training.run_epoch` itself."""

    def run():
        torch.set_deterministic_debug_mode("error")  # as train_cell does
        torch.backends.cudnn.allow_tf32 = False
        training.progress.step = 0
        with contextlib.suppress(Paused):
            training.run_epoch(after_step)
        training.sums.tolist()  # waits for a GPU

    def after_step():
        if training.progress.step == steps:
            raise Paused

    return run


def course(batches, steps, device, **network):
    """Function that trains a `network` on the next `steps` of `batches`, the course's way."""
    training = course_training.CourseTraining(device, **network)

    def run():
        torch.set_deterministic_debug_mode("default")  # this and the next line: PyTorch's defaults, as in the course
        torch.backends.cudnn.allow_tf32 = True
        for images, labels in itertools.islice(batches, steps):
            training.step(images, labels)

    return run


if __name__ == "__main__":
    main()
