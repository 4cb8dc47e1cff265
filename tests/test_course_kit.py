"""The course kit around one run of course_train on digits at 8x8: its files, runs that are added, the hand-in."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml

from tests import snakemakes
from tests.conftest import ROOT, command, inside
from tests.course_runs import DIGITS, HEADERS, SCRIPT, handed_out
from tests.workflow_runs import counted
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.course import folders, program, submission
from workflow_scripts.engine.runs import checkpoints


@pytest.fixture(scope="module")
def experiment(digits_file, tmp_path_factory):
    """The folder of a run of course_train, which also holds a cell's files."""
    out = tmp_path_factory.mktemp("course") / "VGG_08_experiment"
    words = SCRIPT.replace("'", "").replace("VGG_08_experiment", str(out)).split()
    command("course_train", *words, *DIGITS, "--data", digits_file, "--gradient-flow")
    return out


def test_course_train_leaves_both_kinds_of_files(experiment):
    facts = json.loads((experiment / "cell.json").read_text())
    assert (facts["record"]["model"], facts["record"]["width"], facts["epochs_run"]) == ("vgg08", 0.25, 2)
    plots = [f"saved_models/gradient_flow_plots/epoch{epoch}.pdf" for epoch in range(2)]
    for plot in plots:
        assert (experiment / plot).read_bytes().startswith(b"%PDF")
    assert {str(path.relative_to(experiment)) for path in experiment.rglob("*") if path.is_file()} == {
        "cell.json", "history.csv", "gradients.csv", "steps.npz", "test.json", "model.safetensors", *HEADERS, *plots,
    }  # fmt: skip


def test_a_killed_run_goes_on_from_its_checkpoint(experiment, digits_file, tmp_path):
    """Whichever epoch is named, it ends with the same numbers."""
    out = tmp_path / "killed"
    words = [
        "--seed",
        "0",
        "--num_blocks_per_stage",
        "0",
        "--experiment_name",
        str(out),
        *DIGITS,
        "--data",
        str(digits_file),
    ]
    stop = (
        "import runpy, sys; from workflow_scripts.engine.training import trainer;"
        "end = trainer.Training._end_epoch;"
        "trainer.Training._end_epoch = lambda self, *a: sys.exit(9) if self.progress.epoch else end(self, *a);"
        f"sys.argv = ['course_train', *{words!r}];"
        "runpy.run_module('workflow_scripts.course_train', run_name='__main__')"
    )
    assert subprocess.run([sys.executable, "-c", stop], cwd=ROOT, capture_output=True).returncode == 9
    assert out.with_name("killed.checkpoint").exists() and not out.exists()
    done = command("course_train", *words, "--continue_from_epoch", "0")
    assert "going on from epoch 2" in done.stderr
    for name in HEADERS:
        assert (out / name).read_bytes() == (experiment / name).read_bytes()


def test_a_checkpoint_of_another_experiment_is_kept(experiment, digits_file, tmp_path, refused):
    """A typing mistake in an argument must not cost the epochs that were trained: the run would start again in it."""
    out = tmp_path / "killed"
    checkpoint = out.with_name("killed.checkpoint")
    words = ["--seed", "0", "--num_blocks_per_stage", "0", "--experiment_name", out, *DIGITS, "--data", digits_file]
    checkpoints.save(checkpoint, "of another experiment", {})
    for content in (checkpoint.read_bytes(), b"damaged"):
        checkpoint.write_bytes(content)
        said = refused("course_train", *words, "--continue_from_epoch", "1")
        assert f"--continue_from_epoch 1: {checkpoint} is damaged or" in said and "-1 starts from the beg" in said
        assert checkpoint.read_bytes() == content and not out.exists()
    shutil.copytree(experiment, out)
    said = refused("course_train", *words, "--seed", "1")  # the folder holds the cell of seed 0
    assert "choose another folder" in said and checkpoint.exists()


def test_an_experiment_that_was_handed_out_is_not_overwritten(digits_file, tmp_path, refused):
    """Its folder has the name that the course's script gives to ours."""
    out = handed_out(tmp_path / "VGG_38_experiment")
    before = (out / folders.SUMMARY).read_bytes()
    said = refused("course_train", "--experiment_name", out, *DIGITS, "--data", digits_file)
    assert f"--experiment_name {out}: expected a new folder" in said and "made elsewhere" in said
    assert (out / folders.SUMMARY).read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]


# Folders out


