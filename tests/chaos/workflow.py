"""A study in a folder of its own, run by real Snakemakes that are there to be disturbed, and what must hold of it."""

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

MARK = "GRADSCAPE_CHAOS"  # in the environment of all that is started here: a process that outlives its parent is found
COMPARED = (
    "results/*/*/history.csv",
    "results/*/*/gradients.csv",
    "results/*/*/test.json",
    "results/*/*/model.safetensors",
    "results/*/*/steps.npz",
    "results/*/summary/*.csv",  # the page shows seconds, the index times of files
    "results/*/figures/*",
    "results/*/tables/*",
    "results/report/*/*.tex",
    "report/*.pdf",
)


class Workflow:
    """A folder with a `config.yaml`, and the `targets` that a person wants of it."""

    def __init__(self, folder, targets):
        self.folder, self.targets = folder, targets

    def configure(self, config):
        """Write `config.yaml`; `config` is a dict."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config))

    def config(self):
        """What `config.yaml` says."""
        return yaml.safe_load((self.folder / "config.yaml").read_text())

    def copy(self, folder, targets):
        """The same workflow with all its files, times and Snakemake's records, in another folder."""
        shutil.copytree(self.folder, folder)
        return Workflow(folder, targets)

    def remove(self, patterns):
        """Remove files and folders."""
        for path in [path for pattern in patterns for path in self.folder.glob(pattern)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def words(self, *arguments):
        """Of Snakemake's command line, with these in the place of the targets if there are any."""
        return ["-s", ROOT / "Snakefile", "--directory", self.folder, "--cores", "2", *(arguments or self.targets)]

    def environment(self, **more):
        return {**os.environ, "OMP_NUM_THREADS": "1", MARK: str(self.folder), **more}

    def start(self, **environment):
        """Start Snakemake in a process group of its own, to be disturbed."""
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
        """(exit status, what it said) of Snakemake from its start to its end."""
        status, said = snakemakes.run(self.folder, *self.words(*arguments), environment=self.environment())
        with open(self.folder / "said.txt", "a") as file:
            file.write(said)
        return status, said

    def said(self):
        """All that was printed by the Snakemakes of this folder so far."""
        path = self.folder / "said.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def next_run(self):
        """What the README tells a person to do after whatever happened: start it again, after --unlock if asked to."""
        status, said = self.run()
        if status and "--unlock" in said:
            self.run("--unlock")
            status, said = self.run()
        return status, said

    def processes(self):
        """{id: command line} of the living processes that were started here, whoever their parent is now."""
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):  # ended meanwhile, or another user's
                if process.environ().get(MARK) == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found[process.pid] = " ".join(process.cmdline())
        return found

    def end(self):
        """End all that is still running."""
        while processes := self.processes():
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def wait_for(self, happened, timeout=120):
        """Wait until `happened()` gives something true, and return it; raises TimeoutError."""
        end = time.monotonic() + timeout
        while not (found := happened()):
            if time.monotonic() > end:
                raise TimeoutError(f"{happened} did not happen:\n{self.said()[-3000:]}")
            time.sleep(0.05)
        return found

    def bits(self):
        """{path: bytes} of all results, without the times in them; a report's PDF by whether it is a whole one."""
        paths = [path for pattern in COMPARED for path in self.folder.glob(pattern) if not path.name.startswith(".")]
        return {str(path.relative_to(self.folder)): _bits(path) for path in sorted(paths) if path.is_file()}

    def leftovers(self):
        """Files that no run should leave: temporary ones, locks, checkpoints."""
        hidden = [path for path in self.folder.glob("results/**/.*") if path.is_file()]
        inside = [path for path in self.folder.glob("results/**/.*/*")]
        return sorted(str(path.relative_to(self.folder)) for path in [*hidden, *inside])


def _bits(path):
    content = path.read_bytes()
    if path.parent.name == "report":
        return content.startswith(b"%PDF") and content.rstrip().endswith(b"%%EOF")
    if path.suffix == ".csv" and b"seconds" in content.partition(b"\n")[0]:
        return pd.read_csv(path, dtype=str).filter(regex="^(?!seconds)").to_csv(index=False)
    return re.sub(rb"[\d.]+ (minutes|hours)", b"some time", content) if path.suffix == ".tex" else content
