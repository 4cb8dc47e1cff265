"""Keys of the configuration on a command line: a flag for each, checked as in config.yaml."""

import argparse
import typing

from workflow_scripts.engine import code
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.configuration.fields import Registered, bare


def add(parser, kind, *keys, **defaults):
    """Add a flag for each of these keys of the pydantic model `kind`, or for all its keys, to a parser or its group.

    The flags have no defaults: one that is not given is None. `defaults` are a command's own, for its --help to show.
    """
    for key in keys or kind.model_fields:
        field = kind.model_fields[key]
        look = {"action": argparse.BooleanOptionalAction} if bare(field)[0] is bool else {"metavar": "VALUE"}
        text = _words(field, defaults.get(key, field.default))
        parser.add_argument(f"--{key.replace('_', '-')}", default=None, help=text, **look)


def _words(field, default):
    """What --help says about a key: its description, the names that it accepts if it takes names, its default.

    A description's `null:` becomes `left out:`, since null is the default of every key here that may be null.
    """
    kind, marks = bare(field)
    names = [name for mark in marks if isinstance(mark, Registered) for name in code.registered(mark.kind)]
    names += [value for value in typing.get_args(kind) if isinstance(value, str)]  # of `Literal[...]`
    notes = [f"known: {', '.join(names)}"] if names else []
    notes += [] if default is None else [f"default: {default}"]
    return field.description.replace("null:", "left out:") + (f" ({'; '.join(notes)})" if notes else "")


def read(arguments, kind, source="the command line", **defaults):
    """The model `kind` that the flags describe; `defaults` are a command's own, for keys that were not given.

    The value `null` gives None. Raises UserError, naming `source`, for values that the configuration refuses too.
    """
    given = {key: value for key in kind.model_fields if (value := getattr(arguments, key, None)) is not None}
    given = {key: None if value == "null" else value for key, value in given.items()}
    return config.parse(kind, {**defaults, **given}, source)
