"""What ten thousand cells cost besides their training: the DAG, the summary, the figures.

    python -m benchmarks.scaling dag --cells 100 1000 10000 --runs 3 --build 100
    python -m benchmarks.scaling design --cells 10000
    python -m benchmarks.scaling summary --cells 10000 --epochs 20

`dag` compares our workflow with two trivial ones, each a single rule with as many jobs: one makes one file per job,
the other as many files per job as a cell has. It measures the dry-run, the build, and a second run with nothing to do.
The workflows take turns, so that any other load on the machine affects all of them. No network is trained: the real
rule runs a script that copies the files of a made-up cell in place of the cell's command. Above `--build` cells nothing
is built; the files are put in place and `snakemake --touch` records them. Ratios are of CPU seconds (of the process and
its children), run by run, because wall-clock times depend on what else the machine does.

`design` times reading the configuration, expanding the cells and computing their digests, in one process. `summary`
times the tables of all cells: made at once, made again after one cell has changed, and read by Table 1 and by a
figure.
"""

import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median

import yaml

from benchmarks.measuring import machine, ratios, spread, table, timed, verdict
from workflow_scripts.engine.configuration import cells, config, grids
from workflow_scripts.engine.runs.results import HISTORY
from workflow_scripts.engine.tables import gathering
from workflow_scripts.engine.training.gradients import COLUMNS

ROOT = Path(__file__).resolve().parents[1]
MOST = 1.5  # times the trivial workflow
LAYERS = 38
TRIVIAL = """
rule all:
    input:
        [f"results/{{cell}}/cell.json" for cell in {cells!r}],

rule one:
    output:
        {outputs!r},
    shell:
        "{command}"
"""
# Wraps the real Snakefile: `python` in its rules' commands is the script next to it, whatever comes first on the path.
AROUND = """
include: "{root}/Snakefile"

os.environ.update(PATH=f"{folder}/bin:{{os.environ['PATH']}}")
"""
PYTHON = """#!/bin/sh
case "$*" in
*workflow_scripts.train_cell*) while [ "$1" != --out ]; do shift; done; cp {made}/* "$2" ;;
*workflow_scripts.train_bundle*)
    while [ "$1" != --out ]; do shift; done; exec {python} -S {folder}/bundle.py {made} "$2" ;;
*) exec {python} "$@" ;;
esac
"""
BUNDLE = """
import json, os, sys
made, manifest = sys.argv[1:]
names = [json.loads(line)["cell"] for line in sys.stdin]
for folder in (f"results/many/{name}" for name in names):
    if not os.path.exists(folder):
        os.mkdir(folder)
        for file in os.listdir(made):
            os.link(f"{made}/{file}", f"{folder}/{file}")
with open(manifest, "w") as file:
    file.write("".join(f"{name}\\n" for name in names))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=PARTS)
    parser.add_argument(
        "--cells", type=int, nargs="+", default=[100, 1000, 10_000], help="multiples of 10 (%(default)s)"
    )
    parser.add_argument("--runs", type=int, default=3, help="n (%(default)s)")
    parser.add_argument("--build", type=int, default=1000, help="build for real up to so many cells (%(default)s)")
    parser.add_argument("--cells-per-job", type=int, nargs="+", default=[1, 50], help="of ours (%(default)s)")
    parser.add_argument("--only-dry-run", action="store_true", help="neither build nor the second run")
    parser.add_argument("--epochs", type=int, default=20, help="of the made cells of `summary` (%(default)s)")
    arguments = parser.parse_args()
    print(machine(1))
    packages = ", ".join(f"{package} {version(package)}" for package in ("snakemake", "pydantic", "pandas"))
    print(f"{packages}; n = {arguments.runs}")
    for count in arguments.cells:
        with tempfile.TemporaryDirectory(prefix="scaling-") as folder:
            PARTS[arguments.what](Path(folder), count, arguments)


def design_of(count):
    """A configuration with `count` cells, written as a person would: as a grid."""
    grid = {
        "model": ["vgg08", "vgg38"],
        "block": ["plain", "bn", "rc", "bn_rc", "dense"],
        "seed": list(range(count // 10)),
    }
    return {
        "datasets": {"digits": {"source": "digits", "image_size": 16}},  # above 1 MB, as real data: no job hashes it
        "studies": {"many": {"grids": [{**grid, "dataset": "digits", "epochs": 20}]}},
    }


def cells_of(count):
    """{name: Cell} of that configuration."""
    return grids.expand("many", config.load(design_of(count)).studies["many"])


# --- The DAG


def dag(folder, count, arguments):
    """Print the rows for one number of cells."""
    made = folder / "made"
    write_cell(made, next(iter(cells_of(count).values())), epochs=1)
    own = {f"ours, {size} per job": ours(folder / f"ours{size}", count, made, size) for size in arguments.cells_per_job}
    others = {
        "one file per job": trivial(folder / "one", count, ["cell.json"], "touch {output}"),
        "six files per job": trivial(folder / "six", count, cells.FILES, f"cp {made}/* results/{{wildcards.cell}}/"),
    }
    workflows = own | others
    first = in_turn(own, 1, ["-n"])  # counts the operations of each network, for which it imports PyTorch
    measured = {"dry-run": in_turn(workflows, arguments.runs, ["-n"])}
    if arguments.only_dry_run:
        pass
    elif count <= arguments.build:
        measured["build"] = in_turn(workflows, arguments.runs, [], before=clear)
    else:
        for name, (where, _) in workflows.items():
            put_files(where, made, cells_of(count), "many/" if name in own else "")
        in_turn(workflows, 1, ["--touch"])
        in_turn(own, 1, [])  # the tables
    if not arguments.only_dry_run:
        measured["nothing to do"] = in_turn(workflows, arguments.runs, [])
    rows = [[f"{count:,}", "first dry-run", name, spread(cpu, ".2f"), "", "", ""] for name, (cpu, _) in first.items()]
    for what, by_name in measured.items():
        for name, (cpu, _) in by_name.items():
            against = [ratios(cpu, by_name[other][0]) if name in own else None for other in others]
            shown = [spread(ratio, ".2f") if ratio else "" for ratio in against]
            held = verdict(median(against[0]), MOST, most=True) if name in own else ""
            rows.append([f"{count:,}", what, name, spread(cpu, ".2f"), *shown, held])
    print(table(["cells", "run", "workflow", "CPU s", *(f"/ {other}" for other in others), ""], rows), flush=True)


def ours(folder, count, made, cells_per_job):
    """(working directory, Snakemake's flags) of our workflow with `count` cells, `cells_per_job` in each job."""
    (folder / "bin").mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(design_of(count) | {"cells_per_job": cells_per_job}))
    (folder / "bundle.py").write_text(BUNDLE)
    (folder / "Snakefile").write_text(AROUND.format(root=ROOT, folder=folder))
    (folder / "bin/python").write_text(PYTHON.format(made=made, folder=folder, python=sys.executable))
    (folder / "bin/python").chmod(0o755)
    return folder, ["--workflow-profile", ROOT / "profiles/default"]


