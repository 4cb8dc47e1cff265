"""One cell of a study, as TensorBoard shows it."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import pandas as pd
import pytest

from tests.workflow_runs import CELL, TINY, snakemake, write_config


def test_one_cell_can_be_asked_for_and_tensorboard_reads_it(tmp_path):
    write_config(tmp_path, {**TINY, "tensorboard": True})
    name = CELL.format("vgg08", "plain", 0)
    history = tmp_path / f"results/cw2/{name}/history.csv"
    snakemake(tmp_path, history.relative_to(tmp_path))
    assert [folder.name for folder in (tmp_path / "results/cw2").iterdir()] == [name]

    pytest.importorskip("tensorboard")
    with served(tmp_path / "results") as ask:
        assert ask("runs") == [f"cw2/{name}"]
        for metric in ("train_loss", "train_acc", "val_loss", "val_acc", "lr"):
            points = ask("scalars/scalars", run=f"cw2/{name}", tag=metric)
            assert [step for _, step, _ in points] == [0, 1]
            assert [value for *_, value in points] == pytest.approx(list(pd.read_csv(history)[metric]), rel=1e-6)


@contextlib.contextmanager
def served(folder):
    """`tensorboard --logdir folder` on a free port; a function that returns its answer to a query, as JSON."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", str(port)]
    server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(path, attempts=3000, **query):
        url = f"http://127.0.0.1:{port}/data/{'plugin/' if '/' in path else ''}{path}?{urllib.parse.urlencode(query)}"
        for _ in range(attempts):
            assert server.poll() is None
            with contextlib.suppress(OSError), urllib.request.urlopen(url) as answer:
                if found := json.load(answer):
                    return found
            time.sleep(0.1)
        raise AssertionError(f"no answer from {url}")

    try:
        yield ask
    finally:
        server.terminate()
        server.wait()
