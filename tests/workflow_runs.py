"""How tests run the real workflow, and the tiny study that they run."""

import contextlib
import json
import re

import yaml

from tests import snakemakes
from tests.conftest import ROOT
from workflow_scripts.engine.workflow import preview

TINY = {
    "datasets": {"digits": {"source": "digits", "image_size": 8}},
    "studies": {
        "cw2": {
            "question": "What is in `the_way`? 2 * 2 < |5|",  # not to be taken for markup
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
    """Run Snakemake with the workflow of `project` in `folder`; returns its exit status and all its output."""
    status, said = snakemakes.run(folder, "-s", project / "Snakefile", "--directory", folder, "--cores", 2, *arguments)
    assert not check or status == 0, said
    return status, said


COUNTED = {}  # operations of networks counted so far


@contextlib.contextmanager
def counted(folder):
    """Let a dry-run in `folder` count only networks not counted here before: counting takes PyTorch and seconds."""
    path = folder / ".snakemake" / preview.COUNTED
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(COUNTED))
    yield
    COUNTED.update(json.loads(path.read_text()))


def dry_run(folder, *arguments, **options):
    """What a dry-run of the workflow in `folder` prints."""
    with counted(folder):
        return snakemake(folder, "-n", *arguments, **options)[1]


def write_config(folder, config):
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def to_train(folder, **options):
    """Names of the cells that a dry-run would train."""
    return sorted(set(re.findall(r"Training (\S+) \(cw2\)", dry_run(folder, **options))))


@contextlib.contextmanager
def edited(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    try:
        yield
    finally:
        path.write_text(text)
