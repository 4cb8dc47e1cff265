"""How large is cifar_net, and how long does it train? At several widths, compared with vgg_a BN and vgg38 BN+RC.

    python -m benchmarks.cifar_net --data results/data/cifar10.npz

A run is a few steps of `Training.run_epoch`, from images to updated weights and recorded metrics; the networks take
turns. The time of an epoch is that of its steps, without validation. FLOPs are those of one image's forward pass; a
multiplication and an addition count as two.
"""

import argparse
from statistics import median

import numpy as np

from benchmarks.measuring import interleaved, machine, spread, table
from benchmarks.train_step import ours
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.machine.devices import choose_device
from workflow_scripts.engine.runs.results import forward_flops
from workflow_scripts.engine.training.trainer import Training

IMAGES = 50_000
STEPS = {"cpu": 1, "cuda": 50}  # in a run
WIDTHS = (0.25, 0.5, 1.0, 1.5, 2.0)
NETWORKS = {
    **{f"cifar_net bn_rc, width {width:g}": Cell(model="cifar_net", block="bn_rc", width=width) for width in WIDTHS},
    "vgg_a bn": Cell(model="vgg_a", block="bn"),
    "vgg38 bn_rc": Cell(model="vgg38", block="bn_rc"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="CIFAR-10 as fetch_data writes it; without it, random images of that size")
    parser.add_argument("--batch-size", type=int, default=500, help="(%(default)s)")
    parser.add_argument("--precision", default="bf16", help="fp32 or bf16 (%(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="of each (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="(%(default)s)")
    args = parser.parse_args()

    data = datasets.load(args.data) if args.data else random_data()
    device = choose_device("auto", args.threads)
    steps = STEPS[device.type]
    changes = {"batch_size": args.batch_size, "precision": args.precision, "optimizer": "nesterov"}
    trainings = {name: Training(cell.model_copy(update=changes), data, device) for name, cell in NETWORKS.items()}
    print(f"{'CIFAR-10' if args.data else 'random images'}; {machine(args.threads, device)}")
    measured = interleaved({name: ours(training, steps) for name, training in trainings.items()}, args.runs)
    print(
        f"batches of {args.batch_size}, {args.precision}; {args.runs} runs of {steps} step(s): ",
        "median (minimum to maximum)",
        sep="",
    )
    rows = [row(name, trainings[name], [s / steps for s in seconds], data) for name, seconds in measured.items()]
    print(table(["network", "parameters", "forward MFLOPs", "ms per step", "s per epoch of 50,000"], rows))


def row(name, training, seconds, data):
    """A row of the table; `seconds` holds the time of a step in each run."""
    return [
        name,
        f"{sum(parameter.numel() for parameter in training.model.parameters()):,}",
        f"{forward_flops(training.model, data.image_shape) / 1e6:,.0f}",
        spread([1000 * s for s in seconds], ".1f"),
        f"{IMAGES / training.cell.batch_size * median(seconds):.1f}",
    ]


def random_data(num_classes=10):
    """A `datasets.Data` of random images the size of CIFAR-10, with `num_classes` classes (100 for CIFAR-100)."""
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (IMAGES, 32, 32, 3), np.uint8), random.integers(0, num_classes, IMAGES)
    names = np.array([str(label) for label in range(num_classes)])
    return datasets.Data(images, labels, images[:100], labels[:100], names, meta={})


if __name__ == "__main__":
    main()
