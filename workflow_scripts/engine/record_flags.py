"""A cell's record on a command line: a flag for every key."""

from workflow_scripts.engine import config
from workflow_scripts.engine.record import Cell


def add_flags(parser):
    """Add a flag for every key of a cell's record, without defaults: what is not given is not there."""
    record = parser.add_argument_group("the cell's record")
    for key, field in Cell.model_fields.items():
        record.add_argument(
            f"--{key.replace('_', '-')}", metavar="VALUE", help=f"{field.description} (default: {field.default})"
        )


def read(arguments, **defaults):
    """The `record.Cell` that the flags describe; `defaults` are a command's own, for keys that were not given."""
    given = {key: value for key in Cell.model_fields if (value := getattr(arguments, key)) is not None}
    return config.parse(Cell, {**defaults, **given}, "the cell's record")
