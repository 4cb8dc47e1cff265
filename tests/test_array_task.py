"""The tasks of a Slurm array, run as profiles/slurm runs them: by a shell, from the batch script of the plugin."""

import base64
import json
import os
import shlex
import subprocess
import sys
import zlib

import pytest

from tests.conftest import ROOT
from workflow_scripts import array_task

TARGET = "--target-jobs 'train_cell:study=s,cell={}' --cores 1"
SECOND = f"echo second ${array_task.STARTED} # {TARGET.format('two')}"


def run(folder, script, task, **more):
    """(exit status, what Slurm's log has, where that is, standard error) of a batch script, as this task of array 7."""
    log = folder / f"7_{task}.log"
    (folder / "script").write_text(script)
    variables = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": task} if task else {}
    own = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM_", array_task.STARTED))}
    with open(log, "w") as file:
        words, environment = ["/bin/sh", folder / "script"], {**own, **variables, **more}
        done = subprocess.run(words, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.PIPE, text=True)
    (found,) = folder.rglob("*.log")
    return done.returncode, found.read_text(), str(found.relative_to(folder)), done.stderr


def batch_script(listed):
    """A batch script as the plugin writes it: the command of the first task, after the precommand, and the others'."""
    command = f"{shlex.quote(sys.executable)} -m workflow_scripts.array_task"
    return f"if {command} --later; then {command}; exit; fi && echo first # {TARGET.format('one')} {listed}\n"


PACKED = base64.b64encode(json.dumps({"2": zlib.compress(SECOND.encode()).hex()}).encode()).decode()
SCRIPT = batch_script(f"--slurm-jobstep-array-execs '{PACKED}'")


@pytest.mark.parametrize(
    ("task", "more", "said", "place"),
    [
        ("1", {}, "first\n", "s_one/7_1.log"),
        ("2", {}, "second 2\n", "s_two/7_2.log"),
        ("2", {array_task.STARTED: "2"}, "first\n", "7_2.log"),  # its own command begins with the precommand, too
        (None, {}, "first\n", "7_None.log"),
    ],
    ids=["first", "later", "begun", "no array"],
)
def test_a_task_runs_its_own_command_and_its_log_lies_where_the_plugin_looks(tmp_path, task, more, said, place):
    assert run(tmp_path, SCRIPT, task, **more) == (0, said, place, "")


@pytest.mark.parametrize("task", ["1", "2"])
def test_where_no_commands_are_listed_none_is_run(tmp_path, task):
    """Least of all the first one's, which would delete the first one's results."""
    status, said, _, error = run(tmp_path, batch_script(""), task)
    assert (status, said) == (1, "") and f"array task {task}: the batch script holds no commands of tasks" in error


def test_a_log_that_cannot_be_moved_stops_no_task(tmp_path):
    (tmp_path / "s_two").touch()  # a file in the place of the folder
    assert run(tmp_path, SCRIPT, "2") == (0, "second 2\n", "7_2.log", "")


def test_output_that_goes_elsewhere_is_not_moved(tmp_path):
    status, _, place, _ = run(tmp_path, SCRIPT, "2", SLURM_ARRAY_JOB_ID="8")
    assert (status, place) == (0, "7_2.log")
