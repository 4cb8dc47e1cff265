"""Bundles: cells that one job trains in turn have the same bits as with a job each, and none is trained twice."""

import copy
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from tests.conftest import ROOT, inside
from tests.tiny_runs import stamps
from tests.workflow_runs import CELL, TINY, dry_run, snakemake, to_train, write_config
from workflow_scripts.engine import locks
from workflow_scripts.engine.configuration import cells, config, grids
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.runs import manifests
from workflow_scripts.engine.runs.bundles import bundles
from workflow_scripts.engine.runs.orders import MADE, Order
from workflow_scripts.engine.workflow.plan import Plan

FILES = ("gradients.csv", "steps.npz", "test.json", "model.safetensors")
RECORDS = [
    Cell(model=model, block=block, dataset="digits", width=0.25, epochs=2, augmentation="none", seed=seed)
    for model, block in (("vgg08", "plain"), ("vgg38", "bn_rc"))
    for seed in (0, 1)
]
CELLS = {cells.cell_name(cell): cell for cell in RECORDS}
FIRST, SECOND, THIRD, *_ = CELLS


def study(**keys):
    grids = [{"model": ["vgg08", "vgg38"], "seed": [0, 1, 2], "dataset": "digits"}]
    return config.parse(config.Study, {"grids": grids, **keys}, "a study")


@pytest.mark.parametrize("size", [2, 4, 6, 100])
def test_every_cell_is_in_one_bundle(size):
    grid = grids.expand("s", study())
    found = bundles(study(), grid, size)
    assert [name for part in found.values() for name in part] == list(grid)
    assert all(part[0] == name and len(part) <= size for name, part in found.items())
    assert len(found) == -(-len(grid) // size)


def test_the_largest_bundle_fits_on_a_command_line():
    """Linux allows 128 KB per argument, and Snakemake passes a rule's whole command to the shell as one."""
    full = config.load(yaml.safe_load((ROOT / "config.yaml").read_text()))
    (most,) = (mark.le for mark in config.Running.model_fields["cells_per_job"].metadata if hasattr(mark, "le"))
    plan = Plan(full)
    for name in full.studies:
        longest = max(len(plan.order(name, cell).to_json()) for cell in plan.studies[name])
        assert most * longest * 1.2 < 2**17  # with room for quoting what a shell would interpret


def test_bundles_of_one_are_none():
    assert bundles(study(), grids.expand("s", study()), 1) == {}


@pytest.mark.parametrize(
    "differs",
    [
        {"grids": [{"dataset": ["digits", "mnist"], "seed": [0, 1]}]},
        {"grids": [{"threads": [1, 2], "seed": [0, 1]}]},
        {
            "grids": [{"lr": [0.1, 0.2], "seed": [0, 1]}],
            "landscape": {"rates": {"lr": 0.1}, "walk": {"lr": 0.1}, "every": 5},
        },
    ],
    ids=["data set", "threads", "measured"],
)
def test_the_cells_of_a_bundle_are_alike(differs):
    found = bundles(study(**differs), grids.expand("s", study(**differs)), 10)
    assert sorted(map(len, found.values())) == [2, 2]


def order(name, folder):
    """A cell as the rule passes it to train_bundle."""
    return json.loads(Order(CELLS[name], folder / name, folder / f"checkpoints/{name}").to_json())


def flags(folder, digits_file):
    first = folder / manifests.FOLDER / f"{FIRST}.txt"
    return ["--data", digits_file, "--out", first, "--logs", folder / "logs", "--device", "cpu"]


def lines(orders):
    return "".join(json.dumps(one) + "\n" for one in orders)


def train(folder, digits_file, *orders):
    """Train a bundle in this process; returns {cell: its log}."""
    inside("train_bundle", *flags(folder, digits_file), stdin=lines(orders))
    return logs(folder)


def logs(folder):
    return {path.stem: path.read_text() for path in (folder / "logs").glob("*.log")}


@pytest.fixture(scope="module")
def bundled(tmp_path_factory, digits_file):
    """The folder of a study whose four cells were trained as one bundle, from first to last."""
    folder = tmp_path_factory.mktemp("bundled")
    train(folder, digits_file, *(order(name, folder) for name in CELLS))
    return folder


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_has_the_bits_of_one_with_a_job_of_its_own(name, bundled, tmp_path, digits_file):
    inside("train_cell", "--data", digits_file, "--out", tmp_path / name, "--device", "cpu", *cells.flags(CELLS[name]))
    for file in FILES:
        assert (tmp_path / name / file).read_bytes() == (bundled / name / file).read_bytes()
    rows = [(folder / name / "history.csv").read_text().splitlines() for folder in (tmp_path, bundled)]
    alone, together = ([row.rpartition(",")[0] for row in found] for found in rows)
    assert alone == together
    assert "epoch   2/2" in logs(bundled)[name]


def test_the_manifest_stands_for_the_cells(bundled):
    manifest = bundled / manifests.FOLDER / f"{FIRST}.txt"
    assert manifests.folders(manifest) == [bundled / name for name in CELLS]
    assert manifests.folders(bundled / FIRST / "cell.json") == manifests.folders(bundled / FIRST) == [bundled / FIRST]
    assert not list((bundled / "checkpoints").iterdir())


def test_a_bundle_that_was_killed_keeps_its_finished_cells(bundled, tmp_path, digits_file):
    """Its third cell waits for this process, so that it cannot be done before it is killed."""
    orders = [order(name, tmp_path) for name in CELLS]
    command = [sys.executable, "-m", "workflow_scripts.train_bundle", *map(str, flags(tmp_path, digits_file))]
    held = Order(CELLS[THIRD], tmp_path / THIRD, tmp_path / f"checkpoints/{THIRD}")
    with held.alone(), subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, text=True) as process:
        process.stdin.write(lines(orders))
        process.stdin.close()
        while "waiting for" not in logs(tmp_path).get(THIRD, ""):
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    before = {name: stamps(tmp_path / name) for name in (FIRST, SECOND)}
    assert not (tmp_path / manifests.FOLDER).exists()
    said = train(tmp_path, digits_file, *orders)
    for name, found in before.items():
        assert stamps(tmp_path / name) == found and MADE in said[name]
        assert said[name].count("\n") == 1  # a log is of the last run only
    for name in CELLS:
        assert all((tmp_path / name / file).read_bytes() == (bundled / name / file).read_bytes() for file in FILES)


