"""The hand-in of coursework 2, laid out as its brief asks: no weights, no logs.

<number>/<number>_report.pdf
<number>/mlp/pytorch_experiment_scripts/    the program (`program.py`)
<number>/results/                           .csv only
"""

import re

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.fields import STUDENT_NUMBER
from workflow_scripts.engine.course import program
from workflow_scripts.engine.packing import zipped

README = """\
# Coursework 2, {number}

`{number}_report.pdf` was made here, by a Snakemake workflow. It needs Python 3.11 or newer, and LaTeX with latexmk.
This trains the networks of `config.yaml` again and typesets the report with their numbers:

    python3 -m venv .venv && source .venv/bin/activate && pip install -r requirements.lock
    snakemake -n report/mlp-cw2.pdf    # what would be done, and how much it is
    snakemake report/mlp-cw2.pdf

No images are handed in. Where a data set in `config.yaml` has a `path`, say there where they are; others are
downloaded.
"""


def checked(number, known):
    """`number`; raises UserError where it is not a student number, or not the one `known` to the report."""
    if not re.fullmatch(STUDENT_NUMBER, number):
        raise UserError(f"submission/{number}.zip: expected a student number, an s and seven digits, found {number!r}")
    if number != known:
        raise UserError(
            f"submission/{number}.zip: the report says {known}; set report.student_number in config.yaml to {number}"
        )
    return number


def packed(number, report, results, tables, settings):
    """The bytes of the zip.

    `report` is the PDF; `tables` are CSV files, or folders of them, within the folder `results`; `settings` is the
    configuration as a mapping. Raises UserError for a table that is not a CSV file or lies elsewhere.
    """
    files = {f"{number}_report.pdf": report.read_bytes()}
    ran = program.files(settings, README.format(number=number))
    files |= {f"mlp/pytorch_experiment_scripts/{name}": content for name, content in ran.items()}
    files |= {f"results/{name}": content for name, content in program.tables(tables, results).items()}
    return zipped({f"{number}/{name}": content for name, content in files.items()})
