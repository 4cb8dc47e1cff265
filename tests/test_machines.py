"""What is said about cells made on different machines, with different drivers, versions or threads."""

import copy
import json
import resource
import sys

import pytest
import torch

from tests import made_cells
from tests.conftest import inside
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.machine import provenance
from workflow_scripts.engine.tables import summary

STUDY = Study(grids=[{"model": "vgg08", "dataset": "digits", "epochs": 5, "seed": [0, 1, 2, 3, 4]}])
CELL = "vgg08-plain-digits-epochs5-lr0.001-seed{}"
REMARK = "These cells were not all made on the same kind of machine:"


def other(**changes):
    """What cell.json says about the machine of the cell with seed 4, and of the others."""
    return lambda cell: changes if cell.seed == 4 else {}


def nested(section, **changes):
    return {section: {**copy.deepcopy(made_cells.MACHINE[section]), **changes}}


GPU = {"device": "cuda", "device_name": "NVIDIA H200", "driver": "580.1"}
DIFFERENT = {
    "a driver": ({"driver": "580.1"}, ["driver: 580.1 (1 cell: {4}); none (4 cells: {0}, {1}, {2} and 1 more)"]),
    "a GPU": (
        GPU,
        ["device: cpu (4 cells: ", "device name: NVIDIA H200 (1 cell: {4}); made (4 cells: ", "driver: 580.1"],
    ),
    "a version": (nested("versions", torch="2.14.0"), ["torch version: 2.13.0 (4 cells: ", "; 2.14.0 (1 cell: {4})"]),
    "threads": (nested("threads", interop=64), ["interop threads: 2 (4 cells: ", "; 64 (1 cell: {4})"]),
    "a machine before this one": (
        {"resumed_from": [{**made_cells.MACHINE, "device_name": "older"}]},
        ["moved: while training, to another device name (1 cell: {4}); not while training (4 cells: "],
    ),
}


@pytest.mark.parametrize(("changes", "expected"), DIFFERENT.values(), ids=DIFFERENT)
def test_who_reads_a_study_is_warned(tmp_path, capsys, changes, expected):
    """Every figure, table and report reads through `summary.load`; the table contains the warning too."""
    folder = made_cells.write_study(tmp_path, STUDY, lambda cell: 0.5, made_on=other(**changes))
    summary.load(folder)
    said = capsys.readouterr().err
    names = [CELL.format(seed) for seed in range(5)]
    assert said.startswith(f"warning: {REMARK}\n")
    for words in expected:
        assert words.format(*names) in said
    assert len(said.splitlines()) == 1 + (len(expected) if changes is GPU else 1)
    inside("make_table", "--summary", folder, "--out", tmp_path / "table.csv")
    assert (tmp_path / "table.txt").read_text().endswith(said.removeprefix("warning: "))


def test_nothing_is_said_of_cells_that_were_made_alike(tmp_path, capsys):
    folder = made_cells.write_study(tmp_path, STUDY, lambda cell: 0.5)
    summary.load(folder)
    inside("make_table", "--summary", folder, "--out", tmp_path / "table.csv")
    assert capsys.readouterr().err == "" and REMARK not in (tmp_path / "table.txt").read_text()


def test_gathering_warns_once(tmp_path, capsys):
    made_cells.write_study(tmp_path, STUDY, lambda cell: 0.5, made_on=other(driver="580.1"))
    capsys.readouterr()
    folders = "\n".join(str(tmp_path / CELL.format(seed)) for seed in range(5))
    inside("summarise", "--out", tmp_path / "summary", stdin=folders)
    assert capsys.readouterr().err.count(REMARK) == 1


def test_the_record_says_what_this_machine_is():
    facts = provenance.machine(torch.device("cpu"))
    assert facts["threads"]["intraop"] == torch.get_num_threads()
    assert facts["threads"]["interop"] == torch.get_num_interop_threads()
    assert facts["driver"] is None and facts["device_name"] and facts["versions"]["torch"].startswith("2.")


def test_the_driver_is_asked_for_once(monkeypatch):
    answers = iter(["580.1\n580.1"])
    monkeypatch.setattr(provenance, "_output_of", lambda command: next(answers))
    provenance._driver.cache_clear()
    try:
        assert [provenance._driver(), provenance._driver()] == ["580.1"] * 2
    finally:
        provenance._driver.cache_clear()


@pytest.mark.gpu
def test_the_record_says_what_the_gpu_is():
    facts = provenance.machine(torch.device("cuda"))
    assert facts["device_name"] == torch.cuda.get_device_name() and facts["driver"].split(".")[0].isdigit()


def test_peak_memory_is_in_bytes_wherever_it_is_counted(monkeypatch):
    said = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for system, unit in (("linux", 1024), ("darwin", 1)):
        monkeypatch.setattr(sys, "platform", system)
        assert unit * said <= provenance.peak_memory(torch.device("cpu")) < 2 * unit * said


TINY = ("--model", "vgg08", "--width", "0.25", "--dataset", "digits", "--augmentation", "none", "--epochs", "2")


def test_a_cell_remembers_the_machine_that_it_was_resumed_from(digits_file, tmp_path):
    """The checkpoint of a run on this machine is edited to name another machine."""
    from workflow_scripts.engine.configuration import config
    from workflow_scripts.engine.configuration.record import Cell
    from workflow_scripts.engine.data import datasets
    from workflow_scripts.engine.runs import checkpoints, orders, run

    cell = Cell(model="vgg08", width=0.25, dataset="digits", augmentation="none", epochs=2)
    data, checkpoint = datasets.load(digits_file), tmp_path / "checkpoint"
    order = orders.Order(cell, tmp_path / "cell", checkpoint)
    run.train(order, data, torch.device("cpu"), config.Running())
    key = order.key(data.sha256)
    state, note = checkpoints.load(checkpoint, key)
    assert note == "" and len(state["machines"]) == 1 and state["progress"]["epoch"] == 2
    before = {**state["machines"][0], "device_name": "another"}
    checkpoints.save(checkpoint, key, {**state, "machines": [before]})
    inside("train_cell", "--data", digits_file, "--out", tmp_path / "cell", "--checkpoint", checkpoint, *TINY)
    facts = json.loads((tmp_path / "cell/cell.json").read_text())
    assert facts["resumed_from"] == [before]
    assert facts["device_name"] != "another" and facts["threads"]["intraop"] == 1
