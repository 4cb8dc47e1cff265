"""Choose which candidates of a search go on to the next rung, by the validation accuracy of their best epoch.

    ls -d results/search/*-epochs10-*-seed0 | python -m workflow_scripts.select_rung --keep 8 --out kept.json

The folders of the rung's cells are read from standard input. The test images play no part.
"""

from pathlib import Path

from workflow_scripts.engine import commands, whole_files
from workflow_scripts.engine.runs import manifests
from workflow_scripts.engine.tables import rungs


def main():
    """Rank the cells, write which are kept."""
    parser = commands.parser("select_rung", __doc__)
    parser.add_argument("--keep", type=commands.whole(1), required=True, help="how many go on")
    parser.add_argument("--out", type=Path, required=True, help="file to write (.json)")
    arguments = parser.parse_args()
    whole_files.write_json(arguments.out, rungs.survivors(manifests.folders_from_stdin(), arguments.keep))


if __name__ == "__main__":
    commands.run(main)
