"""How long does a point of a loss surface take, and what does measuring the landscape cost a training step?

    python -m benchmarks.landscape --data results/data/cifar10.npz

A point is the mean loss of one set of weights over 1,000 training images. The baseline decodes and normalises the
images one by one with torchvision in a DataLoader, in batches of 128 and again for every point, and reads the loss back
after every batch. Ours is `surfaces.py`: in fp32, the default; in bf16, as for bf16 cells; without its folding of batch
norm; and with several points at once. Target: 20 times as fast per point. Then come training steps with and without
what `bn_landscape` measures along the way.
"""

import argparse
import contextlib
from statistics import median
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torch.func import functional_call, vmap
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks.measuring import add_devices, interleaved, machine, ratios, spread, table, verdict
from models.registry import build_model
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.configuration.studies import Landscape
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.data.batches import COURSE_MEAN, COURSE_STD, Batches
from workflow_scripts.engine.landscape import surfaces
from workflow_scripts.engine.machine.devices import choose_device
from workflow_scripts.engine.training.trainer import Training

BAR = 20
IMAGES, POINTS = 1000, 4
NETWORKS = {
    "vgg_a": ("vgg_a", {}),
    "vgg_a bn": ("vgg_a", {"block": "bn"}),
    "vgg38 bn": ("vgg38", {"block": "bn"}),
    "vgg08": ("vgg08", {}),
    "vgg08 width 0.25": ("vgg08", {"width": 0.25}),
}
SETTINGS = Landscape.model_fields
EVERY, STEP_SIZES, LAGS = (SETTINGS[key].default for key in ("every", "step_sizes", "lags"))
MEASURED = {
    "lags": {"lags": LAGS},
    "walk": {"walk": {"step_sizes": STEP_SIZES, "every": EVERY}},
    "covariate shift": {"covariate_shift": {"every": EVERY}},
}


class DecodedImages(Dataset):
    """uint8 images (n, h, w, 3) and labels (n,), served one by one as normalised float32 (3, h, w)."""

    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(COURSE_MEAN, COURSE_STD)])

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="CIFAR-10 as fetch_data writes it")
    parser.add_argument("--threads", type=int, default=1, help="of all sides (%(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="of each (%(default)s)")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--only", choices=("surfaces", "steps"))
    add_devices(parser)
    args = parser.parse_args()

    data = datasets.load(args.data)
    for name in args.devices:
        device = choose_device(name, args.threads)
        print(machine(args.threads, device))
        for network in args.networks if args.only != "steps" else ():
            compare(network, interleaved(ways(data, network, device), args.runs))
        for network in args.networks if args.only != "surfaces" else ():
            overhead(network, data, device, args.runs)


def ways(data, network, device):
    """{name: function that measures `POINTS` points}, for everything that is compared."""
    model, options = NETWORKS[network]
    torch.manual_seed(0)
    plain = build_model(model, num_classes=data.num_classes, image_shape=data.image_shape, **options).to(device).eval()
    ours = build_model(model, num_classes=data.num_classes, image_shape=data.image_shape, **options)
    ours.load_state_dict(plain.state_dict())
    ours = ours.to(device, memory_format=torch.channels_last).eval()
    images, labels = data.train_images[:IMAGES], data.train_labels[:IMAGES]
    loader = DataLoader(DecodedImages(images, labels), 128)
    batches = Batches(images, labels, *map(np.array, (COURSE_MEAN, COURSE_STD)), device)
    batches = list(batches.in_order(surfaces.BATCH[device.type]))
    points = [(0.1 * index, -0.1 * index) for index in range(POINTS)]
    pair = surfaces.directions(ours, 0)

    def bf16():
        return torch.autocast(device.type, dtype=torch.bfloat16)

    def measure(precision=contextlib.nullcontext):
        return surfaces.measure(ours, batches, F.cross_entropy, points, pair, precision)

    def unfolded():
        with mock.patch.object(surfaces, "folded", lambda model: (model, {})):
            return measure()

    made = {
        "DataLoader": lambda: by_loader(plain, loader, points, surfaces.directions(plain, 0), device),
        "DataLoader, alone": lambda: [sum(len(labels) for _, labels in loader) for _ in points],
        "ours, fp32": measure,
        "ours, bf16": lambda: measure(bf16),
        "ours, fp32, not folded": unfolded,
        f"ours, fp32, {POINTS} points at once": lambda: together(ours, batches, points, pair),
    }
    for name in ("ours, fp32", "ours, fp32, not folded", f"ours, fp32, {POINTS} points at once"):
        torch.testing.assert_close(torch.tensor(made[name]()), torch.tensor(made["DataLoader"]()), rtol=1e-4, atol=2e-3)
    torch.testing.assert_close(
        torch.tensor(made["ours, bf16"]()), torch.tensor(made["DataLoader"]()), rtol=3e-2, atol=3e-2
    )
    return made


