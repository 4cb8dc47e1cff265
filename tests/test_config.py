"""What config.yaml may contain, and the message if it contains anything else."""

import copy
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config, grids, sections

ROOT = Path(__file__).resolve().parents[1]
GOOD = {
    "datasets": {"cifar100": {"source": "cifar100"}},
    "studies": {"cw2": {"grids": [{"model": ["vgg08", "vgg38"], "lr": ["1e-3", 0.01], "seed": [0, 1, 2]}]}},
}


def changed(path, value):
    """GOOD with the value at a dotted path replaced."""
    mapping = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    node = mapping
    for key in parents:
        node = node[int(key) if isinstance(node, list) else key]
    node[last] = value
    return mapping


def test_the_default_configuration_is_the_full_experiment():
    study = config.load(yaml.safe_load((ROOT / "config.yaml").read_text())).studies["cw2"]
    expanded = grids.expand("cw2", study)
    assert len(expanded) == 2 * 4 * 2 * 3
    assert {(cell.dataset, cell.epochs) for cell in expanded.values()} == {("cifar100", 100)}
    assert "vgg38-bn_rc-lr0.01-seed0" in expanded


def test_a_single_value_stands_for_a_list_of_one():
    grid = config.load(changed("studies.cw2.grids.0.block", "bn")).studies["cw2"].grids[0]
    assert grid.block == ["bn"]


