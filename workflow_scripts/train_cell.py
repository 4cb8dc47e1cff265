"""Train one cell: a network on a data set, from a record to results/<study>/<cell>/.

    python -m workflow_scripts.train_cell --data results/data/cifar100.npz --out results/cw2/my-run \\
        --model vgg38 --block bn_rc --lr 0.01

Started again after it was killed, it goes on from its last checkpoint and ends with the same bits.
"""

import argparse
import datetime
import json
import os
from pathlib import Path

import torch

from workflow_scripts.engine import cells, commands, config, datasets, provenance, results, runs


def parser():
    """A flag for every key of a cell's record, and where to read and write."""
    parser = commands.parser("train_cell", __doc__)
    settings = config.Running.model_fields
    parser.add_argument("--data", type=Path, required=True, help="a data set as fetch_data writes it (.npz)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--checkpoint", type=Path, help="file of the checkpoint (default: <out>.checkpoint)")
    parser.add_argument("--checkpoint-seconds", type=float, default=settings["checkpoint_seconds"].default)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default=settings["device"].default)
    parser.add_argument(
        "--tensorboard", action=argparse.BooleanOptionalAction, help=settings["tensorboard"].description
    )
    parser.add_argument(
        "--test", action=argparse.BooleanOptionalAction, default=True, help="read the test images, at the end"
    )
    parser.add_argument(
        "--measure", type=json.loads, default={}, metavar="JSON", help="what to measure along the way, by observer"
    )
    record = parser.add_argument_group("the cell's record")
    for key, field in config.Cell.model_fields.items():
        record.add_argument(
            f"--{key.replace('_', '-')}", metavar="VALUE", help=f"{field.description} (default: {field.default})"
        )
    return parser


def read_record(arguments):
    """The `Cell` that the flags describe."""
    given = {key: value for key in config.Cell.model_fields if (value := getattr(arguments, key)) is not None}
    return config.parse(config.Cell, given, "the cell's record")


def choose_device(name, threads):
    """The `torch.device` for "auto", "cpu" or "cuda", with PyTorch set to compute the same bits every time."""
    if name == "cuda" and not torch.cuda.is_available():
        raise commands.UserError("device is 'cuda', but PyTorch finds no GPU; set device to 'cpu' or 'auto'")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it
    torch.set_deterministic_debug_mode("error")  # as use_deterministic_algorithms(True), without its import of Inductor
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False  # it may choose another algorithm in each run
    torch.backends.cudnn.allow_tf32 = False  # fp32 means float32, on every device
    torch.set_num_threads(threads)
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def main():
    """Train the cell that the flags describe."""
    arguments = parser().parse_args()
    cell = read_record(arguments)
    device = choose_device(arguments.device, cell.threads)
    data = datasets.load(arguments.data)
    checkpoint = arguments.checkpoint or arguments.out.with_name(arguments.out.name + ".checkpoint")
    started = datetime.datetime.now(datetime.UTC)
    tensorboard = arguments.out if arguments.tensorboard else None
    training = runs.train(cell, data, device, checkpoint, arguments.checkpoint_seconds, tensorboard, arguments.measure)
    facts = {
        "cell": arguments.out.name,
        "record": cell.model_dump(),
        "record_digest": cells.record_digest(cell),
        "code_digest": cells.code_digest(cell, arguments.measure),
        "measured": arguments.measure,
        **results.measurements(training, data),
        "start": started.isoformat(timespec="seconds"),
        "end": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "peak_memory_bytes": provenance.peak_memory(device),
        **provenance.provenance(device),
    }
    results.write(training, arguments.out, facts, arguments.test)
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    commands.run(main)
