"""Fetch, verify and decode a data set, once, into one file of uint8 arrays.

    python -m workflow_scripts.fetch_data --name cifar100 --source cifar100 --out results/data/cifar100.npz

    python -m workflow_scripts.fetch_data --name mine --source folder --path mine.zip --image-size 32 \\
        --out results/data/mine.npz

Downloads are kept in a cache (`--cache`, else the environment's GRADSCAPE_CACHE, else the user's cache folder), so that
each file is downloaded once.
"""

import os
from pathlib import Path

import pooch

from workflow_scripts.engine import code, commands
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.sources.prepare import prepare


def parser():
    """A flag for every key of a data set in `config.yaml`, and for where to write."""
    fields = config.Dataset.model_fields
    parser = commands.parser("fetch_data", __doc__)
    parser.add_argument("--name", required=True, help="name of the data set in messages and results")
    parser.add_argument(
        "--source", required=True, help=f"{fields['source'].description}: {', '.join(code.registered('source'))}"
    )
    flags.add(parser, config.Dataset, "path", "title", "image_size", "channels")
    parser.add_argument(
        "--mirror", dest="mirrors", action="append", metavar="URL", help=f"{fields['mirrors'].description}; repeatable"
    )
    parser.add_argument("--cache", type=Path, help="folder of downloads (default: the user's cache folder)")
    parser.add_argument("--out", type=Path, required=True, help="the file to write (.npz)")
    return parser


def main():
    """Prepare the data set that the flags describe."""
    arguments = parser().parse_args()
    cache = arguments.cache or Path(os.environ.get("GRADSCAPE_CACHE") or pooch.os_cache("gradscape"))
    dataset = flags.read(arguments, config.Dataset, "the description of the data set")
    prepare(arguments.name, dataset, arguments.out, cache)


if __name__ == "__main__":
    commands.run(main)
