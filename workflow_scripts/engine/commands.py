"""What every command does alike: read its flags, report a mistake in one line, write files whole or not at all."""

import argparse
import contextlib
import os
import sys
import tempfile
from pathlib import Path


class UserError(Exception):
    """Something a person can mend: the message names the key or file, what was expected and what came."""


def parser(command, description):
    """An argument parser for `python -m workflow_scripts.<command>`; `description` is printed as it is laid out."""
    return argparse.ArgumentParser(
        prog=f"python -m workflow_scripts.{command}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def folders_from_stdin():
    """The folders named on standard input, one per line: ten thousand of them fit on no command line."""
    folders = [Path(line.strip()) for line in sys.stdin if line.strip()]
    if not folders:
        raise UserError("no cells were named on standard input: expected a folder per line")
    return folders


def run(main):
    """Call `main()`; a `UserError` or a file-system error becomes one line on stderr and exit status 1."""
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.exit(f"error: {where}{error.strerror or error}")


@contextlib.contextmanager
def written_whole(path):
    """A temporary path beside `path`, renamed to it when the block ends without an error and removed otherwise.

    A reader therefore sees the old file or the new one, never half of one. Missing folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    try:
        yield Path(temporary)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp's files are private; an output should be as any other file
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, temporary):
            error.filename = str(path)  # the name that means something to a person
        raise
