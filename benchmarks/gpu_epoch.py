"""How long does an epoch take on a GPU? Our networks, with and without CUDA graphs, alternating with the course's way.

    python -m benchmarks.gpu_epoch --data results/data/cifar100.npz

An epoch is that of `Training.run_epoch`, including the data path and gradient recording but not validation; the
course's uses its DataLoader and only float32, as PyTorch computes it by default. The limit is what an H200 cannot beat:
the arithmetic of three forward passes or, where they were counted, the bytes that have to be moved, whichever takes
longer. A second table gives the peak memory of a separate run, and the launches of kernels, graphs and copies per step;
a third the kernels that take most of the time. Both come after all timing, since a process may stay slower once it has
been profiled. `benchmarks.start_up` then measures start-up, with and without graphs.
"""

import argparse
import itertools
import subprocess
import sys
from statistics import median

import torch
from torch.autograd import DeviceType

from benchmarks import course_training, train_step
from benchmarks.cifar_net import random_data
from benchmarks.measuring import interleaved, machine, ratios, spread, table
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.machine import provenance
from workflow_scripts.engine.machine.devices import choose_device
from workflow_scripts.engine.runs.results import forward_flops
from workflow_scripts.engine.training.trainer import Training

NETWORKS = {
    "vgg08": {"model": "vgg08", "block": "plain"},
    **{f"vgg38 {block}": {"model": "vgg38", "block": block} for block in ("plain", "bn", "rc", "bn_rc")},
    "vgg_a": {"model": "vgg_a", "block": "plain"},
    "vgg_a bn": {"model": "vgg_a", "block": "bn"},
    "cifar_net": {"model": "cifar_net", "block": "bn_rc"},
}
COURSE = "course, fp32"
WAYS = {
    f"{way}, {precision}": (precision, way == "graph") for precision in ("fp32", "bf16") for way in ("plain", "graph")
}
# FLOP/s of an H200: outside the tensor cores from its data sheet, and as measured for a large matrix product
RATES = {"fp32": 67e12, "bf16": 790e12}
# s for an epoch of 47,500 images in batches of 100, from the bytes that a step has to move, at a copy's 4.3 TB/s
MOVING = {("vgg38 bn_rc", "bf16"): 0.245}
ASKED = ("cudaLaunch", "cuLaunch", "cudaGraphLaunch", "cudaMemcpy", "cudaMemset")  # the profiler's names for launches
PROFILED = 20  # steps
HEADER = ["network", "training", "s per epoch", "course / this", "limit, s", "% of it", "path"]
COSTS = ["network", "training", "peak MB", "launches"]
LONGEST = 12  # kernels of each network
KERNELS = ["network", "training", "kernel", "times", "ms", "% of all"]  # per step


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="CIFAR-100 as fetch_data writes it; without it, random images of that size")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--runs", type=int, default=3, help="epochs of each (%(default)s)")
    parser.add_argument("--steps", type=int, help="of a run, from which an epoch is reckoned (default: a whole epoch)")
    parser.add_argument("--threads", type=int, default=1, help="(%(default)s)")
    args = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("gpu_epoch: PyTorch finds no GPU, so nothing was measured")

    device = choose_device("cuda", args.threads)
    data = datasets.load(args.data) if args.data else random_data(100)
    print(f"{'CIFAR-100' if args.data else 'random images'}; {machine(args.threads, device)}")
    print(f"median (minimum to maximum) of {args.runs} runs")
    print(table(HEADER, []))
    for name in args.networks:
        print("\n".join(table(HEADER, rows(name, data, device, args.runs, args.steps)).splitlines()[2:]), flush=True)
    print()
    found = [costs(name, way, data, device) for name in args.networks for way in WAYS]
    print(table(COSTS, [cost for cost, _ in found]), flush=True)
    print()
    print(table(KERNELS, [row for _, kernels in found for row in kernels]), flush=True)
    for precision, graphs in WAYS.values():
        flags = ["--precision", precision, "--cuda-graphs" if graphs else "--no-cuda-graphs"]
        flags += ["--data", args.data] if args.data else []
        subprocess.run([sys.executable, "-m", "benchmarks.start_up", *flags], check=True)


def training_of(name, way, data, device):
    """A fresh `Training` of one of `NETWORKS` in one of `WAYS`."""
    precision, graphs = WAYS[way]
    return Training(Cell(**NETWORKS[name], precision=precision), data, device, cuda_graphs=graphs)


def rows(name, data, device, runs, steps=None):
    """Table rows for one of `NETWORKS`: the course's way and all of `WAYS`; a run is `steps` long, or an epoch."""
    trainings = {way: training_of(name, way, data, device) for way in WAYS}
    first = next(iter(trainings.values()))
    epoch, images = first.steps, first.steps * first.cell.batch_size
    steps = steps or epoch
    loader = course_training.batches(data.train_images[:images], data.train_labels[:images])
    endless = itertools.chain.from_iterable(itertools.repeat(loader))
    variants = {COURSE: train_step.course(endless, steps, device, **NETWORKS[name])}
    variants |= {way: train_step.ours(training, steps) for way, training in trainings.items()}
    measured = {way: [s * epoch / steps for s in seconds] for way, seconds in interleaved(variants, runs).items()}
    flops = 3 * images * forward_flops(first.model, data.image_shape)
    made = [[name, COURSE, spread(measured[COURSE], ".3f"), "1.00", *[""] * 3]]
    for way, (precision, _) in WAYS.items():
        seconds = measured[way]
        limit = max(flops / RATES[precision], MOVING.get((name, precision), 0))
        faster = spread(ratios(measured[COURSE], seconds), ".2f")
        share = f"{100 * limit / median(seconds):.1f}"
        made.append([name, way, spread(seconds, ".3f"), faster, f"{limit:.4f}", share, paths(trainings[way])])
    return made


def paths(training):
    """How the gradients were computed and the weights updated; one name if both were done the same way."""
    return ", ".join(dict.fromkeys((training.captured.path, training.captured_update.path)))


def costs(name, way, data, device):
    """(row of the second table, rows of the third) for one of `NETWORKS` in one of `WAYS`."""
    run = train_step.ours(training_of(name, way, data, device), PROFILED)
    provenance.measure_memory_anew(device)
    run()
    peak = provenance.peak_memory(device)
    with torch.profiler.profile(activities=torch.profiler.supported_activities()) as profiler:
        run()
    asked = sum(event.name.startswith(ASKED) for event in profiler.events())
    kernels = [[name, way, *row] for row in longest(profiler.key_averages())]
    return [name, way, f"{peak / 1e6:,.0f}", f"{asked / PROFILED:.0f}"], kernels


def longest(averages):
    """[kernel, times, milliseconds, share in percent] per step of the kernels that took longest on the device."""
    kernels = sorted(
        (event for event in averages if event.device_type != DeviceType.CPU),
        key=lambda event: event.self_device_time_total,
        reverse=True,
    )
    total = sum(event.self_device_time_total for event in kernels)
    for event in kernels[:LONGEST]:
        milliseconds = event.self_device_time_total / 1e3 / PROFILED
        share = 100 * event.self_device_time_total / total
        yield [event.key[:60], f"{event.count / PROFILED:.1f}", f"{milliseconds:.3f}", f"{share:.1f}"]


if __name__ == "__main__":
    main()
