"""Files that stand for cells in the DAG: a file of a cell, or the manifest of a bundle, as commands are given them."""

import io
import sys

import pytest

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.runs import manifests


def test_paths_on_standard_input_stand_for_cells(tmp_path, monkeypatch):
    study = tmp_path / "results/s"
    (study / "a").mkdir(parents=True)
    said = f"delete {study}/a/cell.json{{}} and run the workflow again"
    assert manifests.how_to_make_again(study / "a") == said.format("")
    manifests.write(tmp_path / manifests.path_of("s", "b"), ["b", "c"])
    assert manifests.how_to_make_again(study / "a") == said.format(f" and {study}/bundles")
    paths = [study / "a", "", study / "bundles/b.txt", study / "d/cell.json", study / "e/notes.txt"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(f" {path} " for path in paths)))
    assert manifests.folders_from_stdin() == [study / name for name in "abcde"]


def test_a_cell_counts_once_however_often_it_is_named(tmp_path, monkeypatch):
    """As where a shell's pattern matches several of its files: its epochs twice would make deviations too small."""
    cell = tmp_path / "s/a"
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{cell}/cell.json\n{cell}/history.csv\n"))
    assert manifests.folders_from_stdin() == [cell]


def test_cells_of_one_name_are_a_mistake(tmp_path, monkeypatch):
    """As of two studies: the rows of both would be taken for one cell's."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{tmp_path}/s/a/cell.json\n{tmp_path}/t/a/cell.json\n"))
    with pytest.raises(UserError, match=f"expected cells of different names, found {tmp_path}/s/a and {tmp_path}/t/a"):
        manifests.folders_from_stdin()


@pytest.mark.parametrize("nothing", ["", "\n"])  # the latter is what printf prints for no names
def test_no_cells_are_a_mistake(monkeypatch, nothing):
    monkeypatch.setattr(sys, "stdin", io.StringIO(nothing))
    with pytest.raises(UserError, match="no cells were named on standard input"):
        manifests.folders_from_stdin()


def test_a_study_may_be_called_as_the_manifests_folder_is(tmp_path):
    cell = tmp_path / "results" / manifests.FOLDER / "vgg08-plain-seed0"
    cell.mkdir(parents=True)
    assert manifests.folders(cell) == manifests.folders(cell / "cell.json") == [cell]
