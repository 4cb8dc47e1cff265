"""A study's cells: names, grids, flags."""

import argparse
import contextlib

import pytest

from workflow_scripts import train_cell
from workflow_scripts.engine import code
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import cells, flags, grids
from workflow_scripts.engine.configuration.fields import Count, Strict, option
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.configuration.studies import Study


def names(*parts):
    return list(grids.expand("s", Study(grids=list(parts))))


class Options(Strict):
    """Kinds of options that a user's own network may have."""

    gated: bool = option("gated", False, help="whether")
    open: bool = option("open", True, help="whether")
    depth: Count | None = option("depth", 4, help="layers; null: as many as fit")


@pytest.mark.parametrize("values", [{}, {"gated": True, "open": False}, {"depth": None}, {"depth": 2, "open": True}])
def test_an_option_of_any_kind_is_a_flag(values):
    parser = argparse.ArgumentParser()
    flags.add(parser, Options)
    words = [word for key, value in values.items() for word in cells.flag(key, value)]
    assert flags.read(parser.parse_args(words), Options) == Options(**values)


def test_names_are_canonical():
    spellings = ["1e-3", 0.001, "1.0e-03", 1e-3]
    assert names({"lr": spellings}) == ["vgg38-plain-lr0.001-seed0"]


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({}, "vgg38-plain-lr0.001-seed0"),
        ({"block": "bn_rc", "lr": 0.01, "seed": 7}, "vgg38-bn_rc-lr0.01-seed7"),
        ({"lr": 1e-05, "epochs": 3, "train_items": 500}, "vgg38-plain-items500-epochs3-lr1e-05-seed0"),
        (
            {"width": 0.5, "augmentation": "none", "precision": "bf16"},
            "vgg38-plain-width0.5-augnone-bf16-lr0.001-seed0",
        ),
    ],
)
def test_a_key_shows_when_it_differs_from_its_default(record, name):
    assert cells.cell_name(Cell(**record)) == name


def test_a_wider_grid_keeps_the_names_that_were_there():
    narrow = names({"lr": [0.001], "seed": [0, 1]})
    wide = names({"lr": [0.001, 0.01], "seed": [0, 1, 2], "block": ["plain", "rc"], "epochs": [100, 10]})
    assert set(narrow) < set(wide) and len(wide) == 2 * 3 * 2 * 2


def test_a_cell_in_two_grids_is_one_cell():
    assert names({"lr": 0.1}, {"lr": [0.1, 0.2]}) == ["vgg38-plain-lr0.1-seed0", "vgg38-plain-lr0.2-seed0"]


def test_two_cells_never_share_a_name():
    # a data set named like a split: the word in the cell's name could stand for either
    with pytest.raises(UserError, match="would both be called 'vgg38-plain-stratified-lr0.001-seed0'"):
        names({"dataset": "stratified"}, {"split": "stratified"})


@pytest.mark.parametrize(
    "record", [{}, {"block": "rc", "lr": 3e-05, "train_items": 100}, {"width": 0.25, "weight_decay": 5e-4, "seed": 3}]
)
def test_the_flags_of_a_cell_give_the_cell(record):
    cell = Cell(**record)
    arguments = train_cell.parser().parse_args(["--data", "d.npz", "--out", "o", *cells.flags(cell)])
    assert flags.read(arguments, Cell) == cell
    if "lr" in record:  # what the user asks for takes precedence over a command's own default
        assert flags.read(arguments, Cell, lr=0.5) == cell


def test_the_help_names_what_a_flag_can_be():
    said = " ".join(train_cell.parser().format_help().split())
    assert f"(known: {', '.join(code.registered('block'))}; default: plain)" in said
    assert "stay float32 (known: fp32, bf16; default: fp32)" in said
    assert f"left out: the network's own (known: {', '.join(code.registered('activation'))})" in said


def with_another(key):
    """A cell in which this key does not have its default value."""
    names = [name for mark in cells.MARKS.get(key, ()) for name in code.registered(mark.kind)]
    for value in (*names, 1, 2, 0.5, "dataset", "flip", "bf16"):
        with contextlib.suppress(ValueError):
            if cells.changed(found := Cell(**{key: value})):
                return found
    raise AssertionError(f"none of the values here is another one of {key}")


