"""`show` on trained runs: what it prints, and what it says if there is nothing to print."""

import json
import math
import shutil

import pytest

from tests.conftest import command, inside
from workflow_scripts.engine.insight import show

TINY = ("--model", "vgg08", "--width", "0.125", "--dataset", "digits", "--augmentation", "none", "--device", "cpu")


@pytest.fixture(scope="module")
def cells(digits_file, tmp_path_factory):
    """A cell that finished and one that diverged."""
    folder = tmp_path_factory.mktemp("show")
    runs = {
        "finished": ("--lr", "0.01", "--epochs", "3"),
        "diverged": ("--lr", "1000", "--epochs", "3", "--optimizer", "sgd"),
    }
    for name, flags in runs.items():
        inside("train_cell", "--data", digits_file, "--out", folder / name, *TINY, *flags)
    return folder


def test_a_finished_run_is_shown(cells):
    said = command("show", cells / "finished").stdout
    facts, test = (json.loads((cells / "finished" / name).read_text()) for name in ("cell.json", "test.json"))
    assert said.startswith("finished: finished\n")
    for key, value in facts["record"].items():
        assert f"{key} {'null' if value is None else value}" in said
    assert "record   model vgg08, width 0.125" in said  # what was chosen comes before the defaults
    assert f"{facts['parameters']:,} parameters" in said
    assert f"best validation accuracy after {test['epoch'] + 1} epoch" in said  # files and figures count from 0
    assert f"test accuracy {test['test_acc']:.2%}" in said
    history = (cells / "finished/history.csv").read_text().splitlines()
    columns = history[0].split(",")
    for key in show.CURVES:
        line = next(line for line in said.splitlines() if line.startswith(key))
        first, drawn, last = line.split()[1:]
        values = [float(row.split(",")[columns.index(key)]) for row in history[1:]]
        assert (float(first), float(last)) == (pytest.approx(values[0], abs=1e-4), pytest.approx(values[-1], abs=1e-4))
        assert len(drawn) == 3 and drawn[values.index(max(values))] == show.BARS[-1]
    assert max(map(len, said.splitlines())) <= 80


def test_a_diverged_run_is_shown(cells, capsys):
    facts = json.loads((cells / "diverged/cell.json").read_text())
    assert facts["status"] == "diverged"
    inside("show", cells / "diverged")
    said = capsys.readouterr().out
    assert f"diverged in step {facts['diverged_step']}" in said
    assert show.UNKNOWN in said


def test_a_file_of_the_run_stands_for_it(cells, capsys):
    said = []
    for path in ("diverged/cell.json", "diverged"):
        inside("show", cells / path)
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != ""


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], 20, "▁▂▃▄▅▆▇█"),
        ([3.0, 3.0], 20, "▁▁"),
        ([0, math.nan, 1, math.inf], 20, "▁×█×"),
        ([math.nan], 20, "×"),
        ([0, 0, 1, 1], 2, "▁█"),
        ([], 20, ""),
    ],
)
def test_sparklines(values, width, drawn):
    assert show.sparkline(values, width) == drawn


def test_a_thousand_epochs_fit_the_terminal():
    assert show.sparkline(list(range(1000)), 16) == "▁▁▂▂▃▃▄▄▅▅▆▆▇▇██"


def test_what_is_missing_or_damaged_is_one_clear_line(cells, tmp_path, refused):
    assert "expected the folder of a cell" in refused("show", tmp_path / "nowhere")
    broken = tmp_path / "broken"
    shutil.copytree(cells / "finished", broken)
    (broken / "cell.json").write_text('{"cell": ')
    said = refused("show", broken)
    assert f"{broken}/cell.json is damaged" in said and f"delete {broken}/cell.json and run the workflow" in said
    (broken / "cell.json").write_text('{"cell": "broken"}')
    assert f"{broken} is damaged (" in refused("show", broken)
    (broken / "cell.json").unlink()
    assert "is the cell still training?" in refused("show", broken)
    shutil.copy(cells / "finished/cell.json", broken)
    (broken / "history.csv").write_text("epoch,lr\n0,1\n")
    assert f"{broken} is damaged (" in refused("show", broken)
