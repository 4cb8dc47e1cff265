"""What a run has begun and not finished is made by the next, although what was made from it before is still there."""

import shutil

import pytest

from tests.workflow_runs import CELL, TINY, edited, snakemake, to_train, write_config
from workflow_scripts.engine.unfinished import Journal

TABLE = "results/cw2/tables/table1.txt"


@pytest.fixture
def study(finished, tmp_path):
    """A copy of the finished study, with all that Snakemake knows of it."""
    return shutil.copytree(finished[0], tmp_path / "study")


def test_a_cell_whose_training_failed(study, project):
    """Its files are gone, but the table of before is there and newer than all that the cell is made from."""
    cell, checkpoints = CELL.format("vgg38", "bn_rc", 0), study / "results/.checkpoints"
    block = "class ConvolutionalProcessingBlockBNRC(ConvolutionalProcessingBlockBN):\n"
    with edited(project / "models/blocks.py", block, f"{block}    is_another = True\n"):
        assert to_train(study, project=project) == [cell]
        shutil.rmtree(checkpoints)
        checkpoints.touch()  # no folder, so that no training can begin
        assert snakemake(study, TABLE, project=project, check=False)[0]
    assert not (study / "results/cw2" / cell / "cell.json").exists() and (study / TABLE).exists()
    checkpoints.unlink()
    _, said = snakemake(study, "-n", TABLE, project=project)
    assert f"Training {cell} (cw2)" in said and "Making the table of cw2" in said
    snakemake(study, TABLE, project=project)
    assert (study / "results/cw2" / cell / "cell.json").exists()
    assert "Nothing to be done" in snakemake(study, "-n", TABLE, project=project)[1]


def test_tables_that_could_not_be_gathered(study, project):
    """The summary is kept while it is made anew; it is of the five cells of before."""
    fewer = {**TINY, "studies": {"cw2": {**TINY["studies"]["cw2"], "grids": TINY["studies"]["cw2"]["grids"][1:]}}}
    fewer["studies"]["cw2"]["compare"] = {"shallow": {"block": "bn"}, "deep": {"block": "plain"}}
    write_config(study, fewer)
    history = study / "results/cw2" / CELL.format("vgg38", "rc", 0) / "history.csv"
    history.rename(study / "aside")
    status, said = snakemake(study, TABLE, project=project, check=False)
    assert status and f"{history.relative_to(study)} is missing" in said and "VGG08" in (study / TABLE).read_text()
    assert (study / "results/cw2/summary/index.json").exists()
    (study / "aside").rename(history)
    snakemake(study, TABLE, project=project)
    assert "VGG08" not in (study / TABLE).read_text()


def test_the_journal(tmp_path):
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.begin(["a", "b"])
    journal.begin(["c"])
    assert Journal(path).unfinished == {"a", "b", "c"}
    journal.finish(["a", "b"])
    path.write_text(path.read_text() + '\n["begun", ["d"')  # killed while it wrote
    other = Journal(path)
    assert other.unfinished == {"c"}
    other.begin(["e"])
    other.finish(["c"])
    assert Journal(path).unfinished == {"e"}
    other.finish(["e"])
    assert not path.exists() and not Journal(path).unfinished
