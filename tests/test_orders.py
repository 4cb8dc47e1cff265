"""Orders: whether a cell is made already, by whom it is being made, and the line of JSON that an order may be."""

import dataclasses
import json
import re
import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import inside
from tests.tiny_runs import CPU, stamps, tiny
from workflow_scripts.engine.commands import UserError
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


@pytest.mark.parametrize("line", ["", "{", "3", '"one"', "[]", "null", "{}"])
def test_a_line_that_is_no_order_is_shown(line):
    with pytest.raises(UserError, match=re.escape(f"standard input: expected a cell as JSON, found {line!r}")):
        Order.from_json(line + "\n", "results/s")


@pytest.mark.parametrize(("key", "value"), [("more", 1), ("checkpoint", 3), ("record", None)])
def test_an_order_with_another_value_is_none(key, value):
    order = json.loads(Order(tiny(), Path("a-seed0"), Path("checkpoints/a")).to_json())
    with pytest.raises(UserError, match="expected a cell as JSON|is not valid"):
        Order.from_json(json.dumps(order | {key: value}), "results/s")


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


@pytest.mark.parametrize("content", ["", "[]", '{"record": 3}', '{"record": "ab"}', None], ids=str)
def test_a_folder_without_a_whole_cell_or_of_one_from_before_a_key_existed_is_used(made, tmp_path, content):
    order = dataclasses.replace(made, out=tmp_path / "cell")
    order.check_folder()
    order.out.mkdir()
    older = {key: value for key, value in made.cell.model_dump().items() if key != "clip"}
    (order.out / "cell.json").write_text(json.dumps({"record": older}) if content is None else content)
    order.check_folder()


def test_a_folder_of_another_cell_is_refused_by_what_differs(made, tmp_path):
    order = dataclasses.replace(made, out=tmp_path)
    (tmp_path / "cell.json").write_text(json.dumps({"record": made.cell.model_dump() | {"block": "bn"}}))
    with pytest.raises(UserError, match="found a cell with block 'bn' instead of 'plain'"):
        order.check_folder()


def test_a_checkpoint_belongs_to_record_measurements_code_and_data(tmp_path):
    """But not to whether the cell is tested in the end."""
    order = Order(tiny(), tmp_path, tmp_path, {"lags": [1]})
    changed = [
        dataclasses.replace(order, **change) for change in ({"cell": tiny(lr=1)}, {"measured": {"lags": [2]}}, {})
    ]
    vars(changed[-1])["identity"] = order.identity | {"code_digest": "0"}
    assert len({order.key("a"), order.key("b"), *(one.key("a") for one in changed)}) == 5
    assert dataclasses.replace(order, test=False).key("a") == order.key("a")


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


@pytest.mark.parametrize("options", [{}, {"lr": 1000, "optimizer": "momentum"}], ids=["finished", "diverged"])
def test_a_cell_is_tested_or_not_without_training_it_again(options, tmp_path, digits, capsys):
    """And its test.json is what training it so gives."""
    cell = tiny(epochs=1, **options)
    with_test, without = (
        Order(cell, tmp_path / str(test), tmp_path / "checkpoint", test=test) for test in (True, False)
    )
    for order in (with_test, without):
        making.make(order, digits, CPU, config.Running())
    tested, untested = (
        {name: (order.out / name).read_bytes() for name in cells.FILES} for order in (with_test, without)
    )
    assert (tested["test.json"] == untested["test.json"]) == bool(options)
    for order, expected in ((without, untested), (with_test, tested)):
        order = dataclasses.replace(order, out=with_test.out)
        assert order.is_trained(digits.sha256) and not order.is_made()
        capsys.readouterr()
        making.make(order, digits, CPU, config.Running())
        assert order.is_made(digits.sha256) and MADE in capsys.readouterr().err
        found = {name: (order.out / name).read_bytes() for name in cells.FILES}
        facts = json.loads(found.pop("cell.json"))
        assert facts == json.loads(tested["cell.json"]) | {"tested": order.test}
        assert found == {name: tested[name] for name in found} | {"test.json": expected["test.json"]}


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
