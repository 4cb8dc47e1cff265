"""The hand-in of Project 2: its tree, and that what is in it runs."""

import json
import os
import re
import zipfile

import pytest
import torch
import yaml
from safetensors.torch import load_file

from tests import snakemakes
from tests.conftest import ROOT, inside
from tests.tiny_runs import TINY
from tests.workflow_runs import counted
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.runs import trained

CELL = "cell-seed3"
SETTINGS = yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.fixture(scope="module")
def results(digits_file, tmp_path_factory):
    """What a study leaves: the network that it chose, really trained, and tables."""
    results = tmp_path_factory.mktemp("project2") / "results"
    study = results / "cifar_net"
    record = [word for key, value in TINY.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    inside("train_cell", "--data", digits_file, "--out", study / CELL, *record, "--seed", 3)
    accuracy = json.loads((study / CELL / "test.json").read_text())["test_acc"]
    facts = json.loads((study / CELL / "cell.json").read_text())
    chosen = {"cells": ["other-seed0", CELL], "best_cell": CELL, "test_acc": {"values": [0.5, accuracy]}}
    (study / "chosen.json").write_text(
        json.dumps(chosen | {"record": facts["record"], "parameters": facts["parameters"]})
    )
    for table in ("cifar_net/ablations/width.csv", "bn_landscape/figures/walks.csv"):
        (results / table).parent.mkdir(parents=True)
        (results / table).write_text("a,b\n1,2\n")
    (results.parent / "project2.pdf").write_bytes(b"%PDF-1.5 the report")
    return results


def words(results, out, *tables):
    given = ["--report", results.parent / "project2.pdf", "--chosen", results / "cifar_net/chosen.json", "--out", out]
    return [*given, "--config", json.dumps(SETTINGS), *(["--csv", *tables] if tables else [])]


@pytest.fixture(scope="module")
def handed_in(results, tmp_path_factory):
    """The unpacked hand-in."""
    folder = tmp_path_factory.mktemp("handed_in")
    tables = [results / "cifar_net/ablations", results / "bn_landscape/figures/walks.csv"]
    for name in ("one.zip", "two.zip"):
        inside("pack_project2", *words(results, folder / name, *tables))
    assert (folder / "one.zip").read_bytes() == (folder / "two.zip").read_bytes()
    with zipfile.ZipFile(folder / "one.zip") as archive:
        archive.extractall(folder)
    return folder / "project2"


def test_it_has_the_report_the_code_the_numbers_and_the_chosen_network(handed_in, results):
    files = {path.relative_to(handed_in).as_posix(): path for path in handed_in.rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith("code/")} == {
        "project2.pdf",
        "results/cifar_net/ablations/width.csv",
        "results/bn_landscape/figures/walks.csv",
        f"results/cifar_net/{CELL}/cell.json",
        f"results/cifar_net/{CELL}/model.safetensors",
    }
    for name, path in files.items():
        if name.startswith("results/"):
            assert path.read_bytes() == (results.parent / name).read_bytes()
    assert {"code/Snakefile", "code/README.md", "code/models/cifar_net.py", "code/config.yaml"} <= files.keys()
    assert yaml.safe_load(files["code/config.yaml"].read_text()) == {
        key: value for key, value in SETTINGS.items() if key != "beras"
    }


def test_the_readme_s_commands_run_in_the_unpacked_tree(handed_in):
    tree = handed_in / "code"
    dry_run = re.search(r"^    snakemake (-n .+?) *#", (tree / "README.md").read_text(), re.MULTILINE)[1]
    alone = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with counted(tree):
        status, said = snakemakes.run(tree, *dry_run.split(), environment=alone)
    assert status == 0 and "Typesetting report/project2.pdf" in said, said


def test_the_readme_s_lines_load_the_network_and_give_its_accuracy(handed_in, digits_file, monkeypatch):
    readme = (handed_in / "code/README.md").read_text()
    lines = re.search(r"this loads it and tests it:\n\n((?:    .*\n|\n)+)", readme)[1]
    monkeypatch.chdir(handed_in / "code")
    (handed_in / "code/results/data").mkdir(parents=True)
    (handed_in / "code/results/data/digits.npz").symlink_to(digits_file)
    found = {}
    exec(re.sub("^    ", "", lines, flags=re.MULTILINE), found)
    assert f"a test accuracy of {found['accuracy']:.2%}." in readme
    weights = load_file(handed_in / f"results/cifar_net/{CELL}/model.safetensors")
    assert all(torch.equal(weights[name], value) for name, value in found["cell"].model.state_dict().items())
    assert f"It has {sum(weight.numel() for weight in found['cell'].model.parameters()):,} parameters" in readme
    assert (found["datasets"], found["trained"]) == (datasets, trained)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        (f"cifar_net/{CELL}/model.safetensors", f"{CELL}: expected the chosen network, found no model.safetensors"),
        ("cifar_net/chosen.json", "chosen.json: expected a file that `python -m workflow_scripts.choose` writes"),
    ],
)
def test_what_is_missing_is_named(results, tmp_path, refused, lost, message):
    (results / lost).rename(results / f"{lost}.away")
    try:
        said = refused("pack_project2", *words(results, tmp_path / "out.zip"))
    finally:
        (results / f"{lost}.away").rename(results / lost)
    assert message in said and not (tmp_path / "out.zip").exists()


def test_a_damaged_choice_is_named(results, tmp_path, refused):
    chosen = results / "cifar_net/chosen.json"
    before = chosen.read_text()
    chosen.write_text(json.dumps({"best_cell": CELL}))
    said = refused("pack_project2", *words(results, tmp_path / "out.zip"))
    chosen.write_text(before)
    assert f"{chosen} is damaged (KeyError('cells')); run choose again" in said


def test_only_tables_of_results_belong_in_it(results, tmp_path, refused):
    weights = results / f"cifar_net/{CELL}/model.safetensors"
    said = refused("pack_project2", *words(results, tmp_path / "out.zip", weights))
    assert f"{weights}: expected a .csv file in {results}" in said
