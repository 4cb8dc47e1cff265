"""The workflow as Snakemake users use it: command-line options, and as a module of their own workflow.

Also what its commands say about themselves.
"""

import os
import re
import subprocess
import sys

import pytest
import yaml

from tests import snakemakes
from tests.conftest import ROOT, inside
from tests.workflow_runs import counted, dry_run, snakemake, write_config

CELL = {"model": "vgg08", "width": 0.25, "dataset": "digits", "epochs": 1, "augmentation": "none"}
NAMES = [f"vgg08-plain-width0.25-digits-augnone-epochs1-lr0.001-seed{seed}" for seed in (0, 1)]
CONFIG = {
    "datasets": {"digits": {"source": "digits", "image_size": 8}},
    "studies": {"s": {"grids": [{**CELL, "seed": [0, 1]}]}},
    "beras": None,
}
MODULE = """
configfile: "mine.yaml"

rule all:
    input: "mine.txt"

module gradscape:
    snakefile: {snakefile!r}
    config: config["gradscape"]
    {more}

use rule * from gradscape as gs_*

use rule train_cell from gradscape as gs_train_cell with:
    resources: mem_mb=1000

rule mine:
    input: "results/s/tables/table1.txt"
    output: "mine.txt"
    shell: "python -c 'import my_library' && cp {{input}} {{output}}"
"""
PART = """
configfile: "mine.yaml"

rule all:
    input: "results/s/{cell}/cell.json"

module gradscape:
    snakefile: {snakefile!r}
    config: config["gradscape"]

use rule fetch_data, train_cell from gradscape as gs_*
"""


