"""The workflow where results are kept elsewhere, as on Kubernetes: a job finds only the files that are its inputs."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.workflow_runs import write_config
from workflow_scripts.engine.course import program

CELL = {"model": "vgg08", "width": 0.25, "dataset": "digits", "epochs": 1, "augmentation": "none"}
CONFIG = {
    "datasets": {"digits": {"source": "digits", "image_size": 8}},
    "studies": {
        "cw2": {
            "grids": [{**CELL, "block": ["plain", "bn"]}],
            "compare": {"shallow": {"model": "vgg08", "block": "plain"}, "deep": {"model": "vgg08", "block": "bn"}},
            "test": "chosen",
        }
    },
    "beras": None,
}
REPORT = "report/mlp-cw2.pdf" if shutil.which("latexmk") else "results/report/mlp-cw2/mlp-cw2-template.tex"
TARGETS = [REPORT, "results/cw2/insight/confusion.csv"]


def snakemake(project, bucket, monkeypatch, *words):
    """Run the workflow of `project`, in its folder, with this folder as the bucket; returns its status and output."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    words = ["--cores", "2", "--default-storage-provider", "folder", "--default-storage-prefix", bucket, *words]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *map(str, words), "--", *TARGETS],
        cwd=project,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_report_and_what_a_network_has_learned(project, tmp_path, monkeypatch):
    project, bucket = shutil.copytree(project, tmp_path / "gradscape"), tmp_path / "bucket"
    write_config(project, CONFIG)
    place = project / ".snakemake/storage/folder" / str(bucket / "results").removeprefix("/")
    place.mkdir(parents=True)
    (project / "results").symlink_to(place)
    status, said = snakemake(project, bucket, monkeypatch)
    assert status == 0 and all((bucket / target).exists() for target in TARGETS), said
    named = f"\nThe report: {bucket / REPORT}\n" if REPORT.endswith(".pdf") else "\n"
    assert named in said
    assert not (project / "results/cw2/insight/confusion.csv").exists()  # here are copies, which Snakemake removes
    assert "Nothing to be done" in snakemake(project, bucket, monkeypatch, "-n")[1]
    keep = "--keep-storage-local-copies"  # as profiles/kubernetes says
    status, said = snakemake(project, bucket, monkeypatch, keep, "--forcerun", "table1", "plot_curves_best", "insight")
    assert status == 0 and (project / "results/cw2/insight/confusion.csv").exists(), said
    assert (project / "results/cw2/tables/table1.txt").read_text() + named in said
    status, said = snakemake(project, bucket, monkeypatch, keep, "--report", "report.zip")
    assert status == 0 and (project / "report.zip").exists(), said
    write_config(project, CONFIG | {"cells_per_job": 2})
    status, said = snakemake(project, bucket, monkeypatch, "-n")
    assert status and "error: cells_per_job: expected 1 where results are kept elsewhere, found 2" in said


def test_the_tables_of_a_hand_in_are_found_behind_a_link(tmp_path):
    """`results` is a link to the copies of what is in the bucket, and inputs are named by where these are."""
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies/table1.csv").write_text("a\n")
    (tmp_path / "results").symlink_to(tmp_path / "copies")
    found = program.tables([tmp_path / "copies/table1.csv"], tmp_path / "results")
    assert found == {"table1.csv": b"a\n"}