def test_one_that_fails_does_not_keep_the_others_from_being_trained(tmp_path, digits_file, refused, monkeypatch):
    too_large, other = (order(name, tmp_path) for name in (FIRST, SECOND))
    too_large["record"]["batch_size"] = 10**6
    other |= {"measured": {"lags": [1]}, "test": False}
    monkeypatch.setattr(sys, "stdin", lines([too_large, other]).splitlines())
    message = refused("train_bundle", *flags(tmp_path, digits_file))
    assert (
        message.startswith("error: 1 of 2 cells failed:\n") and "batch_size is 1000000, but there are only" in message
    )
    facts = json.loads((tmp_path / SECOND / "cell.json").read_text())
    assert "error: " in logs(tmp_path)[FIRST] and (facts["measured"], facts["tested"]) == ({"lags": [1]}, False)
    assert not (tmp_path / FIRST / "cell.json").exists() and not (tmp_path / manifests.FOLDER).exists()


def test_one_that_finds_no_memory_does_not_either(tmp_path, digits_file):
    """PyTorch raises a RuntimeError, as it does when a GPU runs out of memory."""
    too_large, other = (order(name, tmp_path) for name in (FIRST, SECOND))
    too_large["record"] |= {"model": "vgg38", "width": 64}  # 150 MB for the weights of a layer
    words = map(str, [sys.executable, "-m", "workflow_scripts.train_bundle", *flags(tmp_path, digits_file)])
    limited = ["bash", "-c", f"ulimit -d 2000000; exec {shlex.join(words)}"]
    done = subprocess.run(limited, input=lines([too_large, other]), capture_output=True, text=True, cwd=ROOT)
    assert done.returncode and f"1 of 2 cells failed:\n  {FIRST}: RuntimeError: " in done.stderr, done.stderr
    assert "Traceback" in logs(tmp_path)[FIRST] and "Traceback" not in done.stderr
    assert (tmp_path / SECOND / "cell.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected cells on standard input, a line of JSON for each, found none"),
        ('{"cell": "one"', 'standard input: expected a cell as JSON, found \'{"cell": "one"\''),
        ('{"cell": "one"}', "standard input: expected a cell as JSON, found "),
        ("[]", "standard input: expected a cell as JSON, found '[]'"),
        (
            "\n".join(
                json.dumps({"cell": f"c{threads}", "record": {"threads": threads}, "checkpoint": "c", "measured": {}})
                for threads in (1, 2)
            ),
            "standard input: expected cells with the same number of `threads`, found several",
        ),
    ],
)
def test_what_is_no_bundle_is_refused(tmp_path, digits_file, refused, monkeypatch, text, message):
    monkeypatch.setattr(sys, "stdin", text.splitlines())
    assert refused("train_bundle", *flags(tmp_path, digits_file)).startswith(f"error: {message}")


