"""A cell's record on a command line: a flag for every key."""

import typing

from workflow_scripts.engine import code, config
from workflow_scripts.engine.fields import Registered
from workflow_scripts.engine.record import Cell


def add_flags(parser, **defaults):
    """Add a flag for every key of a cell's record, without defaults: what is not given is not there.

    `defaults` are a command's own, as its --help says them.
    """
    record = parser.add_argument_group("the cell's record")
    for key, field in Cell.model_fields.items():
        record.add_argument(
            f"--{key.replace('_', '-')}", metavar="VALUE", help=_words(field, defaults.get(key, field.default))
        )


def _words(field, default):
    """What --help says of a key: its description, the names that it takes where it takes names, its default.

    No flag has the value null: where the configuration says it, the flag is left out.
    """
    kinds = typing.get_args(field.annotation)  # of `Annotated[...] | None` and of `Literal[...]`
    extras = [*field.metadata, *(extra for kind in kinds for extra in getattr(kind, "__metadata__", ()))]
    names = [name for extra in extras if isinstance(extra, Registered) for name in code.registered(extra.kind)]
    names += [kind for kind in kinds if isinstance(kind, str)]
    notes = [f"known: {', '.join(names)}"] if names else []
    notes += [] if default is None else [f"default: {default}"]
    return field.description.replace("null:", "left out:") + (f" ({'; '.join(notes)})" if notes else "")


def read(arguments, **defaults):
    """The `record.Cell` that the flags describe; `defaults` are a command's own, for keys that were not given."""
    given = {key: value for key in Cell.model_fields if (value := getattr(arguments, key)) is not None}
    return config.parse(Cell, {**defaults, **given}, "the cell's record")
