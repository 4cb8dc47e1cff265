"""Choose the network and setting with the best validation accuracy over its seeds, and test it: once, and only it.

    ls -d results/cifar_net/*-seed* | python -m workflow_scripts.choose --summary results/cifar_net/summary \\
        --data results/data/cifar10.npz --out results/cifar_net/chosen.json

The folders of the cells to choose from are read from standard input. Of the settings with the fewest diverged seeds,
the one with the highest mean validation accuracy is chosen, in the epoch whose weights were kept. Only then are the
test images read. If several data sets are given, the test is on the one that the chosen cells were trained on.
"""

from pathlib import Path

from workflow_scripts.engine import commands, whole_files
from workflow_scripts.engine.ablation import ablations, choice
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.machine import devices
from workflow_scripts.engine.runs import manifests
from workflow_scripts.engine.tables import selections


def main():
    """Choose from the summary, then read the test images."""
    parser = selections.parser("choose", __doc__, "the file to write (.json)")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="data sets (.npz), the cells' among them")
    devices.add_flags(parser)
    arguments = parser.parse_args()
    running = flags.read(arguments, config.Running)
    folders = {folder.name: folder for folder in manifests.folders_from_stdin()}
    found = ablations.load(arguments.summary)
    row = choice.choose(found, list(folders))
    path = datasets.file_of(row["dataset"], arguments.data)
    with devices.computing(running, int(row["threads"])) as device:
        data = datasets.load(path)
        tested = {name: choice.test(folders[name], data, device) for name in row["finished"]}
    whole_files.write_json(arguments.out, choice.chosen(found, row, tested))


if __name__ == "__main__":
    commands.run(main)
