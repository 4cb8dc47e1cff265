"""What stands for a cell in the DAG and on standard input: one of its files, or the manifest of its bundle.

The manifest of a bundle is results/<study>/bundles/<first cell>.txt and names its cells, one per line.
"""

import sys
from pathlib import Path

from workflow_scripts.engine import whole_files
from workflow_scripts.engine.commands import UserError

FOLDER = "bundles"  # beside the folders of a study's cells


def path_of(study, bundle):
    """The path of a bundle's manifest, relative to the folder of the run."""
    return f"results/{study}/{FOLDER}/{bundle}.txt"


def write(path, names):
    """Write the manifest of a bundle of the cells `names`."""
    whole_files.write(path, "".join(f"{name}\n" for name in names))


def how_to_make_again(folder):
    """The end of a message about a damaged cell: delete what stands for the cell in `folder` in the DAG, and run again.

    The workflow looks at nothing else to see whether the cell, or the run of Beras, exists. Other cells of a bundle are
    not made again.
    """
    bundles, beras = folder.parent / FOLDER, folder / "run.json"
    looked_at = [beras if beras.exists() else folder / "cell.json", *([bundles] if bundles.exists() else [])]
    return f"delete {' and '.join(map(str, looked_at))} and run the workflow again"


def folders(path):
    """The folders of the cells that a path stands for: a cell's folder, any file in it, or a bundle's manifest."""
    path = Path(path)
    if path.is_dir():
        return [path]
    if path.parent.name == FOLDER:
        return [path.parents[1] / name for name in path.read_text().split()]
    return [path.parent]


def folders_from_stdin():
    """The folders that the paths on standard input stand for, each once; a path per line, as ten thousand fit on no
    command line.

    Raises UserError if there are none, or two with the same name: by their names, cells are told apart in all that is
    made of them.
    """
    found = {}
    for folder in (folder for line in sys.stdin if line.strip() for folder in folders(line.strip())):
        if (other := found.setdefault(folder.name, folder)) != folder:
            raise UserError(f"standard input: expected cells of different names, found {other} and {folder}")
    if not found:
        raise UserError("no cells were named on standard input: expected a folder, or a file in it, per line")
    return list(found.values())