def trivial(folder, count, outputs, command):
    folder.mkdir()
    outputs = [f"results/{{cell}}/{name}" for name in outputs]
    text = TRIVIAL.format(cells=list(cells_of(count)), outputs=outputs, command=command)
    (folder / "Snakefile").write_text(text)
    return folder, ["--workflow-profile", ROOT / "profiles/default"]


def in_turn(workflows, runs, flags, before=None):
    """{name: (CPU seconds, wall-clock seconds), a list of each by run}; the workflows take turns in every run."""
    found = {name: ([], []) for name in workflows}
    for _ in range(runs):
        for name, (folder, own) in workflows.items():
            if before:
                before(folder)
            cpu, wall = run(folder, own, flags)
            found[name][0].append(cpu)
            found[name][1].append(wall)
    return found


def run(folder, own, flags):
    """(CPU seconds, wall-clock seconds) of a run of Snakemake."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *own, *flags, "--", "all"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return timed(command, cwd=folder, env=environment)[:2]


def clear(folder):
    for name in ("results", ".snakemake"):
        shutil.rmtree(folder / name, ignore_errors=True)


def put_files(folder, made, names, under):
    for name in names:
        shutil.copytree(made, folder / "results" / under / name)
    if under:
        (folder / "results/data").mkdir()
        fetch = [sys.executable, "-m", "workflow_scripts.fetch_data", "--name", "digits", "--source", "digits"]
        timed([*fetch, "--image-size", "16", "--out", folder / "results/data/digits.npz"], cwd=ROOT)
        os.utime(folder / "results/data/digits.npz", (0, 0))  # older than the cells put there


# --- The design


def design(folder, count, arguments):
    """Print the seconds of each step from the configuration to the digests, measured in a separate process."""
    script = folder / "steps.py"
    script.write_text(STEPS)
    (folder / "config.json").write_text(json.dumps(design_of(count)))
    measured = []
    for _ in range(arguments.runs):
        done = subprocess.run(
            [sys.executable, script, folder / "config.json"], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        measured.append(json.loads(done.stdout))
    rows = [[f"{count:,}", step, spread([run[step] for run in measured], ".3f")] for step in measured[0]]
    print(table(["cells", "step", "CPU s"], rows), flush=True)


STEPS = """
import json, sys, time
steps, before = {}, time.process_time()
def step(name):
    global before
    steps[name], before = time.process_time() - before, time.process_time()
