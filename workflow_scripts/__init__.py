"""Floor 3: the commands, one per rule of the workflow and some for direct use; each has a `--help`."""

import signal
import sys

# When Python is about to run one of them (`python -m`), an interrupt during its imports, which may take seconds, ends
# it without a traceback. `commands.run` turns later ones into a line. A shell may have told it to ignore them.
if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
