"""The course's experiment folders: a cell's numbers exported, and runs made elsewhere imported."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from tests.conftest import inside
from tests.course_runs import HEADERS, handed_out
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.course import external, flow_plots, folders
from workflow_scripts.engine.figures import grad_flow, style

# Folders out


def test_a_cell_without_a_test_and_a_damaged_one(tmp_path, refused):
    cell = tmp_path / "cell"
    cell.mkdir()
    (cell / "history.csv").write_text(
        "epoch,lr,train_loss,train_acc,val_loss,val_acc,seconds\n0,0.1,nan,0.1,nan,0.1,1\n"
    )
    (cell / "test.json").write_text('{"epoch": null, "test_loss": null, "test_acc": null}')
    folders.export(cell, tmp_path / "out")
    assert (tmp_path / "out" / folders.TEST_SUMMARY).read_text() == "test_acc,test_loss\n"
    found = folders.read(tmp_path / "out")
    assert (found.test, found.diverged_epoch) == ({}, 0)
    (cell / "test.json").write_text("{")
    assert "test.json is damaged (" in refused("export_course", "--cell", cell, "--out", tmp_path)


def test_a_plot_of_the_gradient_flow_is_of_the_last_batch_and_begins_at_the_input(tmp_path):
    (tmp_path / "gradients.csv").write_text(
        "epoch,layer,depth,mean_abs,l2,last_batch_mean_abs\n0,second,1,9,9,0.2\n0,first,0,9,9,0.1\n"
    )
    flow_plots.export(tmp_path, tmp_path)
    figure = grad_flow.draw_flow(["first", "second"], np.array([0.1, 0.2]), "epoch 0")
    with style.look():
        figure.savefig(tmp_path / "expected.pdf", metadata=style.UNDATED[".pdf"])
    drawn = tmp_path / "saved_models/gradient_flow_plots/epoch0.pdf"
    assert drawn.read_bytes() == (tmp_path / "expected.pdf").read_bytes()


# Folders in


@pytest.mark.parametrize(
    ("given", "message"),
    {
        "missing": (
            {"header": "train_acc,train_loss,val_acc"},
            "expected the columns train_acc,train_loss,val_acc,val_loss",
        ),
        "reordered": (
            {"header": "train_loss,train_acc,val_loss,val_acc"},
            "in this order, found train_loss,train_acc,val_loss,val_acc",
        ),
        "ragged": (
            {"epochs": [(0.1, 4.5, 0.1, 4.4), (0.1, 4.5, 0.1)]},
            "line 3: expected 4 values, one per column, found 3",
        ),
        "percent": (
            {"epochs": [(51.59, 1.74, 46.84, 1.95)]},
            "line 2: expected train_acc as a fraction from 0 to 1, found 51.59",
        ),
        "below nothing": ({"epochs": [(0.1, 4.5, -0.1, 4.4)]}, "line 2: expected val_acc as a fraction from 0 to 1"),
        "percent in the test": ({"test": (48.7, 1.9)}, "test_summary.csv, line 2: expected test_acc as a fraction"),
        "words": ({"epochs": [(0.1, "high", 0.1, 4.4)]}, "line 2: expected a number as train_loss, found 'high'"),
        "empty": ({"epochs": []}, "expected a row per epoch, found none"),
    }.values(),
)
def test_a_folder_not_as_the_framework_writes_it(tmp_path, given, message, refused):
    folder = handed_out(tmp_path / "run", **given)
    with pytest.raises(UserError, match=re.escape(message)):
        folders.read(folder)
    assert message in refused("plot_course", f"run={folder}", "--out", tmp_path / "figure.pdf")
    assert not (tmp_path / "figure.pdf").exists()


def test_what_else_a_folder_may_be_like(tmp_path):
    old = handed_out(
        tmp_path / "old", [(0.1, 4, 0.1, 4, 0)], None, "train_acc,train_loss,val_acc,val_loss,curr_epoch", "\n"
    )
    assert folders.read(old) == folders.Run([dict(zip(folders.EPOCHS, (0.1, 4, 0.1, 4), strict=True))], {})
    spreadsheet = handed_out(tmp_path / "spreadsheet", header=f"\ufeff{HEADERS[folders.SUMMARY]}")
    windows = handed_out(tmp_path / "windows", end="\r\r\n")  # where the framework's text files end lines twice
    assert folders.read(spreadsheet) == folders.read(windows) == folders.read(handed_out(tmp_path / "linux"))
    rounded = handed_out(tmp_path / "rounded", [(1.0000001, 0.1, 1, 0.1), (0.1, "inf", 0.1, "inf")])
    assert folders.read(rounded).diverged_epoch == 1
    (old / folders.TEST_SUMMARY).unlink()
    assert folders.read(old).test == {}
    with pytest.raises(UserError, match="expected the metrics of an experiment of the course, found no such file"):
        folders.read(tmp_path / "nowhere")


def test_a_run_made_elsewhere_ends_with_its_last_epoch_and_is_as_good_as_its_best():
    rows = [dict(zip(folders.EPOCHS, row, strict=True)) for row in ((0.3, 3.0, 0.6, 2.0), (0.5, 1.0, 0.4, 4.0))]
    test = {"test_acc": 0.55, "test_loss": 2.5}
    assert external._outcome(folders.Run(rows, test)) == {"status": "finished", **rows[1], "best_val_acc": 0.6, **test}
    unknown = folders.Run([{**rows[0], "val_acc": math.nan}, rows[1]], {})
    assert external._outcome(unknown)["best_val_acc"] == 0.4


def test_a_run_may_have_any_name(tmp_path):
    runs = {name: config.ExternalRun(folder=[handed_out(tmp_path / name)], joins="cw2") for name in ("NA", "None")}
    external.write(external.collect(runs), tmp_path)
    rows = external.rows(external.load(tmp_path, ["None", "NA"]), after=3)
    assert rows[["label", "group"]].values.tolist() == [["None", 3], ["NA", 4]]


def test_figure_1_from_nothing_but_handed_out_metrics(tmp_path):
    runs = [f"{name}={handed_out(tmp_path / name)}" for name in ("VGG_08", "VGG_38")]
    inside("plot_course", *runs, "--out", tmp_path / "figure.pdf")
    assert list(pd.read_csv(tmp_path / "figure.csv")["line"].unique()) == ["VGG_08", "VGG_38"]