BAD = {
    "another word": ("studies.cw2.grids.0.learning_rate", 0.1, "learning_rate: unknown key; did you mean 'lr'?"),
    "a value as a key": ("studies.cw2.grids.0.momentum", 0.9, "unknown key; did you mean 'optimizer: momentum'?"),
    "key like one of another section": ("studies.cw2.grids.0.seeds", [0], "unknown key; did you mean 'seed'?"),
    "key of another section": (
        "report",
        {"title": "A"},
        "report.title: unknown key here, but one of `datasets.<name>`",
    ),
    "key of two sections": (
        "studies.cw2.grids.0.optimizers",
        ["adam"],
        "grids[0].optimizers: unknown key; did you mean 'optimizer'?",
    ),
    "key of a part of a study": (
        "studies.cw2.every",
        20,
        "every: unknown key here, but one of `studies.<name>.landscape` and of `studies.<name>.measure.walk` and of",
    ),
    "key unlike all": (
        "report",
        {"grade": 1},
        "report.grade: unknown key; known: student_number, author, code_url, data_url, weights_url",
    ),
    "key unlike all of many": ("studies.cw2.grids.0.grade", 1, "grade: unknown key; config.schema.json lists all"),
    "key of a range": (
        "studies.cw2.search",
        {"space": {"lr": {"low": 0.1, "high": 1, "logarithmic": True}}},
        "space.lr.range.logarithmic: unknown key; known: low, high, log",
    ),
    "study that is not indented": (
        "bn_landscape",
        {"base": {"model": "vgg_a"}, "grids": [{}]},
        "bn_landscape: unknown key; it has the keys of an entry of `studies`: is it indented as one?",
    ),
    "keys of cells outside of studies": (
        "defaults",
        {"epochs": 2, "width": 0.5},
        "defaults: unknown key; it has keys of cells, which belong in the `base`, `grids` or `ablations` of a study",
    ),
    "data set that is not indented": (
        "mine",
        {"source": "digits"},
        "mine: unknown key; it has the keys of an entry of `datasets`: is it indented as one?",
    ),
    "full-width comma": (
        "studies.cw2.grids.0.seed",
        "[0，1]",
        "such as [0, 1, 2]; write `,` for the full-width `，`",
    ),
    "lenticular brackets": ("studies.cw2.grids.0.seed", "【0, 1】", "; write `[` for `【`, `]` for `】`"),
    "names with a full-width comma": (
        "studies.cw2.grids.0.activation",
        "[relu，gelu]",
        "'[relu，gelu]': unknown activation; known: relu, leaky_relu, elu, gelu, silu, tanh; write `,` for the",
    ),
    "full-width colon in a key": (
        "studies.cw2.grids.0.lr：0",
        None,
        "unknown key; did you mean 'lr'?; write `:` and a space for the full-width `：`",
    ),
    "no-break spaces before a key": (
        "studies.cw2.grids.0.\xa0\xa0lr",
        0.1,
        "unknown key; did you mean 'lr'?; write ordinary spaces for no-break ones (U+00A0)",
    ),
    "key without a space after its colon": (
        "studies.cw2.grids.0.lr:1",
        None,
        "grids[0].lr:1: unknown key; did you mean 'lr'?; write a space after `lr:`",
    ),
    "misspelt key": ("studies.cw2.grids.0.epoch", 5, "grids[0].epoch: unknown key; did you mean 'epochs'?"),
    "key of cells": ("epochs", 5, "epochs: a key of cells, which belongs in a grid or a base"),
    "top-level key": ("study", {}, "study: unknown key; did you mean 'studies'?"),
    "lr: fast": ("studies.cw2.grids.0.lr", "fast", "grids[0].lr[0]: 'fast': Input should be a valid number"),
    "lr: true": ("studies.cw2.grids.0.lr", True, "grids[0].lr[0]: True: expected a number"),
    "lr: 0": ("studies.cw2.grids.0.lr", 0, "grids[0].lr[0]: 0: Input should be greater than 0"),
    "lr: nan": ("studies.cw2.grids.0.lr", float("nan"), "lr[0]: nan: Input should be"),
    "clip: inf": ("studies.cw2.grids.0.clip", float("inf"), "clip[0]: inf: Input should be a finite number"),
    "negative epochs": ("studies.cw2.grids.0.epochs", -1, "epochs[0]: -1: Input should be greater than or equal to 1"),
    "half an epoch": ("studies.cw2.grids.0.epochs", 1.5, "epochs[0]: 1.5: Input should be a valid integer"),
    "unknown model": ("studies.cw2.grids.0.model", "vgg39", "model[0]: 'vgg39': unknown model; known: cifar_net"),
    "unknown activation": ("studies.cw2.grids.0.activation", "rely", "'rely': unknown activation; known: relu, leaky"),
    "unknown loss": ("studies.cw2.grids.0.loss", "mean", "'mean': unknown loss; known: cross_entropy, label"),
    "unknown optimiser": ("studies.cw2.grids.0.optimizer", "adamm", "'adamm': unknown optimizer; known: adam, adamw"),
    "negative supervision": ("studies.cw2.grids.0.supervision", -1, "supervision[0]: -1: Input should be greater"),
    "growth rate of 0": ("studies.cw2.grids.0.growth_rate", 0, "growth_rate[0]: 0: Input should be greater than or"),
    "rate of 0": ("studies.cw2.grids.0.lr", 0, "lr[0]: 0: Input should be greater than 0"),
    "a GPU shared by none": ("gpu_share", 0, "gpu_share: 0: Input should be greater than or equal to 1"),
    "no step sizes": (
        "studies.cw2.landscape",
        {"rates": {}, "walk": {}, "step_sizes": []},
        "studies.cw2.landscape.step_sizes: expected at least one value",
    ),
    "negative step size": (
        "studies.cw2.landscape",
        {"rates": {}, "walk": {}, "step_sizes": [1, -2]},
        "studies.cw2.landscape.step_sizes[1]: -2: Input should be greater than 0",
    ),
    "unknown observer": (
        "studies.cw2.measure",
        {"lag": [1]},
        "unknown observer; known: lags, walk, covariate_shift",
    ),
    "an observer's settings": (
        "studies.cw2.measure",
        {"walk": {"every": 0, "step_sizes": [1]}},
        "studies.cw2.measure.walk.every: 0: Input should be greater than or equal to 1",
    ),
    "surface of 0 points": (
        "studies.cw2.surface",
        {"cells": [{}], "points": 0},
        "studies.cw2.surface.points: 0: Input should be greater than or equal to 2",
    ),
    "unknown block": ("studies.cw2.grids.0.block", "bm", "block[0]: 'bm': unknown block; known: plain, bn, rc, bn_rc"),
    "unknown augmentation": ("studies.cw2.grids.0.augmentation", "crop+blur", "augmentation[0]: 'crop+blur': unknown"),
    "unknown data set": ("studies.cw2.grids.0.dataset", "cifar", "which `datasets` does not define"),
    "no data sets": (
        "datasets",
        {},
        "grids[0].dataset is 'cifar100', which `datasets` does not define; it defines: nothing",
    ),
    "unknown data set of a base": (
        "studies.a",
        {"base": {"dataset": "cifar"}, "ablations": {"data": {"dataset": "cifar100"}}},
        "studies.a.base.dataset is 'cifar', which `datasets` does not define",
    ),
    "unknown source": ("datasets.cifar100.source", "cifar1000", "unknown source; known: "),
    "empty list": ("studies.cw2.grids.0.lr", [], "lr: expected at least one value"),
    "empty grid": ("studies.cw2.grids", [], "studies.cw2: expected at least one grid in `grids` or `ablations`"),
    "no studies": ("studies", {}, "studies: expected at least one study, or else the section `beras`; found neither"),
    "wrong type": ("studies.cw2.grids.0.seed", {"a": 1}, "seed[0]: Input should be a valid integer"),
    "study not a mapping": ("studies.cw2", "vgg38", "studies.cw2: 'vgg38': expected `key: value` pairs"),
    "studies empty": ("studies", None, "studies: None: expected `key: value` pairs"),
    "a grid that is no list": ("studies.cw2.grids", {"lr": 0.1}, "studies.cw2.grids: expected a list: [...], or lines"),
    "values of a factor": (
        "studies.a",
        {"base": {}, "ablations": {"width": [0.5, 1]}},
        "ablations.width[0]: 0.5: expected `key: value` pairs, such as {lr: [0.1, 0.01]}",
    ),
    "a range as text": (
        "studies.cw2.grids.0.seed",
        "0-4",
        "seed[0]: '0-4': expected a whole number; several are a list",
    ),
    "name of a folder of the workflow": (
        "studies.logs",
        {"grids": [{}]},
        "studies.logs: results/logs belongs to the logs; choose another name",
    ),
    "shell in a name": ("studies.a; rm -rf x", {"grids": [{}]}, "a; rm -rf x"),
    "path in a name": ("datasets.../x", {"source": "digits"}, "studies"),
    "compare without cells": (
        "studies.cw2.compare",
        {"shallow": {"model": "vgg08"}, "deep": {"model": "vgg38", "lr": 0.5}},
        "studies.cw2.compare.deep: no cell of the study has model=vgg38, lr=0.5",
    ),
    "a name that LaTeX cannot print": ("report", {"author": "\u0645\u0646"}, "expected Latin or Chinese letters"),
    "a name in two scripts": ("report", {"author": "\u7b80\u9ad4"}, "author: '简體': expected Chinese characters that"),
    "an address without its scheme": ("report", {"code_url": "example.org/a"}, "expected an address that begins with"),
    "an address that LaTeX would take apart": ("report", {"data_url": "https://a.org/{b"}, "expected an address"),
    "malformed student number": ("report", {"student_number": "1234"}, "'1234': expected an s and seven digits"),
    "student number without its s": ("report", {"student_number": 1234567}, "1234567: expected an s and seven digits"),
    "a title of two lines": ("datasets.cifar100.title", "a\nb", "title: 'a\\nb': expected one line of printable"),
    "a title that LaTeX cannot print": ("datasets.cifar100.title", "\u6570\u5b57", "expected Latin letters"),
    "space in a name": ("datasets.a b", {"source": "digits"}, "'a b': expected letters, digits and underscores"),
}


