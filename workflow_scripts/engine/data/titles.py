"""The current titles of data sets: a title changes no image, so nothing is fetched or trained again for a new one."""

from workflow_scripts.engine import commands


def add_titles(parser):
    """Add `--titles`, {name of a data set: its title}, to a parser."""
    parser.add_argument(
        "--titles",
        type=commands.json_value,
        default={},
        metavar="JSON",
        help="{data set: what it is called}, where that is not what its file says",
    )


def titled(meta, titles):
    """A data set's `Data.meta` with its title from `titles`, {name: title} or None, or otherwise its own."""
    return {**meta, "title": (titles or {}).get(meta.get("name"), meta["title"])}