def run_with_bundles_that_wait(folder, settings, *targets):
    """What a run in three bundles prints, and their cells.

    The second trains its first cell once the first bundle is done, and its last once the third is done, which itself
    waits for the former: so the line of the third counts a cell of a bundle that is not done.
    """
    plan = Plan(config.load(settings))
    first, second, third = plan.bundles["cw2"].values()

    def held(name):
        return locks.alone(folder / f"{plan.checkpoint('cw2', plan.cell('cw2', name))}.lock")

    def wait_until(holds):
        while not holds():
            assert not run.done(), run.result()
            time.sleep(0.05)

    def is_said(name):
        return any(f"cw2/{name}: " in path.read_text() for path in (folder / ".snakemake/log").glob("*.log"))

    with ThreadPoolExecutor() as pool, held(second[-1]):
        with held(third[0]):
            with held(second[0]):
                run = pool.submit(snakemake, folder, *targets, "--cores", 3)
                wait_until(lambda: is_said(first[0]))
            wait_until(lambda: (folder / "results/cw2" / second[0] / "cell.json").exists())
        wait_until(lambda: is_said(third[0]))
    return run.result()[1], first, second, third


def test_the_workflow_in_bundles(tmp_path):
    """Three bundles; then two more seeds, another bundle size, and no bundles: no finished cell is trained again."""
    two = TINY | {"cells_per_job": 2}
    write_config(tmp_path, two)
    preview = dry_run(tmp_path, "results/cw2/tables/table1.txt")
    assert "cw2 5 cells, 5 to train" in " ".join(preview.split())
    targets = ("results/cw2/tables/table1.txt", "results/cw2/course")
    said, *parts = run_with_bundles_that_wait(tmp_path, two, *targets)
    assert said.count("Training up to 2 cells") == 3 and "(5 of 5 cells done)" in said
    tallies = dict(re.findall(r"^cw2/(\S+): .*\((\d of 5) cells done", said, re.MULTILINE))
    assert [tallies[part[0]] for part in parts] == ["2 of 5", "5 of 5", "4 of 5"]
    table = (tmp_path / "results/cw2/tables/table1.txt").read_text()
    assert len(list((tmp_path / "results/cw2/course").glob("*/result_outputs"))) == 5
    cell_names = [path.parent.name for path in tmp_path.glob("results/cw2/*/cell.json")]
    before = {name: stamps(tmp_path / "results/cw2" / name) for name in cell_names}
    assert len(before) == 5 and "Nothing to be done" in snakemake(tmp_path, "results/cw2/tables/table1.txt")[1]

    more = copy.deepcopy(TINY) | {"cells_per_job": 3}
    more["studies"]["cw2"]["grids"][0]["seed"] = [0, 1, 2]
    write_config(tmp_path, more)
    preview = dry_run(tmp_path, "results/cw2/tables/table1.txt")
    assert "cw2 7 cells, 2 to train" in " ".join(preview.split())
    lost = CELL.format("vgg38", "bn_rc", 0)  # file lost from a cell whose bundle is unchanged
    (tmp_path / "results/cw2" / lost / "history.csv").unlink()
    preview = dry_run(tmp_path, "results/cw2/tables/table1.txt")
    assert "cw2 7 cells, 3 to train" in " ".join(preview.split())
    snakemake(tmp_path, "results/cw2/tables/table1.txt")
    del before[lost]
    assert all(stamps(tmp_path / "results/cw2" / name) == found for name, found in before.items())
    assert (tmp_path / "results/cw2/tables/table1.txt").read_text() != table

    write_config(tmp_path, more | {"cells_per_job": 1})
    assert to_train(tmp_path) == []


def test_a_bundle_of_another_name(tmp_path):
    write_config(tmp_path, TINY | {"cells_per_job": 2})
    status, said = snakemake(tmp_path, "-n", "results/cw2/bundles/vgg08-seed0.txt", check=False)
    assert status and "study cw2 has no cell vgg08-seed0; the nearest: vgg08-plain-" in said