def test_paths_may_begin_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    mine = {"source": "folder", "path": "~/images", "image_size": 8}
    assert config.parse(config.Dataset, mine, "it").path == tmp_path / "images"


@pytest.mark.parametrize(("path", "value", "message"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_clear_message(path, value, message):
    if path == "datasets.../x":
        mapping = {**GOOD, "datasets": {"../x": value}}
        message = "../x"
    else:
        mapping = changed(path, value)
    with pytest.raises(UserError) as error:
        for name, study in config.load(mapping).studies.items():
            grids.expand(name, study)
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) <= 10


def test_an_author_may_be_a_number():
    assert config.load(changed("report", {"author": 22307130001})).report.author == "22307130001"
    with pytest.raises(UserError, match="report.author: True: expected text"):
        config.load(changed("report", {"author": True}))


KEYS = {key for _, model in sections.places(config.Config) for key in model.model_fields}


@pytest.mark.parametrize("path", ["", "studies.cw2", "studies.cw2.grids.0", "datasets.cifar100"])
def test_no_key_is_suggested_where_it_would_be_refused(path):
    model = sections.at(config.Config, [int(key) if key.isdecimal() else key for key in path.split(".") if key])
    for key in KEYS - model.model_fields.keys():
        with pytest.raises(UserError) as error:
            config.load(changed(f"{path}.{key}".lstrip("."), 1))
        meant = re.search(r"did you mean '(.*)'", str(error.value))
        assert meant is None or (meant[1] in model.model_fields and meant[1] != key)


def test_many_mistakes_fit_on_one_screen():
    with pytest.raises(UserError) as error:
        config.load(changed("studies.cw2.grids.0.lr", ["x"] * 100))
    assert len(str(error.value).splitlines()) == 10
    assert "and 92 more" in str(error.value)


def test_the_schema_in_git_is_the_one_of_the_models():
    assert json.loads((ROOT / "config.schema.json").read_text()) == config.schema(), "run: make schema"


class Editor(yaml.SafeLoader):
    """YAML as editors read it, where 1e-3 is a number."""


Editor.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^-?\d+(\.\d+)?e-?\d+$"), list("-0123456789"))


def marked(mapping):
    """Where an editor that uses the schema marks a mistake."""
    errors = jsonschema.Draft202012Validator(config.schema()).iter_errors(mapping)
    return [".".join(map(str, error.absolute_path)) for error in errors]


@pytest.mark.parametrize("path", ["config.yaml", "profiles/demo/study.yaml"])
def test_an_editor_marks_nothing_in_the_configurations_here(path):
    assert marked(yaml.load((ROOT / path).read_text(), Editor)) == []


@pytest.mark.parametrize(
    ("key", "value"),
    {
        "seed": -1, "epochs": 0, "train_items": 0, "growth_rate": [12, 0], "clip": 0, "width": 65,
        "block": "nope", "activation": "nope", "augmentation": "crop+nope", "precision": "fp16",
    }.items(),
)  # fmt: skip
def test_an_editor_marks_what_is_refused(key, value):
    mapping = changed(f"studies.cw2.grids.0.{key}", value)
    assert f"studies.cw2.grids.0.{key}" in marked(mapping)
    with pytest.raises(UserError):
        config.load(mapping)