def test_every_key_changes_the_name_and_the_digest_of_the_record():
    found = [Cell(), *map(with_another, Cell.model_fields)]
    for told_by in (cells.record_digest, cells.cell_name):
        assert len(set(map(told_by, found))) == len(found)


ABLATED = {
    "base": {"model": "vgg08", "epochs": 3, "seed": [0, 1]},
    "ablations": {
        "width": {"width": [0.5, 1, 2]},
        "penalty": [{"l2": 5e-4}, {"l1": 1e-5}, {"block": "bn", "l2": 1e-3}],
        "left_out": None,
    },
}


def test_ablations_stand_around_the_base():
    study = Study(**ABLATED)
    names = list(grids.expand("s", study))
    assert names[:2] == ["vgg08-plain-epochs3-lr0.001-seed0", "vgg08-plain-epochs3-lr0.001-seed1"]
    assert len(names) == len(set(names)) == 2 * (1 + 2 + 3)
    factors = grids.ablations(study)
    assert set(factors) == {"width", "penalty"}
    assert [factors["width"][name] for name in factors["width"] if name.endswith("seed0")] == ["1", "0.5", "2"]
    assert {level for name, level in factors["penalty"].items() if name.endswith("seed1")} == {
        "l2 0",
        "l2 0.0005",
        "l1 1e-05",
        "bn, l2 0.001",
    }
    assert set().union(*factors.values()) == set(names)


def test_a_word_that_is_also_a_block_says_of_which_key_it_is():
    """As the value of another key it would be shown as the block's name, and look as if that had been trained."""
    words = {"data": {"dataset": ["cifar100", "bn"]}, "block": {"block": ["plain", "bn"]}}
    levels = grids.ablations(Study(base={"model": "vgg08"}, ablations=words))
    assert [list(found.values()) for found in levels.values()] == [["cifar100", "dataset bn"], ["plain", "bn"]]


def test_options_are_what_the_network_is_given():
    assert cells.options(Cell()) == {}
    assert cells.options(Cell(width=2, activation="gelu", lr=1)) == {"width": 2.0, "activation": "gelu"}


def test_every_registered_name_is_part_of_the_code_that_a_cell_runs():
    other = {"loss": "mse", "optimizer": "sgd", "schedule": "linear", "split": "stratified", "init": "lsuv"}
    records = [{}, *({"activation": name} for name in ("relu", "gelu")), *({key: name} for key, name in other.items())]
    records += [{"augmentation": names} for names in ("none", "crop+flip+erase", "crop+flip+cutout")]
    digests = [cells.code_digest(Cell(**record)) for record in records]
    digests += [cells.code_digest(Cell(), observers) for observers in (["lags"], ["walk"], ["lags", "walk"])]
    assert len(set(digests)) == len(digests)


def test_what_is_measured_along_the_way_of_a_cell():
    landscape = {"rates": {"lr": 0.1}, "walk": {"lr": 0.2}, "lags": [1, 3], "step_sizes": [0.5], "every": 7}
    study = Study(grids=[{"lr": [0.1, 0.2, 0.3]}], landscape=landscape)
    assert [grids.measured(study, Cell(lr=lr)) for lr in (0.1, 0.2, 0.3)] == [
        {"lags": [1, 3]},
        {"lags": [1, 3], "walk": {"step_sizes": [0.5], "every": 7}, "covariate_shift": {"every": 7}},
        {},
    ]


def test_what_a_study_measures_of_every_cell_and_more_of_some():
    walk = {"step_sizes": [1.0], "every": 2}
    study = Study(grids=[{"lr": [0.1, 0.2]}], measure={"lags": [5], "walk": walk})
    assert [grids.measured(study, Cell(lr=lr)) for lr in (0.1, 0.2)] == [{"lags": [5], "walk": walk}] * 2
    study = Study(
        grids=[{"lr": [0.1, 0.2]}], measure={"walk": walk}, landscape={"rates": {"lr": 0.1}, "walk": {"lr": 1}}
    )
    assert grids.measured(study, Cell(lr=0.1)) == {"walk": walk, "lags": [1, 2, 5, 10]}