from workflow_scripts.engine.configuration import cells, grids, config
step("importing pydantic and our modules")
settings = config.load(json.load(open(sys.argv[1])))
step("configuration")
found = grids.expand("many", settings.studies["many"])
step("cells")
digests = [cells.code_digest(cell) for cell in found.values()]
step("digests of the code")
steps["configuration, cells and digests"] = sum(list(steps.values())[1:])
steps["the same, with the imports"] = sum(list(steps.values())[:4])
print(json.dumps(steps))
"""


# --- The summary


def summary(folder, count, arguments):
    """Print the cost of making and reading the tables of `count` cells, whose files are in the system's cache."""
    study, records = folder / "results/many", cells_of(count)
    made = write_cell(folder / "made", next(iter(records.values())), arguments.epochs)
    for name, cell in records.items():
        (study / name).mkdir(parents=True)
        for file in cells.FILES[1:]:  # one file under many names, to write less for a benchmark
            (study / name / file).hardlink_to(folder / "made" / file)
        (study / name / "cell.json").write_text(json.dumps({**made, "record": cell.model_dump()}, indent=2))
    folders, out = "".join(f"{study / name}\n" for name in records), study / "summary"
    changed = study / next(iter(records)) / "cell.json"
    one = ("--summary", out, "--select", "model=vgg38", "block=bn", "--out")
    steps = {
        "all tables, at once": ("summarise", "--out", out),
        "again, after one cell has changed": ("summarise", "--out", out),
        "again, after nothing has": ("summarise", "--out", out),
        "Table 1": ("make_table", "--summary", out, "--out", folder / "table1.csv"),
        "gradient flow of a network": ("plot_grad_flow", *one, folder / "flow.pdf"),
        "curves of a network": ("plot_curves", *one, folder / "curves.pdf"),
    }
    measured = {step: [] for step in steps}
    for _ in range(arguments.runs):
        shutil.rmtree(out, ignore_errors=True)
        for step, (command, *flags) in steps.items():
            if "changed" in step:
                os.utime(changed)
            command = [sys.executable, "-m", f"workflow_scripts.{command}", *flags]
            measured[step].append(timed(command, stdin=folders, cwd=ROOT))
    rows = []
    for step, found in measured.items():
        cpu, wall, memory = zip(*found, strict=True)
        rows.append([f"{count:,}", step, spread(cpu, ".1f"), spread(wall, ".1f"), f"{max(memory):,.0f} MB"])
    print(table(["cells", "what", "CPU s", "wall s", "peak memory"], rows))
    sizes = ", ".join(f"{path.name} {path.stat().st_size / 1e6:,.0f} MB" for path in sorted(out.glob("[chgi]*")))
    print(f"{arguments.epochs} epochs, {LAYERS} layers: {sizes}", flush=True)


def write_cell(folder, cell, epochs):
    """Write the files of a cell as `train_cell` does, with numbers of as many digits; returns cell.json's content."""
    draw = random.Random(0)
    layers = [f"stages.{depth // 12}.blocks.{depth // 2 % 6}.conv{depth % 2}" for depth in range(LAYERS)]
    history = [(epoch, cell.lr, *(draw.random() for _ in HISTORY[2:])) for epoch in range(epochs)]
    gradients = [
        (epoch, layer, depth, *(draw.random() / 1e3 for _ in COLUMNS[3:]))
        for epoch in range(epochs)
        for depth, layer in enumerate(layers)
    ]
    facts = {
        "record": cell.model_dump(),
        **dict.fromkeys(gathering.MEASURED, 1),
        **{"status": "finished", "diverged_step": None, "device": "cpu", "num_classes": 10, "image_shape": [3, 8, 8]},
        "epochs_run": epochs,
        "dataset": {"title": "made", "embedded": True, "train_images": 1, "num_classes": 10},
    }
    folder.mkdir(parents=True)
    for name, header, rows in (("history.csv", HISTORY, history), ("gradients.csv", COLUMNS, gradients)):
        with open(folder / name, "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])
    (folder / "test.json").write_text(json.dumps({"epoch": 0, "test_loss": 1.0, "test_acc": 0.5}))
    for name in ("steps.npz", "model.safetensors"):
        (folder / name).write_bytes(b"")
    (folder / "cell.json").write_text(json.dumps(facts, indent=2))
    return facts


PARTS = {"dag": dag, "design": design, "summary": summary}

if __name__ == "__main__":
    main()
