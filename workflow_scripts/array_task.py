"""Run a task of a Slurm array job, for profiles/slurm, whose `precommand` runs before every job's own command.

    if python -m workflow_scripts.array_task --later; then python -m workflow_scripts.array_task; exit; fi && ...

The Slurm plugin puts each task of an array into the Snakemake job of the first one, which deletes the first one's
results when it begins and misses them when it ends (github.com/snakemake/snakemake-executor-plugin-slurm/issues/447,
seen with 2.8.0). Here a later task runs its own command, which the plugin hands over in the batch script, and no other.
"""

import os
from pathlib import Path

from workflow_scripts.engine import commands
from workflow_scripts.engine.machine import slurm

STARTED = "GRADSCAPE_ARRAY_TASK"  # set for a task's own command, which begins with the precommand, too


def main():
    """With --later: exit 0 except in the first task of an array. Without: become the shell that runs the command."""
    parser = commands.parser("array_task", __doc__)
    parser.add_argument("--later", action="store_true", help="only find out whether this is a later task of an array")
    arguments = parser.parse_args()
    task = os.environ.get("SLURM_ARRAY_TASK_ID")
    if task is None or STARTED in os.environ:
        raise SystemExit(1)
    shell, script, *_ = Path(f"/proc/{os.getppid()}/cmdline").read_text().split("\0")
    try:
        command = slurm.array_command(Path(script).read_text(), task)
    except commands.UserError:
        if arguments.later:  # if in doubt, not the first, which would delete the first's results
            raise SystemExit(0) from None
        raise
    if arguments.later:
        raise SystemExit(0 if command else 1)
    os.execve(shell, [shell, "-c", command], {**os.environ, STARTED: task})


if __name__ == "__main__":
    commands.run(main)
