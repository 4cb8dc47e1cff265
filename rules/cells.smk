# Cells in the DAG: which are wanted, which job trains them, alone or in bundles, with which flags, and which files
# represent them.

from snakemake.settings.types import SharedFSUsage
from workflow_scripts.engine.runs import bundles, made, manifests

if SETTINGS.cells_per_job > 1 and SharedFSUsage.INPUT_OUTPUT not in workflow.storage_settings.shared_fs_usage:
    sys.exit(
        f"error: cells_per_job: expected 1 where jobs share no file system, found {SETTINGS.cells_per_job}: the files of "
        "a bundle's cells are no outputs, and would stay where it ran"
    )

# {study: {name of a bundle, which is its first cell's: names of its cells}}. The candidates of a search have their own
# jobs, since which of them are trained becomes known only rung by rung.
CANDIDATES = {study: {cells.cell_name(cell) for cell in plan.cells()} for study, plan in SEARCHES.items()}
BUNDLES = {
    study: bundles.bundles(
        SETTINGS.studies[study],
        {name: cell for name, cell in grid.items() if name not in CANDIDATES.get(study, ())},
        SETTINGS.cells_per_job,
    )
    for study, grid in STUDIES.items()
}
BUNDLED = {study: {cell: name for name, part in found.items() for cell in part} for study, found in BUNDLES.items()}


def trained(study, names):
    """The files that represent trained cells in the DAG: the record of each, or the manifest of the bundle it is in.

    Only one of a cell's files, because each costs time in a DAG of ten thousand cells.
    """
    manifest = BUNDLED[study]
    found = [
        manifests.path_of(study, manifest[cell]) if cell in manifest else f"results/{study}/{cell}/cell.json"
        for cell in names
    ]
    return list(dict.fromkeys(found))


def kept(study, rung):
    """The cells whose recipes go on from a rung of a study's search; known once the rung is trained."""
    path = checkpoints.select_rung.get(study=study, rung=rung).output[0]
    with open(path) as file:
        return [STUDIES[study][name] for name in json.load(file)["kept"]]


def rung_cells(study, rung):
    """Names of the cells that a rung of a study's search trains."""
    recipes = kept(study, rung - 1) if rung else SEARCHES[study].recipes
    return [cells.cell_name(cell) for cell in SEARCHES[study].rung(rung, recipes)]


def final_cells(study):
    """Names of the cells with the recipe that a study's search chose; of all its cells if it has no search."""
    if study not in SEARCHES:
        return list(STUDIES[study])
    (recipe,) = kept(study, len(SEARCHES[study].epochs) - 1)
    return [cells.cell_name(cell) for cell in SEARCHES[study].final(recipe)]


def wanted_cells(study):
    """Names of the cells of a study that are trained: all except those of candidates that a search dropped."""
    final = final_cells(study)
    if study in SEARCHES:
        rungs = [name for rung in range(len(SEARCHES[study].epochs)) for name in rung_cells(study, rung)]
        others = [name for name in STUDIES[study] if name not in CANDIDATES[study]]
        final = list(dict.fromkeys([*others, *rungs, *final]))
    return final


def measured(study, cell):
    """{observer: settings} of what a study measures while a cell trains."""
    return grids.measured(SETTINGS.studies[study], cell)


def checkpoint_of(study, cell):
    """The path of a cell's checkpoint; named after the whole record, so that it also changes with a key's default."""
    return f"results/.checkpoints/{study}-{cells.record_digest(cell)[:16]}"


def tested(study):
    """Whether the training of a study's cells ends with reading the test images."""
    return SETTINGS.studies[study].test == "every"


def test_flags(study):
    """The flags that tell the training commands whether to read the test images."""
    return [] if tested(study) else ["--no-test"]


def train_flags(wildcards):
    """The flags of train_cell, quoted: the record, its checkpoint, what is measured, whether the test images are read."""
    study, cell = wildcards.study, the_cell(wildcards)
    measure = ["--measure", json.dumps(found)] if (found := measured(study, cell)) else []
    return shlex.join(["--checkpoint", checkpoint_of(study, cell), *cells.flags(cell), *measure, *test_flags(study)])


def orders(wildcards):
    """What train_bundle reads: a line of JSON per cell of the bundle in the wildcards."""
    study = wildcards.study
    for name in named(study, wildcards.cell, BUNDLES[study]):
        cell = STUDIES[study][name]
        order = {"cell": name, "record": cells.shown(cell), "checkpoint": checkpoint_of(study, cell)}
        yield json.dumps({**order, "measured": measured(study, cell)})


def bundle_code(wildcards):
    """The digests of the code that a bundle's cells run."""
    study = wildcards.study
    found = [STUDIES[study][name] for name in named(study, wildcards.cell, BUNDLES[study])]
    return sorted({cells.code_digest(cell, measured(study, cell)) for cell in found})


def still_to_train(job):
    """Names of the cells that a training job still has to train: of a bundle, some may exist already."""
    names = TRAINED_BY[job.rule.name](job.wildcards)
    if job.rule.name == rules.train_cell.rule.name:
        return names
    return [name for name in names if not is_made(job.wildcards.study, name)]


def is_made(study, name):
    """Whether a cell exists already, as far as its record says."""
    cell = STUDIES[study][name]
    return made.is_made(HERE / "results" / study / name, made.identity(cell, measured(study, cell), tested(study)))
