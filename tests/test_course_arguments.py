"""The command line of the course's framework, and the cells it describes."""

import pytest

from tests.course_runs import DIGITS, SCRIPT
from workflow_scripts.engine import code
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.course import arguments


def parsed(*words):
    from workflow_scripts.engine import commands

    parser = commands.parser("course_train", "")
    arguments.add(parser)
    return parser.parse_args(words)


CIFAR100 = {"name": "cifar100", "image_shape": [3, 32, 32], "num_classes": 100}


def test_the_course_s_script_describes_the_cell_of_the_study():
    words = SCRIPT.replace("'", "").split()
    assert arguments.cell(parsed(*words), CIFAR100) == Cell(model="vgg08", seed=0)
    deep = arguments.cell(parsed("--num_filters", "32", "--seed", "0", "--block_type", "conv_bn_rc"), CIFAR100)
    assert deep == Cell(model="vgg38", block="bn_rc")


def test_the_arguments_of_the_training_reach_the_cell():
    words = (
        "--weight_decay_coefficient 0.01 --learning_rate 0.1 --num_epochs 7 --batch_size 50 --num_filters 32 --seed 3"
    )
    expected = Cell(weight_decay=0.01, lr=0.1, epochs=7, batch_size=50, seed=3)
    assert arguments.cell(parsed(*words.split()), CIFAR100) == expected


def test_the_schedule_of_the_framework_s_later_code_can_be_asked_for():
    assert arguments.cell(parsed("--schedule", "cosine_course_2023"), CIFAR100).schedule == "cosine_course_2023"
    assert arguments.cell(parsed(), CIFAR100).schedule == "cosine"


def test_the_defaults_are_the_framework_s():
    cell = arguments.cell(parsed(), CIFAR100)
    assert cell == Cell(model="vgg38", block="plain", width=0.5, seed=7112018)
    assert vars(parsed("--use_gpu", "--seed")) == vars(parsed())  # a name without a value


@pytest.mark.parametrize(
    ("name", "block"),
    {
        "conv_block": "plain", "conv_bn": "bn", "conv_rc": "rc", "conv_bn_rc": "bn_rc",
        "conv_bn_rc_block": "bn_rc", "conv_block_bn": "bn", "bn_rc": "bn_rc",
        "bn_block": "bn", "bn_rc_block": "bn_rc", "bnrc_block": "bn_rc",
    }.items(),
)  # fmt: skip
def test_block_types(name, block):
    assert arguments.block(name) == block


@pytest.mark.parametrize("name", code.registered("block"))
def test_every_block_of_ours_has_its_name(name):
    assert arguments.block(name) == name


@pytest.mark.parametrize(
    ("words", "message"),
    {
        "block": (
            ["--block_type", "empty_block"],
            "--block_type 'empty_block' is not known; known: conv_block, conv_bn,",
        ),
        "blocks": (["--num_blocks_per_stage", "3"], "--num_blocks_per_stage 3: there is no such network; there are: 0"),
        "stages": (["--num_stages", "4"], "--num_stages 4: the networks here have 3 stages"),
        "classes": (["--num_classes", "11"], "it takes: --image_num_channels 3 --image_height 8"),
        "gpu": (["--use_gpu", "perhaps"], "expected True or False, found 'perhaps'"),
        "lr": (["--learning_rate", "0"], "lr (--learning_rate): 0.0: Input should be greater than 0"),
        "filters": (["--num_filters", "0"], "width (--num_filters / 32): 0.0: Input should be greater than 0"),
        "epochs": (["--num_epochs", "0"], "epochs (--num_epochs): 0: Input should be greater than or equal to 1"),
        "schedule": (["--schedule", "step"], "schedule: 'step'"),
        "resume": (["--continue_from_epoch", "-2"], "to continue from; -1 starts from the beginning"),
    }.values(),
)
def test_arguments_that_ask_for_what_is_not_there(digits_file, tmp_path, refused, words, message):
    said = refused("course_train", "--data", digits_file, "--experiment_name", tmp_path / "x", *DIGITS, *words)
    assert message in said
    assert not list(tmp_path.iterdir())


def test_without_data_it_says_how_to_fetch_it(tmp_path, monkeypatch, refused):
    monkeypatch.chdir(tmp_path)
    assert "fetch it with `python -m workflow_scripts.fetch_data --name cifar100" in refused("course_train")
