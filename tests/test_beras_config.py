"""How the study of Beras is configured: its section, its runs, and the rules and code they go through."""

import re

import pytest
import yaml

from tests.conftest import ROOT
from tests.workflow_runs import dry_run, write_config
from workflow_scripts.engine import code
from workflow_scripts.engine.beras import names
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config

GOOD = {
    "datasets": {"digits28": {"source": "digits", "image_size": 28, "channels": 1}, "cifar10": {"source": "cifar10"}},
    "studies": {"cw2": {"grids": [{"dataset": "cifar10"}]}},
    "beras": {"dataset": "digits28"},
}


def test_the_default_is_the_brief():
    beras = config.load(yaml.safe_load((ROOT / "config.yaml").read_text())).beras
    assert beras.model_copy(update={"question": None}) == config.Beras()
    assert (beras.dataset, beras.epochs, beras.batch_size) == ("mnist", 10, 100)
    assert len(names.runs(beras)) == 3 * 13


def test_a_configuration_without_the_study_has_none():
    assert config.load({**GOOD, "beras": None}).beras is None
    assert config.load({key: value for key, value in GOOD.items() if key != "beras"}).beras is None


def test_what_is_compared_with_is_always_trained():
    beras = config.Beras(seeds=4, optimizers=["basic"], extras=[])
    assert list(names.runs(beras)) == [
        f"{variant}-seed4" for variant in ("simple", "simple_mean", "advanced", "optimizer-adam", "optimizer-basic")
    ]


BAD = {
    "unknown data set": ({"dataset": "mnsit"}, "beras.dataset is 'mnsit', which `datasets` does not define"),
    "unknown optimiser": ({"optimizers": ["lion"]}, "optimizers[0]: 'lion': unknown beras_optimizer; known: basic"),
    "unknown extra": ({"extras": ["magic"]}, "beras.extras[0]: 'magic': unknown beras_extra; known: dropout"),
    "no epochs": ({"epochs": 0}, "beras.epochs: 0: Input should be greater than or equal to 1"),
    "no batch": ({"batch_size": 0}, "beras.batch_size: 0: Input should be greater than or equal to 1"),
    "no seeds": ({"seeds": []}, "beras.seeds: expected at least one value"),
    "negative seed": ({"seeds": [0, -1]}, "beras.seeds[1]: -1: Input should be greater than or equal to 0"),
    "misspelt key": ({"optimisers": ["adam"]}, "beras.optimisers: unknown key; did you mean 'optimizers'?"),
    "true as a number": ({"epochs": True}, "beras.epochs: True: expected a number"),
    "flag": ({"flag_2470": "perhaps"}, "beras.flag_2470: 'perhaps'"),
}


@pytest.mark.parametrize(("section", "message"), BAD.values(), ids=BAD)
def test_a_mistake_in_the_section_is_one_clear_message(section, message):
    with pytest.raises(UserError) as error:
        config.load({**GOOD, "beras": {**GOOD["beras"], **section}})
    assert message in str(error.value) and len(str(error.value).splitlines()) == 2


def test_no_other_study_takes_its_folder():
    with pytest.raises(UserError, match=r"studies\.beras: results/beras belongs to"):
        config.load({**GOOD, "studies": {"beras": GOOD["studies"]["cw2"]}})


def test_the_digest_of_a_folder_sees_code_and_no_comments(tmp_path):
    def digest(text):
        (tmp_path / "module.py").write_text(text)
        code.folder_digest.cache_clear()
        return code.folder_digest(tmp_path)

    assert digest('"""Says."""\nx = 1  # one\n') == digest("x = 1\n") != digest("x = 2\n")


def test_the_rules_lead_from_the_data_to_report_notebook_and_hand_in(tmp_path):
    write_config(tmp_path, {**GOOD, "beras": {**GOOD["beras"], "flag_2470": True}})
    targets = ["report/beras.pdf", "report/beras-exploration.pdf", "submission/hw2.zip"]
    said = dry_run(tmp_path, "-p", *targets)
    jobs = dict(line.split() for line in said.splitlines() if re.fullmatch(r"\w+ +\d+", line))
    assert jobs["train_beras"] == "39"
    assert re.search(r"^  beras +39 cells, +39 to train, +390 epochs, FLOP unknown$", said, re.MULTILINE)
    for rule in ("fetch_data", "check_beras", "plot_beras_predictions", "fill_beras", "explore_beras", "hw2"):
        assert jobs[rule] == "1"
    assert "pack_beras --summary results/beras/summary --flag-2470" in said
    assert "train_cell" not in jobs


def test_it_may_be_the_only_study(tmp_path):
    write_config(tmp_path, {key: GOOD[key] for key in ("datasets", "beras")})
    said = dry_run(tmp_path)
    assert {"train_beras 39", "typeset 2"} <= {" ".join(line.split()) for line in said.splitlines()}
    assert "train_cell" not in said
