"""Floor 3: one command per rule of the workflow, each also `python -m workflow_scripts.<name> --help`."""

import sys


def _uncaught(kind, error, traceback):
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


# Ctrl-C while a command still imports PyTorch, which takes seconds, is one word too, as in commands.run later
sys.excepthook = _uncaught
