"""The rules, over all jobs of the full configuration: a job depends on everything it reads, above all its code."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from tests import snakemakes
from tests.conftest import ROOT
from workflow_scripts.engine import code
from workflow_scripts.engine.configuration import config, grids
from workflow_scripts.engine.runs import manifests

# The workflow as a module of another one, which records its jobs, every rule's outputs and whether the HTML report
# shows them.
JOBS = """
import atexit, json, os
from snakemake.io import is_flagged

configfile: {config!r}

module gradscape:
    snakefile: {snakefile!r}
    config: config

use rule * from gradscape

def write():
    jobs = [
        {{
            "rule": job.rule.name,
            "shell": job.rule.shellcmd,
            "command": job.shellcmd,
            "input": list(job.input),
            "output": list(job.output),
            "log": list(job.log),
            "params": dict(job.params.items()),
            "computes": "gpu" in job.resources.keys(),
            "local": job.rule.name in workflow._localrules,
        }}
        for job in workflow.dag.jobs
        if job.rule.shellcmd
    ]
    outputs = {{
        each.name: [(str(file), is_flagged(file, "report")) for file in each.output] for each in workflow.rules
    }}
    with open("said.json", "w") as file:
        json.dump({{"jobs": jobs, "outputs": outputs}}, file)
    os._exit(0)  # without counting what there is to compute

atexit.register(write)
"""
TARGETS = ("all", "results/cw2/course", "submission/s1234567.zip", "submission/project2.zip", "submission/hw2.zip")
# their arguments decide which code they run
BY_NAME = {"fetch_data", "train_cell", "train_beras", "check_beras", "measure_surface"}
OF_BERAS = {"train_beras", "probe_initializers", "check_beras", "export_notebook"}  # they import models/Beras
FOLDERS = ("--out", "--checkpoint")  # flags for what a job writes


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What the workflow records, for the full configuration."""
    folder = tmp_path_factory.mktemp("rules")
    paths = {"config": str(ROOT / "config.yaml"), "snakefile": str(ROOT / "Snakefile")}
    (folder / "Snakefile").write_text(JOBS.format(**paths))
    status, printed = snakemakes.run(folder, "-n", "--cores", 1, "--quiet", "all", "--", *TARGETS)
    assert status == 0, printed
    return json.loads((folder / "said.json").read_text())


@pytest.fixture(scope="module")
def jobs(said):
    """All jobs that the full configuration needs, as {its first output: job}."""
    for job in said["jobs"]:
        job["name"] = re.search(r"-m workflow_scripts\.(\w+)", job["command"])[1]
    return {job["output"][0]: job for job in said["jobs"]}


def test_a_job_depends_on_all_files_that_it_is_told_of(jobs):
    """Each is an input file, or a folder that contains some of its inputs."""
    for made, job in jobs.items():
        words = [word.rstrip(")") for word in shlex.split(job["command"])]
        inside = {str(folder) for path in job["input"] for folder in Path(path).parents}
        for flag, word in zip(["", *words], words, strict=False):
            if word.startswith(("results/", "report/", f"{ROOT}/")) and flag not in FOLDERS:
                assert word in inside.union(job["input"], job["output"], job["log"]), f"{made}: {flag} {word}"


def test_a_job_is_done_again_when_its_code_changes(jobs):
    for made, job in jobs.items():
        own = code.digest(f"workflow_scripts.{job['name']}")
        assert job["params"]["code"] if job["name"] in BY_NAME else job["params"]["code"] == own, made
        assert ("beras" in job["params"]) == (job["name"] in OF_BERAS), made


def test_a_job_is_told_all_that_it_is_done_again_for(jobs):
    for made, job in jobs.items():
        told = set(re.findall(r"{params\.(\w+)", job["shell"]))
        assert job["params"].keys() - {"code", "beras", "listing"} <= told, made
        assert set(job["log"]) <= set(re.findall(r"[\w./+-]+", job["command"])), made


def test_a_job_is_done_again_when_two_numbers_change_places(jobs):
    """This needs care because Snakemake compares a job's params as a set of values."""
    for made, job in jobs.items():
        numbers = [value for value in job["params"].values() if isinstance(value, (int, float))]
        assert len(numbers) <= 1, made


def test_a_cell_is_trained_as_its_study_says(jobs):
    studies = config.load(yaml.safe_load((ROOT / "config.yaml").read_text())).studies
    records = {name: grids.expand(name, study) for name, study in studies.items()}
    for job in jobs.values():
        if job["rule"] == "train_cell":
            words, (study, cell) = shlex.split(job["command"]), job["output"][0].split("/")[1:3]
            measured = json.loads(words[words.index("--measure") + 1]) if "--measure" in words else {}
            assert measured == grids.measured(studies[study], records[study][cell])
            assert ("--no-test" in words) == (studies[study].test == "chosen")


def test_what_computes_goes_to_the_cluster_and_nothing_else(jobs):
    for made, job in jobs.items():
        assert job["local"] != job["computes"], made


def test_a_report_depends_on_the_figures_that_it_shows(jobs):
    shown = 0
    for made, job in jobs.items():
        if job["rule"].startswith("fill_"):
            figures = {Path(path).stem for path in job["input"] if path.endswith(".pdf")}
            for template in filter(re.compile(r"\.tex\.j2$").search, job["input"]):
                named = re.findall(r"\\gradfigure(?:here)?{(\w+)}", Path(template).read_text())
                assert set(named) <= figures, made
                shown += len(named)
    assert shown > 20


def test_every_figure_and_table_is_in_the_html_report(said):
    """Figures are PDFs and tables HTML; a table that exists as text also exists as HTML."""
    shown = 0
    for rule, outputs in said["outputs"].items():
        results = {Path(path): in_report for path, in_report in outputs if path.startswith("results/")}
        pages = {path for path in results if path.suffix in (".pdf", ".html")}
        assert {path for path, in_report in results.items() if in_report} == pages, rule
        tables = {path for path in results if path.suffix == ".txt" and path.parent.name != manifests.FOLDER}
        assert {path.with_suffix(".html") for path in tables} <= pages, rule
        shown += len(pages)
    assert shown > 40
