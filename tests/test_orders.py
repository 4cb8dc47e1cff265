"""Orders: whether a cell is made already, by whom it is being made, and the line of JSON that an order may be."""

import dataclasses
import json
import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import inside
from tests.tiny_runs import CPU, stamps, tiny
from workflow_scripts.engine.configuration import cells, config
from workflow_scripts.engine.runs import making
from workflow_scripts.engine.runs.orders import MADE, Order


@pytest.fixture(scope="module")
def made(tmp_path_factory, digits):
    """An order whose cell is made."""
    folder = tmp_path_factory.mktemp("made")
    order = Order(tiny(epochs=1), folder / "cell", folder / "checkpoint")
    making.make(order, digits, CPU, config.Running())
    return order


@pytest.mark.parametrize("options", [{}, {"measured": {"lags": [1, 2]}, "test": False}])
def test_an_order_is_that_of_its_line(options):
    order = Order(tiny(block="bn", lr=0.1), Path("results/s/a-seed0"), Path("checkpoints/a"), **options)
    assert Order.from_json(order.to_json() + "\n", "results/s") == order


CHANGED = {
    "the record": lambda facts: facts | {"record_digest": "0"},
    "the code": lambda facts: facts | {"code_digest": "0"},
    "what is measured": lambda facts: facts | {"measured": {"lags": [1]}},
    "whether it is tested": lambda facts: facts | {"tested": False},
    "the data": lambda facts: facts | {"dataset": facts["dataset"] | {"sha256": "0"}},
    "another kind of file": lambda facts: [],
    "no data": lambda facts: {key: value for key, value in facts.items() if key != "dataset"},
    "data of another kind": lambda facts: facts | {"dataset": None},
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_a_cell_of_another_kind_is_made_again(change, made):
    path = made.out / "cell.json"
    text = path.read_text()
    sha256 = json.loads(text)["dataset"]["sha256"]
    assert made.is_made(sha256) and made.is_made()
    try:
        path.write_text(json.dumps(change(json.loads(text))))
        assert not made.is_made(sha256)
    finally:
        path.write_text(text)


def test_half_a_cell_json_is_made_again(made, tmp_path):
    half = dataclasses.replace(made, out=shutil.copytree(made.out, tmp_path / "cell"))
    text = (half.out / "cell.json").read_text()
    (half.out / "cell.json").write_text(text[: len(text) // 2])
    assert not half.is_made()


def test_the_code_of_what_is_measured_is_part_of_a_cell(tmp_path):
    cell, measured = tiny(), {"lags": [1]}
    found, plain = (Order(cell, tmp_path, tmp_path, some, test=False).identity for some in (measured, {}))
    assert found == plain | {"measured": measured, "code_digest": cells.code_digest(cell, ["lags"])}
    assert found["code_digest"] != plain["code_digest"] and not found["tested"]


@pytest.mark.parametrize("name", cells.FILES)
def test_a_cell_without_one_of_its_files_is_made_again(name, made):
    (made.out / name).rename(made.out / "aside")
    try:
        assert not made.is_made()
    finally:
        (made.out / "aside").rename(made.out / name)


def test_a_finished_cell_is_not_trained_again_by_train_cell(made, digits_file, capsys):
    before = stamps(made.out)
    inside("train_cell", "--data", digits_file, "--out", made.out, *cells.flags(made.cell))
    assert stamps(made.out) == before and MADE in capsys.readouterr().err


def test_who_waits_for_another_to_make_a_cell_finds_it_made(made, tmp_path, digits, capsys):
    order = Order(made.cell, tmp_path / "cell", tmp_path / "checkpoint")
    second = threading.Thread(target=making.make, args=(order, digits, CPU, config.Running()))
    said = ""
    with order.alone():
        second.start()
        while second.is_alive() and "waiting for" not in said:
            said += capsys.readouterr().err
            time.sleep(0.01)
        shutil.copytree(made.out, order.out)
    before = stamps(order.out)
    second.join()
    assert MADE in capsys.readouterr().err and stamps(order.out) == before
    assert not order.is_made("of other data")
