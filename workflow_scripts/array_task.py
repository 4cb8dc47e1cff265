"""Run a task of a Slurm array job, for profiles/slurm, whose `precommand` runs before every job's own command.

    if python -m workflow_scripts.array_task --later; then python -m workflow_scripts.array_task; exit; fi && ...

The Slurm plugin puts each task of an array into the Snakemake job of the first one, which deletes the first one's
results when it begins and misses them when it ends (github.com/snakemake/snakemake-executor-plugin-slurm/issues/447,
seen with 2.8.0). Here a later task runs its own command, which the plugin hands over in the batch script, and no other.
And the log of each task is moved to where the plugin looks for it.
"""

import contextlib
import os
from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.machine import slurm_arrays

STARTED = "GRADSCAPE_ARRAY_TASK"  # set for a task's own command, which begins with the precommand, too


def main():
    """With --later: move the log; exit 0 except in the first task. Without: become the shell that runs the command."""
    parser = commands.parser("array_task", __doc__)
    parser.add_argument("--later", action="store_true", help="find out whether this is a later task of an array")
    arguments = parser.parse_args()
    task = os.environ.get("SLURM_ARRAY_TASK_ID")
    if task is None or STARTED in os.environ:
        raise SystemExit(1)
    shell, script, *_ = Path(f"/proc/{os.getppid()}/cmdline").read_text().split("\0")
    try:
        content = Path(script).read_text()
        command = slurm_arrays.task_command(content, task)
    except commands.UserError:
        if arguments.later:  # if in doubt, not the first, which would delete the first's results
            raise SystemExit(0) from None
        raise
    if arguments.later:
        move_log(f"{os.environ['SLURM_ARRAY_JOB_ID']}_{task}.log", command or content)
        raise SystemExit(0 if command else 1)
    os.execve(shell, [shell, "-c", command], {**os.environ, STARTED: task})


def move_log(name, command):
    """Move the log of this name that Slurm is writing for `command`, if it is what standard output goes to."""
    log = Path(os.readlink("/proc/self/fd/1"))
    with contextlib.suppress(OSError):  # no reason to stop the task
        if log.name == name and (place := slurm_arrays.log_place(log, command)) != log:
            place.parent.mkdir(exist_ok=True)
            log.rename(place)


if __name__ == "__main__":
    commands.run(main)
