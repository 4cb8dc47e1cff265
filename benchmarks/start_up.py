"""How long until a cell trains? From a fresh process to its first steps: VGG_38 BN+RC, batch 100, as in the workflow.

    python -m benchmarks.start_up --data results/data/cifar100.npz

On a GPU the first step includes setting up its libraries and capturing the CUDA graph of the gradients, the second
capturing that of the update, and the third the last check; `--no-cuda-graphs` leaves the graphs out.
"""

import argparse
import itertools
import time

STEPS = ("first step", "second step", "third step", "fourth step")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="CIFAR-100 as fetch_data writes it; without it, random images of that size")
    parser.add_argument("--cuda-graphs", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--precision", default="fp32", help="fp32 or bf16 (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="(%(default)s)")
    args = parser.parse_args()

    names, times = [], [time.perf_counter()]

    def lap(name):
        names.append(name)
        times.append(time.perf_counter())

    # imported here because the time they take is measured
    import torch

    from benchmarks.cifar_net import random_data
    from benchmarks.measuring import machine, table
    from workflow_scripts.engine.configuration.record import Cell
    from workflow_scripts.engine.data import datasets
    from workflow_scripts.engine.machine.devices import choose_device
    from workflow_scripts.engine.training.trainer import Training

    lap("import")
    device = choose_device("auto", args.threads)
    torch.zeros(1, device=device).tolist()
    lap("device")
    data = datasets.load(args.data) if args.data else random_data(100)
    lap("data" if args.data else "data (random)")
    cell = Cell(model="vgg38", block="bn_rc", precision=args.precision, threads=args.threads)
    training = Training(cell, data, device, cuda_graphs=args.cuda_graphs)
    training.model.train()
    lap("network and batches")
    batches = training.train_batches.epoch(cell.seed, 0, cell.batch_size)
    for step in STEPS:
        training._step(*next(batches))
        training.sums.tolist()  # waits for a GPU
        lap(step)
    ways = f"gradients by {training.captured.path}, updates by {training.captured_update.path}"
    print(f"{machine(args.threads, device)}; {args.precision}, {ways}")
    seconds = (f"{end - begin:.2f}" for begin, end in itertools.pairwise(times))
    print(table(["start-up", "seconds"], list(zip(names, seconds, strict=True))))


if __name__ == "__main__":
    main()
