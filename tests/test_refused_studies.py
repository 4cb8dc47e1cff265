"""Studies that could be trained but would tell nothing, or not what was asked: refused before any training."""

import pytest

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config, grids
from workflow_scripts.engine.configuration.record import Cell


def load(study):
    """The `studies.Study` of a study's section."""
    return config.load({"datasets": {"cifar100": {"source": "cifar100"}}, "studies": {"a": study}}).studies["a"]


@pytest.mark.parametrize("levels", [{"loss": "mse"}, {}, {"seed": [0, 1, 2, 3]}, [], [{"loss": "mse"}, {"lr": 1e-3}]])
def test_a_factor_without_another_level_than_the_base_is_refused(levels):
    """Its table would have one row, or it would be in none."""
    study = {"base": {"model": "vgg08", "loss": "mse"}, "ablations": {"mine": levels, "width": {"width": 2}}}

    def expand():
        return grids.expand("a", load(study))

    with pytest.raises(UserError, match=r"studies\.a\.ablations\.mine: no level differs from the base"):
        expand()
    for other in (None, {"loss": ["mse", "focal"]}, [{"loss": "mse"}, {"lr": 0.1}]):
        study["ablations"]["mine"] = other
        assert expand()


OVERLONG = {
    "the base of ablations": (
        {"base": {"warmup_epochs": 5, "epochs": 4}, "ablations": {"rate": {"lr": 1}}},
        "base: expected no more warmup_epochs than epochs, found 5 and 4",
    ),
    "a level": (
        {"base": {"epochs": 4}, "ablations": {"rate": [{"lr": 1}, {"warmup_epochs": [1, 4.5]}]}},
        "ablations.rate[1]: expected no more warmup_epochs than epochs, found 4.5 and 4",
    ),
    "a point of a grid": (
        {"base": {"warmup_epochs": 1}, "grids": [{"epochs": 1}, {"warmup_epochs": [1, 5], "epochs": [4, 10]}]},
        "grids[1]: expected no more warmup_epochs than epochs, found 5 and 4",
    ),
    "a rung": (
        {"base": {"warmup_epochs": 5}, "search": {"space": {"lr": 1}, "halving": {"epochs": [4, 9]}}, "test": "chosen"},
        "search.halving.epochs[0]: expected no more warmup_epochs than epochs, found 5 and 4",
    ),
    "a warm-up that is searched": (
        {"search": {"space": {"warmup_epochs": {"low": 0, "high": 5}}, "halving": {"epochs": [4]}}, "test": "chosen"},
        "search.halving.epochs[0]: expected no more warmup_epochs than epochs, found 5 and 4",
    ),
    "a search without rungs": (
        {"base": {"epochs": 4}, "search": {"space": {"warmup_epochs": [1, 5]}}, "test": "chosen"},
        "search.space: expected no more warmup_epochs than epochs, found 5 and 4",
    ),
}


@pytest.mark.parametrize(("study", "message"), OVERLONG.values(), ids=OVERLONG)
def test_a_run_that_would_end_within_its_warm_up_is_refused(study, message):
    with pytest.raises(UserError) as error:
        load(study)
    assert f"studies.a: {message}" in str(error.value)


def test_a_warm_up_may_last_to_the_end_and_a_base_that_is_no_cell_longer():
    study = {"base": {"warmup_epochs": 4, "epochs": 2}, "grids": [{"epochs": [4, 5]}]}
    study = load(study)
    assert len(grids.expand("a", study)) == 2 and grids.ablations(study) == {}
    with pytest.raises(UserError, match="expected no more warmup_epochs than epochs, found 3 and 2"):
        config.parse(Cell, {"warmup_epochs": 3, "epochs": 2}, "the cell's record")


ALIKE = {
    "rates of a walk": ({"lr": [0.1, 0.2]}, "walk: expected one cell for each of network, seed, found alike: {}, {}; "),
    "batches of a rate": (
        {"batch_size": [50, 100]},
        "rates: expected one cell for each of network, lr, seed, found alike: {}, {}; give the selection more keys",
    ),
    "two networks": ({"width": [0.5, 1], "seed": [0, 1]}, None),
}


@pytest.mark.parametrize(("values", "message"), ALIKE.values(), ids=ALIKE)
def test_a_landscape_of_cells_that_are_alike_is_refused_before_they_are_trained(values, message):
    base, selection = {"model": "vgg08", "dataset": "cifar100"}, {"model": "vgg08"}
    study = {"base": base, "grids": [values], "landscape": {"rates": selection, "walk": selection}}
    study = load(study)
    if message is None:
        assert len(grids.expand("a", study)) == 4
        return
    with pytest.raises(UserError) as error:
        grids.expand("a", study)
    names = grids.expand("a", study.model_copy(update={"landscape": None}))
    assert f"studies.a.landscape.{message.format(*names)}" in str(error.value)


def test_what_is_to_be_tested_is_chosen_on_one_data_set():
    """Otherwise this would be known only when all cells are trained."""
    data = {name: {"source": "digits"} for name in ("one", "two")}
    study = {"base": {"dataset": "one"}, "grids": [{}, {"dataset": "two"}], "test": "chosen"}

    def expand():
        return grids.expand("a", config.load({"datasets": data, "studies": {"a": study}}).studies["a"])

    with pytest.raises(UserError, match="studies.a.test: expected `every`, as .* cannot be compared: one, two"):
        expand()
    study |= {"search": {"space": {"lr": [0.1, 0.01]}}}  # which chooses among its own cells, on the data of the base
    assert expand()
