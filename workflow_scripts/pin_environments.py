"""Write the pin file of every conda environment: the archives, to the byte, that `snakemake --sdm conda` installs.

    python -m workflow_scripts.pin_environments

It needs a connection to the channels of envs/*.yaml, and py-rattler. Which packages are pinned depends on the machine
that it runs on; on one without a GPU, `CONDA_OVERRIDE_CUDA=13.0` pins those for a GPU.
"""

from pathlib import Path

from workflow_scripts.engine import code, commands
from workflow_scripts.engine.machine import environments


def main():
    """Pin the environments that are named, or all."""
    parser = commands.parser("pin_environments", __doc__)
    everything = sorted((code.ROOT / "envs").glob("*.yaml"))
    parser.add_argument("environments", type=Path, nargs="*", default=everything, help="files (default: envs/*.yaml)")
    parser.add_argument("--platform", default="linux-64", help="as conda calls it (default: %(default)s)")
    parser.add_argument(
        "--channel", action="append", metavar="URL", help="in place of the files' own; can be given several times"
    )
    arguments = parser.parse_args()
    for path in arguments.environments:
        print(environments.pin(path, arguments.platform, arguments.channel))


if __name__ == "__main__":
    commands.run(main)
