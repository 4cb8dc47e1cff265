"""How tests run the real workflow, and the tiny study that they run."""

import contextlib
import re
import subprocess
import sys

import yaml

from tests.conftest import ROOT

TINY = {
    "datasets": {"digits": {"source": "digits", "image_size": 8}},
    "studies": {
        "cw2": {
            "grids": [
                {"model": "vgg08", "dataset": "digits", "width": 0.25, "epochs": 2, "augmentation": "none"},
                {
                    "model": "vgg38",
                    "block": ["plain", "bn", "rc", "bn_rc"],
                    "dataset": "digits",
                    "width": 0.25,
                    "epochs": 2,
                    "augmentation": "none",
                },
            ],
            "compare": {"shallow": {"model": "vgg08"}, "deep": {"model": "vgg38", "block": "plain"}},
        }
    },
}
CELL = "{}-{}-width0.25-digits-augnone-epochs2-lr0.001-seed{}"
REPORT = "report/mlp-cw2.pdf"


def snakemake(folder, *arguments, project=ROOT, check=True):
    """Run Snakemake with the workflow of `project` in `folder`; returns its exit status and all that it printed."""
    program = [sys.executable, "-m", "snakemake", "-s", str(project / "Snakefile"), "--directory", str(folder)]
    done = subprocess.run([*program, "--cores", "2", *arguments], cwd=folder, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert not check or done.returncode == 0, said
    return done.returncode, said


def write_config(folder, config):
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def to_train(folder, **options):
    """Names of the cells that a dry-run would train."""
    _, said = snakemake(folder, "-n", **options)
    return sorted(set(re.findall(r"Training (\S+) \(cw2\)", said)))


@contextlib.contextmanager
def edited(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    try:
        yield
    finally:
        path.write_text(text)


LOST = {"external_runs": {"handed_out": {"folder": "nowhere", "joins": "cw2"}}}
LOST_SAID = (
    "external_runs.handed_out.folder: expected a run with the file nowhere/result_outputs/summary.csv, found none"
)
