# What all the stages share: the typed configuration, the cells of every study, and how commands are run.

from workflow_scripts.engine import cells, code, commands, config as settings

try:
    SETTINGS = settings.load(config)
    STUDIES = {name: cells.expand(name, study) for name, study in SETTINGS.studies.items()}
except commands.UserError as error:
    sys.exit(f"error: {error}")

REPORTS = {"report/mlp-cw2.pdf": "cw2"}

# `python -m workflow_scripts.<command>` is found from any folder and runs in Snakemake's own Python; an activated
# conda environment (--sdm conda) comes before it on PATH, and so wins.
os.environ["PYTHONPATH"] = str(workflow.basedir)
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])


wildcard_constraints:
    study="|".join(STUDIES),
    cell=r"[A-Za-z0-9][A-Za-z0-9._+-]*",


def the_cell(wildcards):
    """The record behind the two wildcards."""
    try:
        return STUDIES[wildcards.study][wildcards.cell]
    except KeyError:
        raise WorkflowError(
            f"study {wildcards.study} has no cell {wildcards.cell!r}. Its cells: {', '.join(STUDIES[wildcards.study])}"
        )


def cell_files(name):
    """File `name` of every cell of the study in the wildcards."""
    return lambda wildcards: [f"results/{wildcards.study}/{cell}/{name}" for cell in STUDIES[wildcards.study]]


def digest(command, **names):
    """Digest of the code that a command runs, with registered names (kind=name): Snakemake sees no imported modules."""
    return code.digest(f"workflow_scripts.{command}", tuple(names.items()))
