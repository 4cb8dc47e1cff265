"""`python -m snakemake`, forked for each run from a process that has imported Snakemake: saves a second per run.

The forking process has imported Snakemake and its plugins, and nothing of this project. This file is its program.
"""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


@functools.cache
def _server():
    """The process that forks."""
    server = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(server.communicate)  # closes its standard input, which tells it to end
    return server


def run(folder, *words, environment=None):
    """Run Snakemake with these command-line arguments in `folder`; returns its exit status and all its output."""
    with tempfile.TemporaryDirectory() as place:
        printed = [str(Path(place, name)) for name in ("stdout", "stderr")]
        order = [str(folder), [*map(str, words)], dict(environment or os.environ), printed]
        print(json.dumps(order), file=_server().stdin, flush=True)
        status = int(_server().stdout.readline())
        return status, "".join(Path(path).read_text() for path in printed)


def serve():
    """Fork a Snakemake for each line of standard input, and answer with its exit status."""
    import snakemake.cli

    snakemake.cli.get_argument_parser()  # imports the plugins
    for line in sys.stdin:
        if not (child := os.fork()):
            return become(snakemake.cli.main, *json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def become(main, folder, words, environment, printed):
    """Make this process what `python -m snakemake` would be, and run it."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(printed, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.path[0] = folder
    sys.argv[1:] = words
    main(words)


if __name__ == "__main__":
    serve()
