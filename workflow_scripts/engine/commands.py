"""What all commands share: reading flags, reporting a mistake in one line, writing files whole or not at all."""

import argparse
import contextlib
import fcntl
import glob
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

FIGURES = (".pdf", ".svg", ".png")  # what a figure's file name may end in


class UserError(Exception):
    """A mistake that the user can fix: the message names the key or file, what was expected and what was found."""


def parser(command, description):
    """An argument parser for `python -m workflow_scripts.<command>`; `description` keeps its line breaks."""
    return argparse.ArgumentParser(
        prog=f"python -m workflow_scripts.{command}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def json_value(text):
    """The mapping that a flag holds as JSON; a `type` for `add_argument`."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected JSON, found {text!r} ({error})") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"expected a JSON object, found {text!r}")
    return value


def whole(least):
    """A `type` for `add_argument`: whole numbers from `least` upwards."""

    def number(text):
        if not text.strip().isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least}, found {text!r}")
        return int(text)

    return number


def new_folder(text):
    """A `type` for `add_argument`: a folder to be made, whose name files beside it take up."""
    if Path(text).name in ("", ".."):
        raise argparse.ArgumentTypeError(f"expected a folder with a name, found {text!r}")
    return Path(text)


def add_figure(parser, required=True):
    """Add `--out`, the figure's file, to a parser."""

    def path(text):
        if Path(text).suffix not in FIGURES:
            raise argparse.ArgumentTypeError(f"expected a name that ends in {', '.join(FIGURES)}, found {text!r}")
        return Path(text)

    parser.add_argument("--out", type=path, required=required, help="the figure: a .pdf, .svg or .png")


def run(main):
    """Call `main()`; a `UserError`, file-system error or interrupt becomes one line on stderr and exit status 1."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # see workflow_scripts/__init__.py
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        main()
    except UserError as error:
        _stop(f"error: {error}")
    except KeyboardInterrupt:
        _stop("interrupted")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _stop(f"error: {where}{error.strerror or error}")


def _stop(message):
    """Exit with status 1 and the message on stderr, or on stdout if stderr is a log on a full disk."""
    try:
        print(message, file=sys.stderr, flush=True)
    except OSError:
        print(message, flush=True)
    sys.exit(1)


@contextlib.contextmanager
def written_whole(path):
    """A temporary path beside `path`, renamed to it when the block ends without an error and removed otherwise.

    A reader therefore sees the old file or the new one, never half of one. Missing folders are created. What a killed
    process left behind for the same path is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    try:
        handle, temporary = _locked_file(path)
    except OSError as error:
        error.filename = str(path)  # the name that means something to a person
        raise
    try:
        yield Path(temporary)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp's files are private; an output should be like any other file
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # the first error is the one to report
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename in (None, temporary):
            error.filename = str(path)
        raise
    finally:
        os.close(handle)


def _locked_file(path):
    """(handle, name) of a new, locked temporary file for `path`; tries again if it is removed before it is locked."""
    while True:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        _lock(handle)
        if os.fstat(handle).st_nlink:
            return handle, temporary
        os.close(handle)


def write_json(path, content):
    """Write plain data to a file as JSON, indented, whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _remove_abandoned(path):
    """Remove the temporary files of `path` that no process is writing any more: those that nobody has locked."""
    random = "?" * 8  # as mkstemp makes it
    for temporary in path.parent.glob(f".{glob.escape(path.stem)}-{random}{glob.escape(path.suffix)}"):
        with contextlib.suppress(OSError), open(temporary, "r+b") as file:  # another process may remove it first
            if _lock(file.fileno()):
                temporary.unlink()


def _lock(handle):
    """Lock a file, until this process ends at the latest (the kernel sees to that); False if it cannot be locked."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
