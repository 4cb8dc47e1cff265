"""Bundles: cells that one job trains, one after the other, so that PyTorch starts and the data is read once for all.

A bundle's manifest (`manifests.py`) stands for its cells in the DAG. The cells' own files are not outputs of the
job, so that Snakemake deletes none of them when a bundle fails, and a cell that exists is not made again.
"""

import itertools
import json

from workflow_scripts.engine.configuration import grids


def bundles(study, cells, size):
    """{name of its first cell: names of its cells} for each bundle of up to `size` cells; {} if `size` is 1.

    `cells` is {name: Cell} of the `studies.Study`. The cells of a bundle share the data set, the number of
    threads, which is set per process, and what is measured along the way.
    """
    if size == 1:
        return {}
    alike = {}
    for name, cell in cells.items():
        shared = (cell.dataset, cell.threads, json.dumps(grids.measured(study, cell)))
        alike.setdefault(shared, []).append(name)
    parts = itertools.chain.from_iterable(_parts(names, size) for names in alike.values())
    return {part[0]: part for part in parts}


def _parts(names, size):
    return (names[start : start + size] for start in range(0, len(names), size))
