"""What all commands share: reading flags, and reporting a mistake in one line."""

import argparse
import json
import signal
import sys
from pathlib import Path

FORMATS = (".pdf", ".svg", ".png")  # of figures: what the name of one may end in


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
        if Path(text).suffix not in FORMATS:
            raise argparse.ArgumentTypeError(f"expected a name that ends in {', '.join(FORMATS)}, found {text!r}")
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
