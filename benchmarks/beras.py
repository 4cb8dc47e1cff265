"""How fast and how good is Beras? Its two models on MNIST, beside the same networks in PyTorch on the same cores.

    python benchmarks/beras.py --data FOLDER_WITH_MNIST --threads 2

Beras and PyTorch train in turn, epoch by epoch, in single precision, from the same weights and on the same batches, so
that whatever else the machine does meets both. Bars: simple at least 90 % and at most 8 s of training in all,
advanced at least 98 % and 30 s; at most twice PyTorch's time per epoch (the median over the epochs of the ratios).
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "models" / place) for place in ("", "beras_assignment")]

import assignment  # noqa: E402
import Beras  # noqa: E402
import preprocess  # noqa: E402

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
        theirs.append(seconds(lambda: twin.train_one_epoch(*train, parts.batch_size)))
    ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
    accuracy, total = model.evaluate(*test, batch_size=100)["acc"][0], sum(ours)
    least, most = BARS[kind]
    held = accuracy >= least and total <= most and ratio <= MOST_TIMES_PYTORCH
    return (
        f"{kind:10}{median(ours):8.3f}{median(theirs):9.3f}{ratio:7.2f}{total:8.1f}s{accuracy:10.2%}"
        f"{twin.accuracy(*test):13.2%}  {'held' if held else 'MISSED'}"
    )


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


class Twin:
    """The network, loss, optimiser and schedule of a compiled Beras model, in PyTorch, with the same first weights."""

    def __init__(self, model):
        self.network = nn.Sequential(*(LAYERS[type(layer)](layer) for layer in model.layers))
        self.loss = LOSSES[type(model.compiled_loss)]
        self.rate = model.optimizer.learning_rate
        self.optimizer = OPTIMIZERS[type(model.optimizer)](self.network.parameters())
        self.steps = 0

    def train_one_epoch(self, x, y, batch_size):
        """As `Beras.Model.fit` does: batches in order, and loss and accuracy of each of them."""
        self.network.train()
        x, y = torch.from_numpy(x), torch.from_numpy(y)
        metrics = []
        for start in range(0, len(x), batch_size):
            inputs, labels = x[start : start + batch_size], y[start : start + batch_size]
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate(self.steps) if callable(self.rate) else self.rate
            outputs = self.network(inputs)
            loss = self.loss(outputs, labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.steps += 1
            metrics.append((loss.item(), (outputs.argmax(1) == labels.argmax(1)).float().mean().item()))
        return metrics

    @torch.no_grad()
    def accuracy(self, x, y):
        self.network.eval()
        return (self.network(torch.from_numpy(x)).argmax(1).numpy() == y.argmax(1)).mean()


def linear(dense):
    layer = nn.Linear(*dense.w.shape)
    layer.weight.data, layer.bias.data = torch.tensor(dense.w.T.copy()), torch.tensor(dense.b)
    return layer


LAYERS = {
    Beras.Dense: linear,
    Beras.LeakyReLU: lambda layer: nn.LeakyReLU(layer.alpha),
    Beras.Dropout: lambda layer: nn.Dropout(layer.rate),
    Beras.Softmax: lambda layer: nn.Softmax(dim=1),
}
LOSSES = {
    Beras.MeanSquaredError: lambda p, t: (p - t).square().sum(dim=1).mean(),
    Beras.CategoricalCrossentropy: lambda p, t: -(t * p.log()).sum(dim=1).mean(),
}
OPTIMIZERS = {
    Beras.BasicOptimizer: torch.optim.SGD,
    Beras.Adam: lambda parameters: torch.optim.Adam(parameters, eps=1e-7),
}


if __name__ == "__main__":
    main()
