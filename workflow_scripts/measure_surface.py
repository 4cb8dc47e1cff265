"""Measure the loss around a trained cell's weights, along two random directions (Li et al. 2018).

    python -m workflow_scripts.measure_surface --cell results/bn_landscape/<cell> --data results/data/cifar10.npz \\
        --points 25 --extent 1 --out results/bn_landscape/surfaces/<cell>.csv

Measures a `line` along the first direction and a `plane` along both. Cells with layers of the same shapes, measured
with the same seed, share their directions before these are rescaled to each cell's filters.
"""

from pathlib import Path

import torch

from workflow_scripts.engine import commands, whole_files
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.configuration.studies import Sampling
from workflow_scripts.engine.data import datasets
from workflow_scripts.engine.landscape import surfaces
from workflow_scripts.engine.machine import devices
from workflow_scripts.engine.runs import trained


def main():
    """Read the cell, measure, write."""
    parser = commands.parser("measure_surface", __doc__)
    parser.add_argument("--cell", type=Path, required=True, help="folder of a trained cell")
    parser.add_argument("--data", type=Path, required=True, help="its data set as fetch_data writes it (.npz)")
    flags.add(parser, Sampling)
    devices.add_flags(parser)
    parser.add_argument("--out", type=Path, required=True, help="the table (.csv)")
    arguments = parser.parse_args()
    running, sampling = flags.read(arguments, config.Running), flags.read(arguments, Sampling)
    with devices.computing(running, threads=1) as device:
        data = datasets.load(arguments.data)
        training = trained.load(arguments.cell, data, device, diverged=True)
        torch.set_num_threads(training.cell.threads)
        rows = surfaces.surface(training, data, **sampling.model_dump())
    whole_files.write_rows(arguments.out, [surfaces.COLUMNS, *rows])


if __name__ == "__main__":
    commands.run(main)
