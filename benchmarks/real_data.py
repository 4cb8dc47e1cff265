"""Does training work on real data? The first epochs of VGG_08 on CIFAR-100, next to published values of its last.

    python -m workflow_scripts.fetch_data --name cifar100 --source cifar100 --out results/data/cifar100.npz
    python -m benchmarks.real_data --data results/data/cifar100.npz --out /tmp/vgg08 --epochs 10

Trains with the command that the workflow uses and with the settings of the study cw2, except for the number of epochs:
however few there are, the learning rate falls from 1e-3 to 2e-5 over them. With `--schedule cosine_course_2023` it
swings between the two, as in the course's later code. If stopped and started again, it resumes from its checkpoint.
"""

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import machine, table

METRICS = ("train_loss", "train_acc", "val_loss", "val_acc")
PUBLISHED = (1.74, 0.5159, 1.95, 0.4684)  # VGG08, Adam 1e-3, epoch 100: Edinburgh MLP coursework 2, Table 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="CIFAR-100 as fetch_data writes it")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--epochs", type=int, default=10, help="of the whole run (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--precision", default="fp32", help="fp32 or bf16 (%(default)s)")
    parser.add_argument("--schedule", default="cosine", help="of the learning rate (%(default)s)")
    args = parser.parse_args()

    record = {"model": "vgg08", "lr": 1e-3, "schedule": args.schedule, "epochs": args.epochs}
    record |= {"threads": args.threads, "precision": args.precision}
    flags = [word for key, value in record.items() for word in (f"--{key}", str(value))]
    command = [sys.executable, "-m", "workflow_scripts.train_cell", "--data", args.data, "--out", str(args.out)]
    subprocess.run([*command, *flags], check=True)

    with open(args.out / "history.csv", newline="") as file:
        history = list(csv.DictReader(file))
    rows = [[str(int(row["epoch"]) + 1), *shown(row), f"{float(row['seconds']):.1f}"] for row in history]
    rows.append(["published, 100", *shown(dict(zip(METRICS, PUBLISHED, strict=True))), ""])
    test = json.loads((args.out / "test.json").read_text())
    print(f"{args.precision}, {args.schedule}; {machine(args.threads)}")
    print(table(["epoch", "train loss", "train acc", "val loss", "val acc", "seconds"], rows))
    print(f"test images, weights of epoch {test['epoch'] + 1}: {test['test_loss']:.2f}, {test['test_acc']:.2%}")


def shown(row):
    """The metrics of a row: losses to two decimals, accuracies in percent."""
    return [f"{float(row[key]):.2%}" if key.endswith("acc") else f"{float(row[key]):.2f}" for key in METRICS]


if __name__ == "__main__":
    main()
