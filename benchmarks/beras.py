"""How fast and how good is Beras? Its two models on MNIST, against the same networks in PyTorch on the same cores.

    python -m benchmarks.beras --data FOLDER_WITH_MNIST --threads 2

Beras and PyTorch take turns epoch by epoch, in single precision, from the same weights and on the same batches, so
that any other load on the machine affects both. Targets: simple at least 90 % and at most 8 s of training in all,
advanced at least 98 % and at most 30 s; at most twice PyTorch's time per epoch (the median over the epochs of the
ratios).
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from workflow_scripts.engine.beras.twin import Twin  # noqa: I001  (puts what follows on the path)

import assignment
import Beras
import preprocess

BARS = {"simple": (0.90, 8.0), "advanced": (0.98, 30.0)}  # test accuracy, seconds of training
MOST_TIMES_PYTORCH = 2.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with MNIST's four IDX files")
    parser.add_argument("--threads", type=int, default=2, help="for both libraries (%(default)s)")
    args = parser.parse_args()

    encoder = Beras.OneHotEncoder()
    encoder.fit(range(10))
    train, test = (
        (inputs, encoder(labels))
        for inputs, labels in (preprocess.get_data_MNIST(subset, args.data) for subset in ("train", "test"))
    )
    torch.set_num_threads(args.threads)
    print(f"{args.threads} thread(s); NumPy {np.__version__}, PyTorch {torch.__version__}; seconds per epoch: medians")
    print(f"{'model':10}{'Beras':>8}{'PyTorch':>9}{'ratio':>7}{'in all':>9}{'test acc':>10}{'PyTorch acc':>13}  bars")
    with threadpool_limits(args.threads, user_api="blas"):
        for kind, components in assignment.MODELS.items():
            print(row(kind, components, train, test))


def row(kind, components, train, test):
    """One line of the table: both libraries trained in turn."""
    np.random.seed(0)
    torch.manual_seed(0)
    parts = components()
    model, twin = parts.model, Twin(parts.model)
    ours, theirs = [], []
    for _ in range(parts.epochs):
        ours.append(seconds(lambda: model.fit(*train, epochs=1, batch_size=parts.batch_size, verbose=False)))
        theirs.append(seconds(lambda: train_one_epoch(twin, *train, parts.batch_size)))
    ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
    accuracy, total = model.evaluate(*test, batch_size=100)["acc"][0], sum(ours)
    least, most = BARS[kind]
    held = accuracy >= least and total <= most and ratio <= MOST_TIMES_PYTORCH
    return (
        f"{kind:10}{median(ours):8.3f}{median(theirs):9.3f}{ratio:7.2f}{total:8.1f}s{accuracy:10.2%}"
        f"{accuracy_of(twin, *test):13.2%}  {'held' if held else 'MISSED'}"
    )


def train_one_epoch(twin, x, y, batch_size):
    """Train as `Beras.Model.fit` does: on batches of the arrays, in order."""
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    for i in range(0, len(x), batch_size):
        twin.step(x[i : i + batch_size], y[i : i + batch_size])


@torch.no_grad()
def accuracy_of(twin, x, y):
    """Accuracy on arrays, in evaluation mode: without dropout."""
    twin.network.eval()
    return (twin.network(torch.from_numpy(x)).argmax(1).numpy() == y.argmax(1)).mean()


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
