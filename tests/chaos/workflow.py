"""A study in its own folder, run by real Snakemakes that are meant to be disturbed, and how its results are read."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import yaml

from tests import snakemakes
from tests.conftest import ROOT

MARK = "GRADSCAPE_CHAOS"  # in the environment of everything started here, to find processes that outlive their parents
COMPARED = (
    "results/*/*/history.csv",
    "results/*/*/gradients.csv",
    "results/*/*/test.json",
    "results/*/*/model.safetensors",
    "results/*/*/steps.npz",
    "results/*/summary/*.csv",  # not the page, which shows seconds, nor the index, with times of files
    "results/*/figures/*",
    "results/*/tables/*",
    "results/report/*/*.tex",
    "report/*.pdf",
)


class Workflow:
    """A folder with a `config.yaml`, and the `targets` that its user wants made."""

    def __init__(self, folder, targets):
        self.folder, self.targets = folder, targets

    def configure(self, config):
        """Write `config.yaml`; `config` is a dict."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config))

    def config(self):
        """The content of `config.yaml`."""
        return yaml.safe_load((self.folder / "config.yaml").read_text())

    def copy(self, folder, targets):
        """A copy of the workflow in another folder, with all files, their times and Snakemake's records."""
        shutil.copytree(self.folder, folder)
        return Workflow(folder, targets)

    def remove(self, patterns):
        """Remove files and folders."""
        for path in [path for pattern in patterns for path in self.folder.glob(pattern)]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def words(self, *arguments):
        """Snakemake's command-line arguments, with `arguments`, if any, in place of the targets."""
        return ["-s", ROOT / "Snakefile", "--directory", self.folder, "--cores", "2", *(arguments or self.targets)]

    def environment(self, **more):
        return {**os.environ, "OMP_NUM_THREADS": "1", MARK: str(self.folder), **more}

    def start(self, **environment):
        """Start Snakemake in its own process group, to be disturbed."""
        with open(self.folder / "said.txt", "a") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *self.words()],
                cwd=self.folder,
                env=self.environment(**environment),
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        return process

    def run(self, *arguments):
        """Run Snakemake to its end; returns (exit status, output)."""
        status, said = snakemakes.run(self.folder, *self.words(*arguments), environment=self.environment())
        with open(self.folder / "said.txt", "a") as file:
            file.write(said)
        return status, said

    def said(self):
        """Everything that this folder's Snakemakes have printed so far."""
        path = self.folder / "said.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def next_run(self):
        """Do what the README advises after any mishap: run again, with --unlock first if Snakemake asks for it."""
        status, said = self.run()
        if status and "--unlock" in said:
            self.run("--unlock")
            status, said = self.run()
        return status, said

    def processes(self):
        """{id: command line} of the living processes that were started here, whatever their parent is now."""
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):  # it has ended, or is another user's
                if process.environ().get(MARK) == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found[process.pid] = " ".join(process.cmdline())
        return found

    def stands_still(self):
        """Whether all those processes are stopped."""
        states = []
        for pid in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                states.append(psutil.Process(pid).status())
        return set(states) <= {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}

    def end(self):
        """Kill everything that is still running."""
        while processes := self.processes():
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def wait_for(self, happened, timeout=600):
        """Wait until `happened()` returns something true, and return it; raises TimeoutError."""
        end = time.monotonic() + timeout
        while not (found := happened()):
            if time.monotonic() > end:
                raise TimeoutError(f"{happened} did not happen:\n{self.said()[-3000:]}")
            time.sleep(0.05)
        return found

    def bits(self):
        """{path: bytes} of all results, without the times in them; for a report's PDF, only whether it is complete."""
        paths = [path for pattern in COMPARED for path in self.folder.glob(pattern) if not path.name.startswith(".")]
        return {str(path.relative_to(self.folder)): _bits(path) for path in sorted(paths) if path.is_file()}

    def leftovers(self):
        """Files that no run should leave behind: temporary files, locks, checkpoints."""
        hidden = [path for path in self.folder.glob("results/**/.*") if path.is_file()]
        inside = [path for path in self.folder.glob("results/**/.*/*")]
        return sorted(str(path.relative_to(self.folder)) for path in [*hidden, *inside])


def _bits(path):
    content = path.read_bytes()
    if path.parent.name == "report":
        return content.startswith(b"%PDF") and content.rstrip().endswith(b"%%EOF")
    if path.suffix == ".csv" and b"seconds" in content.partition(b"\n")[0]:
        return pd.read_csv(path, dtype=str).filter(regex="^(?!seconds)").to_csv(index=False)
    return re.sub(rb"[\d.]+ (seconds|minutes|hours)", b"some time", content) if path.suffix == ".tex" else content
