"""What `train_cell` is asked for but cannot do gives one clear message, before anything is trained."""

import pytest

from tests.conftest import inside
from tests.tiny_runs import RECORD, flags


def test_what_is_no_json_is_said_to_be_none(digits_file, tmp_path, refused):
    said = refused("train_cell", "--data", digits_file, "--out", tmp_path / "c", "--measure", '{"lags": 3')
    assert """argument --measure: expected JSON, found '{"lags": 3' (""" in said


BAD = {
    "batch larger than the data": ({"batch_size": 5000}, "batch_size is 5000, but there are only 1425 training images"),
    "more items than there are": ({"train_items": 10**6}, "train_items is 1,000,000"),
    "unknown block": ({"block": "bm"}, "block: 'bm': unknown block; known: plain, bn, rc, bn_rc"),
    "not a number": ({"lr": "fast"}, "lr: 'fast': Input should be a valid number"),
}


@pytest.mark.parametrize(("record", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_message(refused, digits_file, tmp_path, record, message):
    assert message in refused("train_cell", "--data", digits_file, "--out", tmp_path / "c", *flags(**record))
    assert not list(tmp_path.iterdir())


def test_results_that_can_have_no_folder_are_refused_before_training(refused, digits_file, tmp_path):
    (tmp_path / "c").write_text("mine")
    said = refused("train_cell", "--data", digits_file, "--out", tmp_path / "c", *flags(**RECORD))
    assert said == f"error: {tmp_path / 'c'}: expected a folder for the results, found a file"
    assert [path.name for path in tmp_path.iterdir()] == ["c"] and (tmp_path / "c").read_text() == "mine"


def test_a_cell_of_another_record_is_not_replaced(refused, digits_file, tmp_path):
    """Neither by a command of ours nor by the course's; what is left of one that was damaged is."""
    words = ["train_cell", "--data", digits_file, "--out", tmp_path / "c"]
    inside(*words, *flags(**RECORD))
    made = {path.name: path.read_bytes() for path in (tmp_path / "c").iterdir()}
    said = refused(*words, *flags(**RECORD, lr=0.5)).splitlines()[-1]
    assert said == (
        f"error: --out {tmp_path / 'c'}: expected a new folder, or one of the same cell, found a cell with lr 0.001 "
        "instead of 0.5; choose another folder or delete that one"
    )
    images = ["--image_num_channels", "3", "--image_height", "8", "--image_width", "8", "--num_classes", "10"]
    said = refused("course_train", "--experiment_name", tmp_path / "c", "--data", digits_file, *images)
    assert "expected a new folder" in said
    assert {path.name: path.read_bytes() for path in (tmp_path / "c").iterdir()} == made
    (tmp_path / "c" / "cell.json").write_text("{}")
    inside(*words, *flags(**RECORD, lr=0.5))
    assert (tmp_path / "c" / "steps.npz").read_bytes() != made["steps.npz"]


@pytest.mark.parametrize("seconds", ["-3", "0", "nan", "soon"])
def test_a_time_between_checkpoints_is_above_zero(refused, digits_file, tmp_path, seconds):
    said = refused("train_cell", "--data", digits_file, "--out", tmp_path / "c", "--checkpoint-seconds", seconds)
    assert said.startswith(
        f"error: the command line is not valid:\n  checkpoint_seconds: '{seconds}': Input should be "
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [None, b"", b"not a data set", b"PK\x03\x04 cut off"])
def test_a_missing_or_damaged_data_file(refused, tmp_path, content):
    path = tmp_path / "data.npz"
    if content is not None:
        path.write_bytes(content)
    assert str(path) in refused("train_cell", "--data", path, "--out", tmp_path / "c")