def test_an_exported_cell_has_its_numbers_to_the_last_digit(experiment, tmp_path):
    inside("export_course", "--cell", experiment, "--out", tmp_path / "run")
    history = pd.read_csv(experiment / "history.csv", dtype=str)
    for name, header in HEADERS.items():
        content = (tmp_path / "run" / name).read_bytes()
        assert content == (experiment / name).read_bytes()
        assert content.splitlines()[0].decode() == header
    written = pd.read_csv(tmp_path / "run" / folders.SUMMARY, dtype=str)
    pd.testing.assert_frame_equal(written, history[list(written)])
    test = json.loads((experiment / "test.json").read_text())
    with open(tmp_path / "run" / folders.TEST_SUMMARY, newline="") as file:
        (row,) = csv.DictReader(file)
    assert {key: float(value) for key, value in row.items()} == {key: test[key] for key in ("test_acc", "test_loss")}
    assert not (tmp_path / "run/saved_models").exists()  # on request only
    epochs = folders.read(tmp_path / "run").epochs
    assert [list(map(float, row)) for row in written.to_numpy()] == [list(row.values()) for row in epochs]


def test_many_cells_are_named_on_standard_input(experiment, tmp_path):
    inside("export_course", "--out", tmp_path, stdin=f"{experiment}\n")
    assert (tmp_path / experiment.name / folders.SUMMARY).read_bytes() == (experiment / folders.SUMMARY).read_bytes()


# Folders in


@pytest.fixture(scope="module")
def joined(experiment, tmp_path_factory):
    """A summary of one cell and of two runs made elsewhere, one of them with two seeds."""
    folder = tmp_path_factory.mktemp("joined")
    seeds = [handed_out(folder / "a"), handed_out(folder / "b", [(0.2, 4.0, 0.2, 4.0), (0.5, 2.0, 0.35, 2.8)])]
    wrong = handed_out(folder / "c", [(0.2, 4.0, 0.2, 4.0), (0.01, "nan", 0.01, "nan")], None)
    runs = {
        "elsewhere": {"folder": list(map(str, seeds)), "joins": "cw2", "label": "VGG_08 (course)", "colour": "#777777"},
        "lost": {"folder": str(wrong), "joins": "cw2", "num_classes": 10},
    }
    inside("summarise", "--external", json.dumps(runs), "--out", folder / "summary", stdin=f"{experiment}\n")
    return folder / "summary"


def test_runs_made_elsewhere_join_the_learning_curves(joined, tmp_path):
    flags = ["--external", "elsewhere", "--external", "lost", "--select", "model=vgg08"]
    inside("plot_curves", "--summary", joined, *flags, "--out", tmp_path / "figure.svg")
    drawn = pd.read_csv(tmp_path / "figure.csv")
    assert list(drawn["line"].unique()) == ["VGG08", "VGG_08 (course)", "lost, diverged"]
    course = drawn[drawn["line"] == "VGG_08 (course)"]
    assert list(course["seeds"]) == [2, 2]
    assert list(course["val_acc"]) == pytest.approx([0.15, 0.3])
    assert list(course["val_acc_std"]) == pytest.approx([np.std([0.1, 0.2], ddof=1), np.std([0.25, 0.35], ddof=1)])
    assert len(drawn[drawn["line"] == "lost, diverged"]) == 1  # the line ends where its loss does
    assert "#777777" in (tmp_path / "figure.svg").read_text()


def test_beside_them_the_best_is_the_best_trained_here(joined, tmp_path):
    inside("plot_curves", "--summary", joined, "--best", "--external", "elsewhere", "--out", tmp_path / "figure.pdf")
    lines = pd.read_csv(tmp_path / "figure.csv")["line"].unique().tolist()
    assert lines == ["VGG08 (best trained here)", "VGG_08 (course)"]


def test_without_being_named_they_change_no_figure(joined, tmp_path):
    inside("plot_curves", "--summary", joined, "--best", "--out", tmp_path / "figure.pdf")
    assert list(pd.read_csv(tmp_path / "figure.csv")["line"].unique()) == ["VGG08 (best of all)"]
    inside("plot_grad_flow", "--summary", joined, "--best", "--out", tmp_path / "flow.pdf")


