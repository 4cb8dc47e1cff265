# What only Snakemake knows: files whose names become known during the run, and files that may be remade or missing.

from workflow_scripts.engine.configuration import cells
from workflow_scripts.engine.course import folders as experiments, program

if SETTINGS.cells_per_job > 1 and ELSEWHERE:
    sys.exit(
        f"error: cells_per_job: expected 1 where results are kept elsewhere, found {SETTINGS.cells_per_job}: the files of "
        "a bundle's cells are no outputs, and would stay where it ran"
    )


def followed(wildcards):
    """The original, as a list, of a data set that is remade when it changes; if it is gone, the data set stays.

    For a folder, the listing says more than its time, which may change when somebody only looks into it.
    """
    dataset = SETTINGS.datasets[wildcards.dataset]
    path, made = dataset.path, f"results/data/{wildcards.dataset}.npz"
    if dataset.source != "folder" or not path or not (path.exists() or os.path.exists(made)):
        return []
    return [local(ancient(path) if path.is_dir() else path)]


def kept(study, rung):
    """The cells whose recipes go on from a rung of a study's search; known once the rung is trained."""
    with checkpoints.select_rung.get(study=study, rung=rung).output[0].open() as file:
        return [PLAN.studies[study][name] for name in json.load(file)["kept"]]


def rung_cells(study, rung):
    """Names of the cells that a rung of a study's search trains."""
    search = PLAN.searches[study]
    recipes = kept(study, rung - 1) if rung else search.recipes
    return [cells.cell_name(cell) for cell in search.rung(rung, recipes)]


def final_cells(study):
    """Names of the cells with the recipe that a study's search chose; of all its cells if it has no search."""
    if study not in PLAN.searches:
        return list(PLAN.studies[study])
    search = PLAN.searches[study]
    (recipe,) = kept(study, len(search.epochs) - 1)
    return [cells.cell_name(cell) for cell in search.final(recipe)]


def final_files(study):
    """The files that represent these cells in the DAG."""
    return PLAN.trained(study, final_cells(study))


def wanted_cells(study):
    """Names of the cells of a study that are trained: all except those of candidates that a search dropped."""
    final = final_cells(study)
    if study not in PLAN.searches:
        return final
    rungs = [name for rung in range(len(PLAN.searches[study].epochs)) for name in rung_cells(study, rung)]
    others = [name for name in PLAN.studies[study] if name not in PLAN.candidates[study]]
    return list(dict.fromkeys([*others, *rungs, *final]))


@or_exit
def files_made_elsewhere(study):
    """The files that are read of runs made with the course's framework that join a study; a missing summary is an error.

    Snakemake does not report a missing input where the outputs exist from an earlier run.
    """
    found = []
    for name, run in PLAN.external_runs(study).items():
        for path in (folder / file for folder in run.folder for file in experiments.FILES):
            if any(one.is_producer(str(path)) for one in workflow.rules):
                found.append(str(path))
            elif path.exists():
                found.append(local(str(path)))
            elif path.match(experiments.SUMMARY):
                raise commands.UserError(
                    f"external_runs.{name}.folder: expected a run with the file {path}, found none"
                )
    return found


def program_of_hand_in(wildcards):
    """The files of the program that is handed in, with those of the runs made elsewhere."""
    elsewhere = [file for study in PLAN.studies for file in files_made_elsewhere(study)]
    return [*(local(str(path)) for path in program.sources().values()), *elsewhere]
