"""The tasks of a Slurm array, as snakemake-executor-plugin-slurm 2.8 submits them: each one's command and log."""

import base64
import json
import re
import zlib

from workflow_scripts.engine.commands import UserError

# in an array's batch script: the commands of its tasks, as base64 of JSON; and in a command, its job's wildcards
COMMANDS = re.compile(r"--slurm-jobstep-array-execs[= ]'?([\w+/=]+)")
WILDCARDS = re.compile(r"--target-jobs '?\w+:([^' ]+)'? --")


def task_command(script, task):
    """The shell command of a task of an array job, from the batch script that the plugin wrote.

    None for the first task, whose command is the script itself: it is the one that the script lists no command for.
    Raises UserError for a script of another kind.
    """
    match = COMMANDS.search(script)
    if not match:
        raise UserError(f"array task {task}: the batch script holds no commands of tasks")
    packed = json.loads(base64.b64decode(match[1]))
    return zlib.decompress(bytes.fromhex(packed[task])).decode() if task in packed else None


def log_place(log, command):
    """Where the plugin looks for the `log` of an array's task with this `command`.

    It deletes the log of a job that has succeeded, and shows that of another; but Slurm writes those of all tasks into
    one folder, and the plugin looks into a folder named by the job's wildcards.
    """
    wildcards = WILDCARDS.search(command)
    values = (pair.partition("=")[2] for pair in wildcards[1].split(",")) if wildcards else ()
    return log.parent / "_".join(values) / log.name