def test_they_join_the_table(joined, tmp_path):
    inside("make_table", "--summary", joined, "--out", tmp_path / "table.csv")
    table = pd.read_csv(tmp_path / "table.csv").set_index("label")
    assert list(table.index) == ["VGG08", "VGG_08 (course)", "lost"]
    assert table.loc["VGG_08 (course)", "val_acc"] == pytest.approx(0.3)
    assert table.loc["VGG_08 (course)", "test_acc"] == pytest.approx(0.24)
    assert table["parameters"].isna().tolist() == [False, True, True]
    text = (tmp_path / "table.txt").read_text()
    (line,) = (line for line in text.splitlines() if "VGG_08 (course)" in line)
    assert line.split()[2:5] == ["–", "–", "2"]  # rate and parameters are not known; two seeds
    assert "1 of 1 diverged" in text
    assert table["best"].tolist() == [True, False, False]  # the best of the cells, whatever other runs reached
    assert "best validation accuracy of those trained here" in text
    assert (tmp_path / "table.tex").read_text().count(r"\midrule") == 2


def test_mistakes_in_external_runs(joined, tmp_path, refused):
    said = refused("plot_curves", "--summary", joined, "--external", "nobody", "--out", tmp_path / "x.pdf")
    assert "has no such run; it has: elsewhere, lost" in said
    assert "expected LABEL=FOLDER" in refused("plot_course", "folder", "--out", tmp_path / "x.pdf")
    said = refused("plot_course", "one=folder", "--num-classes", "1", "--out", tmp_path / "x.pdf")
    assert "the run one is not valid" in said and "num_classes: 1: Input should be greater" in said
    study = {"grids": [{"model": "vgg08", "dataset": "digits"}]}
    good = {"datasets": {"digits": {"source": "digits"}}, "studies": {"cw2": study}}
    for section, message in [
        ({"folder": "x", "joins": "cw3"}, "external_runs.a.joins is 'cw3', which `studies` does not define"),
        ({"folder": [], "joins": "cw2"}, "external_runs.a.folder: expected at least one value"),
        ({"folder": "x", "joins": "cw2", "colour": "red"}, "external_runs.a.colour: 'red'"),
    ]:
        with pytest.raises(UserError, match=re.escape(message)):
            config.load({**good, "external_runs": {"a": section}})


# The hand-in

NUMBER = "s1234567"
SETTINGS = {"report": {"author": "Zoë"}, "datasets": {}}
PROGRAM = ("rules", "envs", "models", "workflow_scripts", "report")  # folders
OTHER_ASSIGNMENT = ("models/Beras/", "models/beras_assignment/")


def pack(folder, out, **changes):
    flags = {"number": NUMBER, "report": folder / "report.pdf", "results": folder / "cw2", "out": out}
    settings = json.dumps({**SETTINGS, "beras": {"dataset": "mnist"}})
    words = [word for key, value in {**flags, **changes}.items() for word in (f"--{key}", value)]
    return [*words, "--config", settings, "--csv", folder / "cw2/course", folder / "cw2/tables/table1.csv"]