def test_a_limit_of_gpus_limits_no_cells_on_the_cpu(tmp_path, monkeypatch):
    """--jobs is for a cluster, or another word for --cores: which of the two is known only late."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    write_config(tmp_path, CONFIG)
    (tmp_path / "models").mkdir()  # a folder of the user's, where the commands do not look
    (tmp_path / "models/__init__.py").touch()
    targets = [f"results/s/{name}/cell.json" for name in NAMES]
    _, said = snakemake(tmp_path, *targets, "--jobs", "2", "--resources", "gpu=1")
    assert "train on the CPU, up to 2 side by side" in said and "Execute 2 jobs" in said


@pytest.mark.parametrize("name", ["config.yml", "config/config.yaml"])
def test_a_configuration_may_lie_where_other_workflows_have_theirs(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(yaml.safe_dump(CONFIG | {"beras": {"dataset": "digits"}}))
    said = dry_run(tmp_path, "--config", "beras=null")
    assert "s  2 cells, 2 to train, 2 epochs" in said and "beras" not in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("device: cpu\ndevice: auto\n", "{file}, line 2, column 1: the key `device` is already in line 1"),
        ("devise: cpu\n", "config.yaml with {file} is not valid:\n  devise: unknown key; did you mean 'device'?"),
    ],
)
def test_a_second_configuration_is_looked_at_as_the_first(tmp_path, text, message):
    write_config(tmp_path, CONFIG)
    file = tmp_path / "more.yaml"
    file.write_text(text)
    status, said = snakemake(tmp_path, "-n", "--configfile", "more.yaml", check=False)
    assert status == 1 and f"error: {message.format(file=file)}" in said and "Traceback" not in said


def test_a_configuration_that_replaces_the_first_is_said_to_be_alone(tmp_path):
    write_config(tmp_path, CONFIG)
    (tmp_path / "other.yaml").write_text("device: cpu\n")
    replaced = ["--replace-workflow-config", "--configfile", "other.yaml"]
    status, said = snakemake(tmp_path, "-n", *replaced, check=False)
    assert status == 1 and f"error: {tmp_path}/other.yaml is not valid:\n  datasets: missing" in said


def test_a_value_of_the_command_line_is_said_to_be_from_there(tmp_path):
    write_config(tmp_path, CONFIG)
    status, said = snakemake(tmp_path, "-n", "--config", "device=tpu", check=False)
    assert status == 1 and "error: config.yaml with --config is not valid:\n  device: 'tpu'" in said


def test_a_profile_brings_its_configuration_from_any_folder(tmp_path):
    said = dry_run(tmp_path, "--profile", str(ROOT / "profiles/demo"), "report/mlp-cw2.pdf")
    demo = yaml.safe_load((ROOT / "profiles/demo/study.yaml").read_text())["studies"]["cw2"]["grids"]
    cells = sum(len(grid["seed"]) * len(grid.get("block", ["plain"])) for grid in demo)
    assert f"cw2           {cells} cells, {cells} to train" in said


FILL = "fill_report --summary s --out o --template t --answers a --figures f --table t"
RANGES = {
    "check_beras --data d --out o --steps 0": "argument --steps: expected a whole number from 1, found '0'",
    "check_beras --data d --out o --batch-size 0": "batch_size: '0': Input should be greater than or equal to 1",
    "probe_initializers --data d --out o --images 0": "argument --images: expected a whole number from 1, found '0'",
    "probe_initializers --data d --out o --seeds 0 -1": "argument --seeds: expected a whole number from 0, found '-1'",
    "diagnose --batches 2.5": "argument --batches: expected a whole number from 1, found '2.5'",
    "diagnose --image-size 0": "argument --image-size: expected a whole number from 1, found '0'",
    "inspect_cell --cell c --data d --out o --images no": "--images: expected a whole number from 1, found 'no'",
    "train_beras --data d --out o --variant simple --seed -1": "expected a whole number from 0, found '-1'",
    "plot_samples --data d --out o.pdf --normalize all": "normalize: 'all': Input should be 'course' or 'dataset'",
    "measure_surface --cell c --data d --out o --points 1": "points: '1': Input should be greater than or equal to 2",
    f"{FILL} --shallow model --deep model=vgg38": "--shallow: expected KEY=VALUE, for example lr=0.001, but found",
    f"{FILL} --shallow model=vgg08 --deep lr=no": "--deep lr=no is not valid:\n  lr: 'no': Input should be",
    f"{FILL} --shallow model=vgg08 --deep model=vgg38 --search d": "--search: expected --search-study as well",
    "plot_search --summary s --out o.pdf --study {": "argument --study: expected JSON, found '{'",
    "summarise --out o --titles [1]": "argument --titles: expected a JSON object, found '[1]'",
    "train_cell --data d --out o --measure 3": "argument --measure: expected a JSON object, found '3'",
    "train_cell --data d --out .": "argument --out: expected a folder with a name, found '.'",
    "train_beras --data d --out a/.. --variant simple": "argument --out: expected a folder with a name, found 'a/..'",
    "course_train --data d --experiment_name .": "argument --experiment_name: expected a folder with a name, found '.'",
    "measure_surface --cell c --data d --out o --device tpu": "device: 'tpu': Input should be 'auto', 'cpu' or 'cuda'",
}


@pytest.mark.parametrize(("words", "message"), RANGES.items())
def test_a_flag_out_of_its_range_is_refused_before_anything_is_read(refused, words, message):
    assert message in refused(*words.split())


OF_JOBS = ("matplotlib", "PIL", "pooch", "safetensors", "scipy", "sklearn", "torch", "tqdm")  # packages


def test_a_dry_run_where_only_the_jobs_have_packages(tmp_path):
    """With --sdm conda Snakemake has its own Python. (NumPy and pandas are imported by its Slurm plugin.)"""
    write_config(tmp_path, CONFIG)
    words = ["-s", str(ROOT / "Snakefile"), "-n", "--cores", "1"]
    program = f"import sys; sys.modules |= dict.fromkeys({OF_JOBS}); from snakemake.cli import main; main({words})"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "2 to train, 2 epochs\n" in done.stderr and "Traceback" not in done.stderr


def of_another_workflow(folder, *arguments, workflow=MODULE, more="", **settings):
    """Run a workflow in `folder` that uses ours as a module; returns its exit status and all its output."""
    (folder / "Snakefile").write_text(workflow.format(snakefile=str(ROOT / "Snakefile"), more=more, cell=NAMES[0]))
    (folder / "mine.yaml").write_text(yaml.safe_dump({"gradscape": CONFIG | settings}))
    (folder / "own").mkdir(exist_ok=True)
    (folder / "own/my_library.py").touch()
    own = os.environ | {"PYTHONPATH": str(folder / "own")}
    with counted(folder):
        return snakemakes.run(folder, "--cores", 2, *arguments, environment=own)


def test_a_part_of_the_module(tmp_path):
    status, said = of_another_workflow(tmp_path, "-n", workflow=PART)
    assert status == 0 and "s  2 cells, 1 to train, 1 epoch" in said
    assert "Traceback" not in said and "Exception" not in said


def test_as_a_module(tmp_path):
    """Its commands are found, and its messages appear once, although Snakemake reads it once for each `use rule`."""
    status, said = of_another_workflow(tmp_path, "-n")
    assert status == 0 and said.count("s  2 cells, 2 to train, 2 epochs") == 1
    status, said = of_another_workflow(tmp_path, "-n", cells_per_job=2)
    assert status == 0 and "s  2 cells, 2 to train" in said and f"Training up to 2 cells from {NAMES[0]} on (s)" in said
    status, said = of_another_workflow(tmp_path)
    assert status == 0 and "VGG08" in (tmp_path / "mine.txt").read_text()
    assert all(said.count(f"\ns/{name}: 1 epoch in ") == 1 for name in NAMES)


PREFIX = 'shell.prefix("shopt -s expand_aliases; alias own=cp\\n")\n'
OWN = MODULE.replace("shell: \"python -c 'import my_library' && cp ", 'shell: "own ')


@pytest.mark.parametrize("workflow", [PREFIX + OWN, OWN + PREFIX], ids=["before ours", "after ours"])
def test_a_module_beside_a_prefix_of_all_commands(tmp_path, workflow):
    """Snakemake has one for all rules: the workflow around ours keeps it, and our commands get all their flags."""
    status, said = of_another_workflow(tmp_path, workflow=workflow, tensorboard=True)
    assert status == 0 and (tmp_path / "mine.txt").exists(), said
    assert len(list(tmp_path.glob("results/s/*/events.out.tfevents.*"))) == len(NAMES)


@pytest.mark.parametrize("prefix", ['prefix: "sub"', 'replace_prefix: {"results": "sub"}'])
def test_a_module_with_another_place_for_results(tmp_path, prefix):
    status, said = of_another_workflow(tmp_path, "-n", more=prefix)
    assert status == 1 and "expected no prefix and no replace_prefix" in said and "Traceback" not in said


COMMANDS = sorted(path.stem for path in (ROOT / "workflow_scripts").glob("[a-z]*.py"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_how_it_is_called_and_what_each_flag_is(monkeypatch, capsys, name):
    monkeypatch.setenv("COLUMNS", "300")  # a line per flag: its name and arguments, or its name alone if they are long
    with pytest.raises(SystemExit) as stop:
        inside(name, "--help")
    said = capsys.readouterr().out
    assert stop.value.code == 0 and re.search(rf"^ +.*python -m workflow_scripts\.{name}\b", said, re.MULTILINE)
    flags = re.findall(r"^  (-.*(?:\n {20,}.*)*)", said.split("\noptions:\n")[1], re.MULTILINE)
    assert flags and not [flag for flag in flags if not re.search(r"\s{2,}\S", flag)]