@torch.no_grad()
def by_loader(model, loader, points, pair, device):
    """[(loss, accuracy)], reading the images through the loader for every point, with `.item()` after every batch."""
    start = {name: parameter.clone() for name, parameter in model.named_parameters()}
    found = []
    for alpha, beta in points:
        for name, parameter in model.named_parameters():
            if name in pair[0]:
                parameter.copy_(start[name] + alpha * pair[0][name] + beta * pair[1][name])
        loss, hits = 0.0, 0
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            logits = model(images)
            loss += F.cross_entropy(logits, labels, reduction="sum").item()
            hits += (logits.argmax(1) == labels).sum().item()
        found.append((loss / IMAGES, hits / IMAGES))
    for name, parameter in model.named_parameters():
        parameter.copy_(start[name])
    return found


@torch.no_grad()
def together(model, batches, points, pair):
    """The same, but with all points in one pass over the data."""
    alphas, betas = torch.tensor(points, device=batches[0][0].device).T
    moved, still = {}, dict(model.named_parameters())
    for first, second, name in zip(*map(dict.values, pair), pair[0], strict=True):
        weight = still.pop(name)
        shape = (-1, *[1] * weight.ndim)
        moved[name] = weight + alphas.view(shape) * first + betas.view(shape) * second
    still |= dict(model.named_buffers())
    logits_of = vmap(lambda weights, images: functional_call(model, (weights, still), images), (0, None))
    sums = torch.zeros(2, len(points), dtype=torch.float64, device=alphas.device)
    for images, labels in batches:
        logits = logits_of(moved, images)
        sums[0] += torch.stack([F.cross_entropy(one, labels, reduction="sum") for one in logits])
        sums[1] += (logits.argmax(2) == labels).sum(1)
    return (sums / IMAGES).T.tolist()


def compare(network, measured):
    """Print the table of what `interleaved` measured, and whether the target is met."""
    baseline = measured["DataLoader"]
    rows = [
        [name, spread([1000 * s / POINTS for s in seconds], ".1f"), spread(ratios(baseline, seconds), ".2f")]
        for name, seconds in measured.items()
    ]
    print(f"\n{network}, {IMAGES} images, {len(baseline)} runs of {POINTS} points each: median (minimum to maximum)")
    print(table(["surface", "ms per point", "DataLoader / this, run by run"], rows))
    for name in ("ours, fp32", "ours, bf16"):
        faster = median(ratios(baseline, measured[name]))
        print(f"{name}: {faster:.1f} times as fast; {verdict(faster, BAR)}")


def overhead(network, data, device, runs):
    """Print the cost of each observer over `EVERY` training steps, one of which is probed."""
    model, options = NETWORKS[network]
    cell = Cell(model=model, **options, optimizer="sgd", lr=0.01, batch_size=128, augmentation="none")
    made = {"nothing": steps(cell, data, device, {})}
    made |= {name: steps(cell, data, device, measured) for name, measured in MEASURED.items()}
    measured = interleaved(made, runs)
    rows = [
        [name, spread([1000 * s / EVERY for s in seconds], ".1f"), spread(ratios(seconds, measured["nothing"]), ".2f")]
        for name, seconds in measured.items()
    ]
    print(
        f"\n{network}, batch {cell.batch_size}, {len(STEP_SIZES)} step sizes, one of {EVERY} steps probed, {runs} runs"
    )
    print(table(["measured", "ms per step", "this / nothing, run by run"], rows))


def steps(cell, data, device, measured):
    """A function that takes `EVERY` training steps and then reads a number back, so that it waits for a GPU."""
    training = Training(cell, data, device, measured)
    batches = training.train_batches.epoch(cell.seed, 0, cell.batch_size)

    def take():
        for _ in range(EVERY):
            training._step(*next(batches))
        return training.sums.tolist()

    return take


if __name__ == "__main__":
    main()
