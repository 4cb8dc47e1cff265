"""A study's tables made again: reusing earlier content gives the same bytes as reading everything anew."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.made_cells import write_study
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import grids
from workflow_scripts.engine.configuration.config import Dataset
from workflow_scripts.engine.configuration.record import Cell, Grid
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.tables import cell_index, gathering, summary
from workflow_scripts.engine.workflow import preview

FILES = ("cells.csv", "history.csv", "gradients.csv", "dataset.json", "index.json")


@pytest.fixture
def made(tmp_path):
    """(folders of six cells, folder of the tables made from five of them, as the third is new)."""
    study = Study(grids=[Grid(block=["plain", "bn", "rc"], seed=[0, 1])])
    write_study(tmp_path / "many", study, lambda cell: 0.5 + 0.1 * cell.seed)
    folders = [tmp_path / "many" / name for name in grids.expand("many", study)]
    for place, folder in enumerate(folders):
        rows = [f"{epoch},{layer},{depth},{place}.5,1,1" for epoch in range(5) for depth, layer in enumerate("abc")]
        header = "epoch,layer,depth,mean_abs,l2,last_batch_mean_abs"
        (folder / "gradients.csv").write_text("\n".join([header, *rows]) + "\n")
    gathering.gather(folders[:2] + folders[3:], tmp_path / "summary")
    return folders, tmp_path / "summary"


def content(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def anew(folders, out):
    gathering.gather(folders, out)
    return content(out)


def spoil(path):
    """Change a file's content, but not its size or time."""
    before = path.stat()
    path.write_text("?" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("place", [0, 2])
@pytest.mark.parametrize("text", ["", "epoch,layer,depth,l2,mean_abs,last_batch_mean_abs\n0,a,0,1,2,3\n"])
def test_a_cell_with_other_columns_is_refused(made, tmp_path, place, text):
    """Below the columns of the first cell, its numbers would be taken for others."""
    folders, _ = made
    (folders[place] / "gradients.csv").write_text(text)
    with pytest.raises(UserError, match=r"gradients\.csv: expected the columns of the cell .*, found .*"):
        gathering.gather(folders, tmp_path / "anew")
    assert not (tmp_path / "anew/gradients.csv").exists()


def test_a_cell_that_is_older_than_a_key_of_the_record_has_its_default(made, tmp_path):
    folders, _ = made
    facts = json.loads((folders[0] / "cell.json").read_text())
    del facts["record"]["width"]
    (folders[0] / "cell.json").write_text(json.dumps(facts))
    gathering.gather(folders, tmp_path / "anew")
    assert pd.read_csv(tmp_path / "anew/cells.csv")["width"].tolist() == [1.0] * 6


def test_a_new_cell_and_one_trained_again_give_the_bytes_of_tables_made_anew(made, tmp_path):
    folders, out = made
    for place, other in ((4, "40.25"), (5, "7.5")):  # of another size, and of the same
        retrained = folders[place] / "gradients.csv"
        retrained.write_text(retrained.read_text().replace(f"{place}.5", other))
        later = retrained.stat().st_mtime + 10  # there are file systems whose times are whole seconds
        os.utime(retrained, (later, later))
    gathering.gather(folders, out)
    assert content(out) == anew(folders, tmp_path / "anew")
    assert pd.read_csv(out / "gradients.csv").groupby("cell", sort=False)["mean_abs"].first().tolist() == [
        *(0.5, 1.5, 2.5, 3.5, 40.25, 7.5)
    ]


def test_a_row_has_the_last_epoch_the_best_one_and_the_test(made):
    folders, out = made
    (folders[0] / "history.csv").write_text(
        "epoch,lr,train_loss,train_acc,val_loss,val_acc,seconds\n0,1,9,0.1,9,0.1,1\n1,1,4,0.3,2,0.6,1\n2,1,3,0.5,1,0.4,1\n"
    )
    (folders[0] / "test.json").write_text('{"epoch": 1, "test_loss": 7, "test_acc": 0.7}')
    gathering.gather(folders[:1], out)
    row = pd.read_csv(out / "cells.csv").iloc[0]
    assert row[["train_loss", "train_acc", "val_loss", "val_acc"]].tolist() == [3, 0.5, 1, 0.4]
    assert row[["best_epoch", "best_val_loss", "best_val_acc"]].tolist() == [1, 2, 0.6]
    assert row[["test_loss", "test_acc"]].tolist() == [7, 0.7]


def test_cells_on_several_data_sets(made):
    folders, out = made
    facts = json.loads((folders[0] / "cell.json").read_text())
    facts["dataset"] = {"title": "another", "embedded": False}
    (folders[0] / "cell.json").write_text(json.dumps(facts))
    gathering.gather(folders, out)
    found = json.loads((out / "dataset.json").read_text())
    assert (found["title"], found["embedded"]) == ("another and made", True)


def test_cells_that_are_gone_and_another_order_give_the_bytes_of_tables_made_anew(made, tmp_path):
    folders, out = made
    fewer = [folders[5], folders[0], folders[3]]
    gathering.gather(fewer, out)
    assert content(out) == anew(fewer, tmp_path / "anew")
    assert pd.read_csv(out / "cells.csv")["cell"].tolist() == [folder.name for folder in fewer]


def test_a_cell_that_has_not_changed_is_not_read_again(made, tmp_path):
    folders, out = made
    expected = anew(folders, tmp_path / "anew")
    for name in ("history.csv", "test.json", "cell.json"):
        spoil(folders[1] / name)
    gathering.gather(folders, out)
    assert content(out) == expected


@pytest.mark.parametrize("file", ["gradients.csv", "history.csv", "index.json"])
def test_tables_that_somebody_changed_are_made_anew(made, tmp_path, file):
    folders, out = made
    (out / file).write_text("more\n" + (out / file).read_text())  # so that no row is where it was
    gathering.gather(folders, out)
    assert content(out) == anew(folders, tmp_path / "anew")


@pytest.mark.parametrize("text", ["{", "{}", "[]", "null", '{"sizes": {}}', '{"sizes": []}'])
def test_an_index_of_something_else_is_none(made, tmp_path, text):
    folders, out = made
    (out / "index.json").write_text(text)
    assert set(summary.load(out).gradients([folders[0].name])["cell"]) == {folders[0].name}
    gathering.gather(folders, out)
    assert content(out) == anew(folders, tmp_path / "anew")


def test_no_index_is_left_of_tables_that_have_changed_since(made, tmp_path):
    """In another order the tables have the same size, but rows are where those of another cell were."""
    folders, out = made
    gathering.gather(folders, out)
    (out / "dataset.json").unlink()
    (out / "dataset.json").mkdir()  # the tables are written, and the next step fails
    with pytest.raises(OSError, match="dataset.json"):
        gathering.gather(folders[::-1], out)
    (out / "dataset.json").rmdir()
    gathering.gather(folders, out)
    assert content(out) == anew(folders, tmp_path / "anew")


def test_what_other_code_made_is_made_anew(made):
    folders, out = made
    index = json.loads((out / "index.json").read_text())
    (out / "index.json").write_text(json.dumps({**index, "code": "of another version"}))
    (folders[1] / "history.csv").unlink()
    with pytest.raises(UserError, match=r"history.csv is missing; delete .*cell.json and run the workflow again"):
        gathering.gather(folders, out)


def test_tables_that_cannot_be_made_leave_those_that_were_there(made):
    folders, out = made
    before = content(out)
    (folders[2] / "test.json").write_text("{")
    with pytest.raises(UserError, match=r"test.json is damaged .*delete .*cell.json"):
        gathering.gather(folders, out)
    assert content(out) == before and sorted(path.name for path in out.iterdir()) == sorted(FILES)


@pytest.mark.parametrize("indexed", [True, False])
def test_the_gradients_of_some_cells_are_those_of_the_whole_table(made, indexed):
    folders, out = made
    if not indexed:
        cell_index.remove(out)
    names, whole = [folders[place].name for place in (1, 3, 0)], pd.read_csv(out / "gradients.csv")
    if indexed:  # the rows of another cell are not read
        start, end = cell_index.places(out, "gradients.csv")[folders[4].name]
        text = (out / "gradients.csv").read_bytes()
        (out / "gradients.csv").write_bytes(text[:start] + b"," * (end - start - 1) + b"\n" + text[end:])
    found = summary.load(out).gradients(names).sort_values(["cell", "epoch", "depth"], ignore_index=True)
    expected = whole[whole["cell"].isin(names)].sort_values(["cell", "epoch", "depth"], ignore_index=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_the_index_is_read_once_for_all_rows_of_a_report(made, monkeypatch):
    folders, out = made
    found, read = summary.load(out), []
    monkeypatch.setattr(cell_index, "places", lambda *place, of=cell_index.places: read.append(place) or of(*place))
    for folder in folders[3:]:
        assert set(found.gradients([folder.name])["cell"]) == {folder.name}
    assert read == [(out, "gradients.csv")]


MEASURED = '{"train_images": 100, "epochs_run": 2, "forward_flops": 10000, "seconds": 2}'

PREVIEW = """
import sys
from pathlib import Path
from workflow_scripts.engine.configuration import cells, grids, config
from workflow_scripts.engine.workflow import preview

settings = config.parse(config.Config, {configuration!r}, "the test")
study = grids.expand("a", settings.studies["a"])
folder = Path({results!r})
print("\\n".join(preview.preview({{"a": study}}, {{"a": list(study)}}, settings.datasets, folder, folder)))
assert "torch" not in sys.modules
"""


DIGITS = {"digits": Dataset(source="digits", image_size=32)}


def previewed(folder, found, todo, described=DIGITS, others=()):
    """The preview of a study `a`."""
    return preview.preview({"a": found}, {"a": todo}, described, folder, folder, others)


def test_a_preview_estimates_no_time_for_data_of_unknown_size(tmp_path):
    found = grids.expand("a", Study(grids=[Grid(model="vgg08", dataset="mine")]))
    said = preview.preview(
        {"a": found}, {"a": list(found)}, {"mine": Dataset(source="folder", path="mine")}, tmp_path, tmp_path
    )
    assert said[1:] == [
        "  a  1 cell, 1 to train, 100 epochs, FLOP unknown",
        "  Not counted: the cells on mine, whose size is known once it is fetched.",
    ]


def test_a_preview_counts_what_is_no_network_of_pytorch(tmp_path):
    study = Study(grids=[Grid(dataset="digits", model="vgg08", seed=[0, 1])])
    found = grids.expand("a", study)
    said = previewed(tmp_path, found, [], others=[("beras", 39, 12, 120)])
    assert said[1:] == [
        "  a       2 cells,  0 to train,   0 epochs,       0 FLOP",
        "  beras  39 cells, 12 to train, 120 epochs, FLOP unknown",
    ]


def test_a_preview_names_the_cells_that_cannot_be_trained(tmp_path):
    """It builds the networks, long before they are trained."""
    study = Study(grids=[Grid(model="vgg_a", block=["bn", "rc"], dataset="digits", seed=[0, 1])])
    found = grids.expand("a", study)
    said = previewed(tmp_path, found, list(found))
    assert "a  4 cells, 4 to train" in said[1]
    nothing = preview.preview({"a": found, "b": found}, {"a": list(found)[:1], "b": []}, DIGITS, tmp_path, tmp_path)[
        1:3
    ]
    assert [line.index("to train") for line in nothing] == [line.index("to train") for line in nothing][:1] * 2
    assert len(previewed(tmp_path, found, [])) == 2  # without work there is no estimate of time
    assert said[-1] == (
        f"  Cannot be trained: a/{list(found)[2]} and 1 more: the network vgg_a takes the blocks plain, bn, not "
        "ConvolutionalProcessingBlockRC"
    )


def test_a_preview_names_cells_with_fewer_images_than_a_batch(tmp_path):
    found = grids.expand("a", Study(grids=[Grid(model="vgg08", dataset="digits", train_items=50, seed=[0, 1])]))
    reason = "batch_size is 100, but there are only 50 training images"
    expected = f"  Cannot be trained: a/{next(iter(found))} and 1 more: {reason}"
    assert previewed(tmp_path, found, list(found))[-1] == expected


def test_a_preview_without_pytorch(tmp_path, monkeypatch):
    """As when the jobs run in conda environments, and Snakemake in one of its own."""
    monkeypatch.setitem(sys.modules, "torch", None)
    found = grids.expand("a", Study(grids=[Grid(model="vgg08", dataset="digits", epochs=[2, 3])]))
    said = previewed(tmp_path, found, list(found), {"digits": Dataset(source="digits")})
    assert said[1] == "  a  2 cells, 2 to train, 5 epochs"
    assert said[2] == "  How long that takes is estimated only if Snakemake's own Python has PyTorch."


def test_what_a_preview_counts(tmp_path):
    """Three passes per training image; a network is counted once for each size of its images and its output."""
    assert preview.data_size(tmp_path / "none", Dataset(source="digits")) == (1500, (3, 8, 8), 10)
    assert preview.data_size(tmp_path / "none", DIGITS["digits"]) == (1500, (3, 32, 32), 10)
    (tmp_path / "damaged.npz").write_bytes(b"PK")
    assert preview.data_size(tmp_path / "damaged.npz", Dataset(source="digits")) == (1500, (3, 8, 8), 10)
    for items, images in ((None, 800), (100, 100), (900, 800)):
        cell = Cell(val_fraction=0.2, train_items=items, epochs=2)
        assert preview.training_flops(cell, lambda *network: 7, 1000, (3, 8, 8), 10) == 3 * 7 * images * 2
    forward, cell = preview.ForwardFlops(tmp_path / "counted"), Cell(model="vgg08", width=0.25)
    assert forward(cell, (3, 8, 8), 100) - forward(cell, (3, 8, 8), 10) == 2 * 8 * 90


@pytest.mark.parametrize("text", ['{"x"', "[]", "{}", "\ufffd"])
def test_a_preview_leaves_out_a_damaged_cell(tmp_path, text):
    found = grids.expand("a", Study(grids=[Grid(model="vgg08", dataset="digits", seed=[0, 1, 2, 3])]))
    fast = MEASURED.replace('"seconds": 2', '"seconds": 0.2')
    for name, content in zip(found, (MEASURED, fast, text, MEASURED), strict=True):
        (tmp_path / "a" / name).mkdir(parents=True)
        (tmp_path / "a" / name / "cell.json").write_text(content)
    assert preview.measured_speed({"a": found}, tmp_path) == (3e6, "median of 3 finished here")


def test_a_second_preview_says_the_same_without_pytorch(tmp_path):
    """Importing PyTorch takes longer than building a DAG of a thousand cells."""
    study = Study(grids=[Grid(model=["vgg08", "vgg38"], block=["plain", "bn"], width=[0.5, 1.0], dataset="digits")])
    found = grids.expand("a", study)
    described = {"digits": Dataset(source="digits")}
    said = previewed(tmp_path, found, list(found), described)
    configuration = {
        "datasets": {"digits": {"source": "digits"}},
        "studies": {"a": study.model_dump(mode="json", exclude_unset=True)},
    }
    script = PREVIEW.format(configuration=configuration, results=str(tmp_path))
    again = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines() == said
