"""Pack the hand-in of the assignment: Beras, what trains it and a README with the measured accuracies; no data.

    python -m workflow_scripts.pack_beras --summary results/beras/summary --out submission/hw2.zip

The same files and accuracies give the same bytes.
"""

from workflow_scripts.engine import commands, whole_files
from workflow_scripts.engine.beras import submission, summary
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.tables import selections


def main():
    """Read the summary, write the zip."""
    parser = selections.parser("pack_beras", __doc__, "the archive (.zip)")
    flags.add(parser, config.Beras, "flag_2470")
    arguments = parser.parse_args()
    study = summary.load(arguments.summary)
    text = submission.readme(summary.over_seeds(study.runs), sorted(set(study.runs["seed"])), study.dataset)
    whole_files.write(arguments.out, submission.packed(text, flags.read(arguments, config.Beras).flag_2470))


if __name__ == "__main__":
    commands.run(main)
