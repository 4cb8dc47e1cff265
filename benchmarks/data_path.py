"""How fast is the data path? One augmented epoch of 47,500 CIFAR-sized images, alternating ours and the course's.

    python -m benchmarks.data_path --data results/data/cifar100.npz

Both crop (4 pixels), flip and normalise to float32 batches of 100: ours with 2 threads, the course's with torchvision's
transforms in a DataLoader with 4 workers, which are started anew every epoch. Target: 8 times as fast.
"""

import argparse
from statistics import median

import numpy as np
import torch

from benchmarks import course_training
from benchmarks.measuring import interleaved, machine, ratios, spread, table, verdict
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.data.batches import COURSE_MEAN, COURSE_STD, Batches

IMAGES, SIZE = 47_500, 32
BAR = 8


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="CIFAR as fetch_data writes it; without it, random images of that size")
    parser.add_argument("--runs", type=int, default=7, help="epochs of each (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of ours (%(default)s)")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    images, labels = training_images(args.data)
    print(f"{'CIFAR' if args.data else 'random images'}; {machine(args.threads)}")
    measured = interleaved({"course": course_epoch(images, labels), "ours": our_epoch(images, labels)}, args.runs)
    times = ratios(measured["course"], measured["ours"])
    rows = [[name, spread(seconds, ".2f"), f"{IMAGES / median(seconds):,.0f}"] for name, seconds in measured.items()]
    print(table(["data path", "seconds per epoch", "images per second"], rows))
    print(f"course / ours, of {args.runs} pairs: {spread(times, '.1f')}; {verdict(median(times), BAR)}")


def training_images(path):
    """uint8 images (47500, 32, 32, 3) and labels from the file `path`, or random ones without it."""
    if path:
        data = datasets.load(path)
        return data.train_images[:IMAGES], data.train_labels[:IMAGES]
    random = np.random.default_rng(0)
    return random.integers(0, 256, (IMAGES, SIZE, SIZE, 3), np.uint8), random.integers(0, 100, IMAGES)


def course_epoch(images, labels):
    loader = course_training.batches(images, labels)
    return lambda: exhaust(loader)


def our_epoch(images, labels):
    device = torch.device("cpu")
    batches = Batches(images, labels, np.array(COURSE_MEAN), np.array(COURSE_STD), device, "crop+flip")
    return lambda: exhaust(batches.epoch(0, 0, course_training.BATCH_SIZE))


def exhaust(batches):
    """Consume all batches and check that they make up one epoch."""
    taken = sum(len(labels) for _, labels in batches)
    assert taken == IMAGES, taken


if __name__ == "__main__":
    main()
