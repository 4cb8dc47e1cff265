"""What a run began and did not finish is made by the next, although what was made from it before still exists."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.workflow_runs import CELL, TINY, dry_run, edited, snakemake, to_train, write_config
from workflow_scripts.engine import locks
from workflow_scripts.engine.runs.orders import MADE
from workflow_scripts.engine.workflow import failures
from workflow_scripts.engine.workflow.unfinished import Journal

TABLE = "results/cw2/tables/table1.txt"


def wait_until(holds, seconds=600):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_cell_whose_training_failed(study, project):
    """Its earlier files are back, and the earlier table is newer than everything the cell is made from.

    Both runs are quiet: Snakemake sends no message about a job that is done. A bundle makes up for what failed alone.
    """
    cell, checkpoints = CELL.format("vgg38", "bn_rc", 0), study / "results/.checkpoints"
    other = "results/data/other.npz"
    config = TINY | {"datasets": {name: TINY["datasets"]["digits"] for name in ("digits", "other")}}
    write_config(study, config)
    block = "class ConvolutionalProcessingBlockBNRC(ConvolutionalProcessingBlockBN):\n"
    with edited(project / "models/blocks.py", block, f"{block}    is_another = True\n"):
        assert to_train(study, project=project) == [cell]
        shutil.rmtree(checkpoints)
        checkpoints.touch()  # not a folder, so that no training can begin
        status, said = snakemake(study, TABLE, other, "--quiet", project=project, check=False)
        assert status and "Finished jobid" not in said
        assert re.findall("Restored previous version of (.*) [(]", said) == [f"results/cw2/{cell}/cell.json"]
    assert (study / "results/cw2" / cell / "cell.json").exists() and (study / TABLE).exists()
    checkpoints.unlink()
    said = dry_run(study, TABLE, other, project=project)
    assert f"Training {cell} (cw2)" in said and "Making the table of cw2" in said and "Fetching" not in said
    write_config(study, config | {"cells_per_job": 5})
    _, said = snakemake(study, TABLE, "--quiet", project=project)
    assert (study / "results/cw2" / cell / "cell.json").exists() and not list(checkpoints.iterdir())
    assert "cells done" not in said and "Nothing to be done" in dry_run(study, TABLE, project=project)
    write_config(study, config)
    assert to_train(study, project=project) == []


@pytest.mark.parametrize("lost", ["history.csv", ""])
def test_a_cell_that_has_lost_a_file_or_its_folder(study, project, lost):
    """In the DAG one of its files stands for all, and what was made from them still exists."""
    cell = CELL.format("vgg38", "bn_rc", 0)
    path = study / "results/cw2" / cell / lost
    path.unlink() if lost else shutil.rmtree(path)
    assert to_train(study, project=project) == [cell]


def test_a_training_that_outlives_snakemake_is_not_lost(tmp_path):
    """Snakemake does not know that the job was done, and runs it again, which finds the cell made.

    The training waits for this process until Snakemake is dead.
    """
    grid = {"model": "vgg08", "dataset": "digits", "width": 0.25, "epochs": 2, "augmentation": "none"}
    write_config(tmp_path, {**TINY, "studies": {"s": {"grids": [grid]}}, "beras": None})
    cell = "vgg08-plain-width0.25-digits-augnone-epochs2-lr0.001-seed0"
    target, folder = f"results/s/{cell}/history.csv", tmp_path / "results/s" / cell
    log = tmp_path / f"results/logs/s/{cell}.log"
    kept = tmp_path / re.search(r"--checkpoint (\S+)", dry_run(tmp_path, "-p", "--", target))[1]
    lock = kept.with_name(f"{kept.name}.lock")
    program = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "1", "--", target]
    silent = dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
    with locks.alone(lock), subprocess.Popen(program, cwd=tmp_path, **silent) as first:
        wait_until(lambda: log.exists() and "waiting for" in log.read_text())
        first.kill()
    wait_until(lambda: (folder / "cell.json").exists() and not lock.exists())
    weights = (folder / "model.safetensors").read_bytes()
    snakemake(tmp_path, "--unlock")
    snakemake(tmp_path, target)
    assert log.read_text().startswith(MADE)
    assert (folder / "model.safetensors").read_bytes() == weights and not kept.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_was_stopped_says_how_it_goes_on(tmp_path, number):
    """Ctrl-C, and the end of an allocation, reach all its processes."""
    grid = {"model": "vgg08", "dataset": "digits", "width": 0.25, "epochs": 50, "augmentation": "none", "seed": [0, 1]}
    write_config(tmp_path, {**TINY, "studies": {"s": {"grids": [grid]}}, "beras": None})
    program = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "1", "--quiet", "rules"]

    def listen():  # a shell's background processes ignore SIGINT, and so do their children
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(
        [*program, "--", "study_s"], cwd=tmp_path, start_new_session=True, preexec_fn=listen, **silent
    ) as run:
        wait_until(lambda: any("val" in log.read_text() for log in tmp_path.glob("results/logs/s/*.log")), 100)
        os.killpg(run.pid, number)
        said = run.communicate()[1]
    assert run.returncode and "Traceback" not in said and "failed; see" not in said
    assert said.endswith("\nStopped by a signal. The same command, started again, continues from here.\n")


LOGS = {
    "an error": ("epoch 1\nerror: a is 5, expected 6\n", ["error: a is 5, expected 6"]),
    "the last of two": ("error: a\nepoch 1\nerror: b\nits log: c\n", ["error: b", "its log: c"]),
    "a long one": (
        "error: 9 failed:\n" + "".join(f"  cell{n}\n" for n in range(9)),
        ["error: 9 failed:", "  cell0", "  cell1", "  cell2", "…"],
    ),
    "a traceback": (
        'Traceback (most recent call last):\n  File "a.py", line 1\n    b()\nRuntimeError: no memory\n',
        ["RuntimeError: no memory"],
    ),
    "a traceback through a network": (
        f'Traceback (most recent call last):\n  File "{ROOT}/models/a.py", line 1, in forward\n    b()\n'
        f'  File "{ROOT}/.venv/lib/c.py", line 2, in b\n    c()\nRuntimeError: no memory\n',
        [f'File "{ROOT}/models/a.py", line 1, in forward', "RuntimeError: no memory"],
    ),
    "a long line": ("error: " + "x" * 1000, ["error: " + "x" * 293 + "…"]),
    "a long log": ("x" * 200_000 + "\nerror: a\n", ["error: a"]),
    "none": ("epoch 1\nepoch 2\n", []),
    "no UTF-8": (b"error: \xff\n", ["error: \ufffd"]),
}


@pytest.mark.parametrize(("content", "lines"), LOGS.values(), ids=LOGS)
def test_the_reason_is_the_last_error_in_a_log(tmp_path, content, lines):
    (tmp_path / "log").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert failures.reason(tmp_path / "log") == lines
    assert failures.reason(tmp_path / "none") == []


def test_tables_that_could_not_be_gathered(study, project):
    """The summary is kept while it is made anew; it still has the five cells of before."""
    fewer = {**TINY, "studies": {"cw2": {**TINY["studies"]["cw2"], "grids": TINY["studies"]["cw2"]["grids"][1:]}}}
    fewer["studies"]["cw2"]["compare"] = {"shallow": {"block": "bn"}, "deep": {"block": "plain"}}
    write_config(study, fewer)
    history = study / "results/cw2" / CELL.format("vgg38", "rc", 0) / "history.csv"
    content = history.read_bytes()
    history.write_bytes(b"\xff\xfe")
    status, said = snakemake(study, TABLE, project=project, check=False)
    assert status and f"{history.relative_to(study)} is damaged" in said
    assert "VGG08" in (study / TABLE).read_text()
    assert (study / "results/cw2/summary/index.json").exists()
    history.write_bytes(content)
    snakemake(study, TABLE, project=project)
    assert "VGG08" not in (study / TABLE).read_text()


def test_the_journal(tmp_path):
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.begin(["a", "b"])
    journal.begin(["c"])
    assert Journal(path).unfinished == {"a", "b", "c"}
    journal.finish(["a", "b"])
    path.write_text(path.read_text() + '\n["begun", ["d"')  # killed while it wrote
    other = Journal(path)
    assert other.unfinished == {"c"}
    other.begin(["e"])
    other.finish(["c"])
    assert Journal(path).unfinished == {"e"}
    other.finish(["e"])
    assert not path.exists() and not Journal(path).unfinished
    Journal(path).begin(["wanted no more"])
    for _ in range(5):
        run = Journal(path)
        run.begin(["g"])
        run.finish(["g"])
    assert Journal(path).unfinished == {"wanted no more"} and len(path.read_text().splitlines()) == 3
    path.write_bytes(b'5\n["begun"]\n\xff\xfe\n["begun", ["f"]]')
    assert Journal(path).unfinished == {"f"}
