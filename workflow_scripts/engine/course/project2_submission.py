"""The hand-in of Project 2: what its brief asks to be sent, and to be uploaded where the report links to.

project2/project2.pdf
project2/code/       the program (`program.py`)
project2/results/    .csv, and the chosen network: its record and its weights
"""

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.course import program
from workflow_scripts.engine.packing import zipped
from workflow_scripts.engine.runs.manifests import how_to_make_again
from workflow_scripts.engine.tables import reading

NETWORK = ("cell.json", "model.safetensors")  # its files
README = """\
# Project 2

`project2.pdf` was made by the Snakemake workflow in this folder. It needs Python 3.11 or newer, and LaTeX with latexmk.
This trains the networks of `config.yaml` again and typesets the report with their numbers:

    python3 -m venv .venv && source .venv/bin/activate && pip install -r requirements.lock
    snakemake -n report/project2.pdf    # what would be done, and how much it is
    snakemake report/project2.pdf

No images are handed in. Where a data set in `config.yaml` has a `path`, say there where they are; others are
downloaded.

The weights of the chosen network are `model.safetensors` in `../results/{folder}`. With its data set
(`snakemake results/data/{dataset}.npz`), this loads it and tests it:

    from workflow_scripts.engine.data import datasets
    from workflow_scripts.engine.runs import trained

    folder = "../results/{folder}"
    cell = trained.load(folder, datasets.load("results/data/{dataset}.npz"), "cpu")
    loss, accuracy = cell.evaluate(cell.test_batches).tolist()    # the network itself is cell.model

It has {parameters:,} parameters and a test accuracy of {accuracy:.2%}.
"""


def packed(report, chosen, tables, settings):
    """The bytes of the zip.

    `report` is the PDF, and `chosen` the file chosen.json in the folder of its study, which lies in that of all
    results. `tables` and `settings` are as for `submission.packed`. Raises UserError for a table that is not a CSV file
    among the results, and where a file of the chosen network is missing or damaged.
    """
    study, results = chosen.parent, chosen.parent.parent
    facts = reading.facts(chosen, "choose")
    try:
        cell, tested = facts["best_cell"], dict(zip(facts["cells"], facts["test_acc"]["values"], strict=True))
        dataset, parameters, accuracy = facts["record"]["dataset"], facts["parameters"], tested[cell]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{chosen} is damaged ({error!r}); run choose again") from None
    folder = f"{study.relative_to(results)}/{cell}"
    kept = {f"{folder}/{name}": content for name, content in _network(study / cell).items()}
    readme = README.format(folder=folder, dataset=dataset, parameters=parameters, accuracy=accuracy)
    files = {"project2.pdf": report.read_bytes()}
    files |= {f"code/{name}": content for name, content in program.files(settings, readme).items()}
    files |= {f"results/{name}": content for name, content in (kept | program.tables(tables, results)).items()}
    return zipped({f"project2/{name}": content for name, content in files.items()})


def _network(folder):
    missing = [name for name in NETWORK if not (folder / name).is_file()]
    if missing:
        raise UserError(f"{folder}: expected the chosen network, found no {missing[0]}; {how_to_make_again(folder)}")
    return {name: (folder / name).read_bytes() for name in NETWORK}