@pytest.fixture(scope="module")
def parts(experiment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    (folder / "report.pdf").write_bytes(b"%PDF-1.5 the report")
    inside("export_course", "--cell", experiment, "--out", folder / "cw2/course/a-cell-seed0", "--gradient-flow")
    (folder / "cw2/tables").mkdir()
    (folder / "cw2/tables/table1.csv").write_text("label\nVGG08\n")
    return folder


def test_the_hand_in_has_the_tree_of_the_brief(parts):
    for name in ("one.zip", "two.zip"):
        inside("pack_submission", *pack(parts, parts / name))
    assert (parts / "one.zip").read_bytes() == (parts / "two.zip").read_bytes()
    with zipfile.ZipFile(parts / "one.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
        entries = archive.infolist()
    assert {(entry.date_time, entry.external_attr >> 16) for entry in entries} == {((1980, 1, 1, 0, 0, 0), 0o100644)}
    assert list(files) == sorted(files)
    assert sum(entry.compress_size for entry in entries) < sum(map(len, files.values())) / 2
    scripts = f"{NUMBER}/mlp/pytorch_experiment_scripts/"
    programs = {name.removeprefix(scripts) for name in files if name.startswith(scripts)}
    assert {name for name in files if not name.startswith(scripts)} == {
        f"{NUMBER}/{NUMBER}_report.pdf",
        f"{NUMBER}/results/course/a-cell-seed0/result_outputs/summary.csv",
        f"{NUMBER}/results/course/a-cell-seed0/result_outputs/test_summary.csv",
        f"{NUMBER}/results/tables/table1.csv",
    }
    assert files[f"{NUMBER}/{NUMBER}_report.pdf"] == b"%PDF-1.5 the report"
    found = [path for folder in PROGRAM for path in (ROOT / folder).rglob("*") if path.is_file()]
    found = [path for path in found if path.suffix != ".pdf" and path.parent.name != "__pycache__"]
    named = [path.relative_to(ROOT).as_posix() for path in found]
    ours = {name for name in named if not name.startswith(OTHER_ASSIGNMENT)}
    top = {
        "README.md",
        "Snakefile",
        "config.yaml",
        "pyproject.toml",
        "requirements.lock",
        "profiles/default/config.yaml",
    }
    assert programs == ours | top
    assert yaml.safe_load(files[f"{scripts}config.yaml"]) == SETTINGS  # as used, without the other assignment
    assert files[f"{scripts}config.yaml"].decode().startswith("report:\n  author: Zoë\n")
    readme = files[f"{scripts}README.md"].decode()
    assert f"`{NUMBER}_report.pdf`" in readme and "-r requirements.lock" in readme


def test_what_was_handed_in_runs(parts, monkeypatch):
    """Dry-runs in the unpacked tree, with its configuration: of all, and of a hand-in with a malformed number.

    It has the words and own figures of the report that was made, and the runs made elsewhere.
    """
    answers = "report/mlp-cw2-questions.tex.j2"
    (parts / "report").mkdir()
    (parts / answers).write_text("% my own words\n")
    (parts / "report/figures").mkdir()
    (parts / "report/figures/mine.png").write_bytes(b"of my own")
    shutil.copytree(parts / "cw2/course/a-cell-seed0", parts / "elsewhere")
    monkeypatch.chdir(parts)
    settings = yaml.safe_load((ROOT / "config.yaml").read_text())
    settings["external_runs"] = {"course": {"folder": "elsewhere", "joins": "cw2", "label": "of {another} course"}}
    words = pack(parts, parts / "all.zip")
    words[words.index("--config") + 1] = json.dumps(settings)
    inside("pack_submission", *words)
    with zipfile.ZipFile(parts / "all.zip") as archive:
        archive.extractall(parts)
    tree = parts / NUMBER / "mlp/pytorch_experiment_scripts"
    assert (tree / answers).read_text() == "% my own words\n"
    assert (tree / "report/figures/mine.png").read_bytes() == b"of my own"
    alone = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    said = {}
    command = re.search(r"^    snakemake (-n .+?) *#", (tree / "README.md").read_text(), re.MULTILINE)[1]
    for target in ("all", "submission/s12.zip", command):
        with counted(tree):
            said[target] = snakemakes.run(tree, "-n", *target.split(), environment=alone)
    assert said["all"][0] == 0, said["all"][1]
    assert said[command][0] == 0 and "Typesetting report/mlp-cw2.pdf" in said[command][1], said[command][1]
    status, text = said["submission/s12.zip"]
    assert status == 1 and "expected a student number, an s and seven digits, found 's12'" in text
    packed = yaml.safe_load((tree / "config.yaml").read_text())["external_runs"]["course"]
    (folder,) = packed["folder"]
    assert (tree / folder / folders.SUMMARY).read_bytes() == (parts / "elsewhere" / folders.SUMMARY).read_bytes()
    assert packed["label"] == "of {another} course"  # and no wildcard of the dry-run above


@pytest.mark.parametrize("number", ["s12", "1234567", "s12345678", "S1234567", "s1234567/x", "s1234567\n", ""])
def test_a_malformed_student_number_is_refused(parts, refused, number):
    assert "student_number" in refused("pack_submission", *pack(parts, parts / "out.zip", number=number))
    assert not (parts / "out.zip").exists()
    with pytest.raises(UserError, match=rf"submission/{number}\.zip: expected a student number, an s and seven digits"):
        submission.checked(number, number)


def test_only_csv_files_are_handed_in(parts, refused):
    (parts / "cw2/model.safetensors").write_bytes(b"")
    (parts / "elsewhere.csv").write_text("label\n")
    for path in (parts / "cw2/model.safetensors", parts / "report.pdf", parts / "elsewhere.csv"):
        said = refused("pack_submission", *pack(parts, parts / "out.zip"), path)
        assert f"{path}: expected a .csv file in" in said


def test_a_number_that_is_not_the_report_s_is_refused():
    assert submission.checked(NUMBER, NUMBER) == NUMBER
    with pytest.raises(
        UserError, match="the report says s1234567; set report.student_number in config.yaml to s7654321"
    ):
        submission.checked("s7654321", NUMBER)


def test_the_code_that_is_handed_in_is_in_git():
    assert all((ROOT / path).is_file() for path in program.sources())
