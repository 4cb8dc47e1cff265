"""What several tests share: real data small enough to train on in a second, and ways to run commands."""

import importlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
os.environ |= dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1")  # where tests serve files, which no proxy reaches
SHARE = ("tests/test_workflow.py", "tests/test_unfinished.py")  # the study `finished`, which takes a minute to make
FIRST = ("tests/cluster/", *SHARE, "tests/chaos/")  # slow ones; the cluster mostly waits, while others compute


def pytest_collection_modifyitems(items):
    """Run slow files first, so that no process still has one when the others have nothing left to do."""
    items.sort(key=lambda item: [item.nodeid.startswith(place) for place in FIRST], reverse=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `-n 2 --dist loadfile`, give all files of `SHARE` to the same process."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return SHARE[0] if file in SHARE else file

    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_runtest_setup(item):
    """Skip tests marked `gpu` if there is no GPU; `pytest -m gpu` runs only those."""
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("there is no GPU")


FAILED_CAPTURES = []  # as long as the process lives, for the reason that captured.py gives


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    """The CPU, and a GPU if there is one, with PyTorch configured as the commands configure it."""
    import torch

    from workflow_scripts.engine.machine.devices import choose_device
    from workflow_scripts.engine.training import captured

    mode = torch.get_deterministic_debug_mode()
    FAILED_CAPTURES.append(captured.FAILED)
    captured.FAILED = []  # each test may fail anew: where captures have failed, no others would be tried
    yield choose_device(request.param, torch.get_num_threads())
    torch.set_deterministic_debug_mode(mode)


@pytest.fixture(scope="session")
def digits_file(tmp_path_factory):
    """scikit-learn's digits at 8x8 pixels, as the workflow's data file."""
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    inside("fetch_data", "--name", "digits", "--source", "digits", "--out", path)
    return path


@pytest.fixture(scope="session")
def digits(digits_file):
    """The same, loaded."""
    from workflow_scripts.engine.data import datasets

    return datasets.load(digits_file)


@pytest.fixture(scope="session")
def large_digits_file(tmp_path_factory):
    """The digits at 32x32 pixels, the smallest size that VGG-A takes."""
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    inside("fetch_data", "--name", "digits", "--source", "digits", "--image-size", 32, "--out", path)
    return path


@pytest.fixture(scope="session")
def large_digits(large_digits_file):
    """The same, loaded."""
    from workflow_scripts.engine.data import datasets

    return datasets.load(large_digits_file)


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A copy of the project that a test may edit."""
    folder = tmp_path_factory.mktemp("project") / "gradscape"
    ignored = shutil.ignore_patterns(".*", "results", "__pycache__", "*.pdf", "tests")
    shutil.copytree(ROOT, folder, ignore=ignored)
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory, project):
    """A folder outside the project in which the tiny study has run up to its report, and what was printed."""
    from tests.workflow_runs import REPORT, TINY, snakemake, write_config

    folder = tmp_path_factory.mktemp("elsewhere")
    write_config(folder, TINY)
    target = REPORT if shutil.which("latexmk") else "results/report/mlp-cw2/mlp-cw2-template.tex"
    _, said = snakemake(folder, target, project=project)
    return folder, said


@pytest.fixture
def study(finished, tmp_path):
    """A copy of the folder of `finished`, including Snakemake's records of it."""
    return shutil.copytree(finished[0], tmp_path / "study", symlinks=True)


@pytest.fixture
def refused(capsys):
    """Run a command in this process and return its one-line error; fails if it succeeds or shows a traceback."""

    def run(name, *arguments):
        from workflow_scripts.engine import commands

        with pytest.raises(SystemExit) as stop:
            commands.run(lambda: inside(name, *arguments))
        message = stop.value.code if isinstance(stop.value.code, str) else capsys.readouterr().err.rstrip("\n")
        assert message and stop.value.code != 0 and "Traceback" not in message
        return message

    return run


@pytest.fixture
def run(tmp_path):
    """Run a command's main() in this process on a summary; returns the path of what it wrote."""

    def run(module, summary_folder, *words, out="figure.pdf"):
        out = tmp_path / out
        call(module, "--summary", summary_folder, "--out", out, *words)
        return out

    return run


def call(module, *arguments, stdin=None):
    """Run a module's main() in this process with these arguments, and with this text on standard input if given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [module.__name__.split(".")[-1], *map(str, arguments)])
        if stdin is not None:
            patch.setattr(sys, "stdin", io.StringIO(stdin))
        module.main()


def inside(name, *arguments, stdin=None):
    """Run a command in this process, which saves the seconds it takes to import PyTorch."""
    call(importlib.import_module(f"workflow_scripts.{name}"), *arguments, stdin=stdin)


def pdf_text(path, *options):
    """The text of a PDF by pdftotext, a form feed after each page; skips the rest of the test if it is missing."""
    if not shutil.which("pdftotext"):
        pytest.skip("reading the pages needs pdftotext: apt-get install poppler-utils")
    return subprocess.run(["pdftotext", *options, path, "-"], capture_output=True, text=True, check=True).stdout


def command(name, *arguments, check=True, **options):
    """Run a command of `workflow_scripts` as a person would."""
    return subprocess.run(
        [sys.executable, "-m", f"workflow_scripts.{name}", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **options.pop("env", {})},
        text=True,
        capture_output=True,
        check=check,
        **options,
    )
