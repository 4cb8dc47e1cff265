# What studies have besides cells, and what the commands for it are told.

# Studies that compare a shallow network with a deep one: what the cw2 figures and report are about.
COMPARED = {name: study.compare for name, study in SETTINGS.studies.items() if study.compare}

# Studies that search for a recipe: what each may train.
SEARCHES = {name: grids.plan(study) for name, study in SETTINGS.studies.items() if study.search}

# Studies with ablations: {factor: {name of a cell: its level}}.
ABLATIONS = {name: grids.ablations(study) for name, study in SETTINGS.studies.items() if any(study.ablations.values())}

# Studies of which only the chosen cells are tested.
CHOSEN = [name for name, study in SETTINGS.studies.items() if study.test == "chosen"]

# Studies that measure during training, and their cells that do.
LANDSCAPES = {
    name: [cell for cell, record in STUDIES[name].items() if grids.in_landscape(study, record)]
    for name, study in SETTINGS.studies.items()
    if study.landscape
}

# Studies with loss surfaces, and the cells around which they lie: the first cell of each selection, once.
SURFACES = {
    name: dict.fromkeys(
        next(cell for cell, record in STUDIES[name].items() if grids.selects(selection, record))
        for selection in study.surface.cells
    )
    for name, study in SETTINGS.studies.items()
    if study.surface
}


def at_levels(factor):
    """The function of a study that gives the names of its cells at the levels of a factor."""
    return lambda study: ABLATIONS[study][factor]


def first_cells(study):
    """{data set: the first cell of a study that is trained on it}."""
    found = {}
    for cell in STUDIES[study].values():
        found.setdefault(cell.dataset, cell)
    return found


def datasets_of(wildcards):
    """The files of the data sets that the cells of the study in the wildcards are trained on."""
    return [f"results/data/{dataset}.npz" for dataset in first_cells(wildcards.study)]


def samples_of(study):
    """The figures with images of these data sets."""
    return [f"results/{study}/figures/samples_{dataset}.pdf" for dataset in first_cells(study)]


def sample_flags(wildcards):
    """The flags of plot_samples, in one string: Snakemake compares params as a set, and would not see a swap of two."""
    found = first_cells(wildcards.study)
    if wildcards.dataset not in found:
        sys.exit(f"error: study {wildcards.study} has no data set {wildcards.dataset}, only {', '.join(found)}")
    cell = found[wildcards.dataset]
    return f"--normalize {cell.normalize} --batch-size {cell.batch_size}"


def surface_flags(wildcards):
    """The flags of measure_surface, in one string: Snakemake compares params as a set, and would not see a swap of two."""
    surface = SETTINGS.studies[wildcards.study].surface
    return f"--points {surface.points} --extent {surface.extent} --images {surface.images} --seed {surface.seed}"


def surface_code(wildcards):
    """The digest of the code that measures the surface around the cell in the wildcards."""
    cell = the_cell(wildcards)
    return digest("measure_surface", model=cell.model, block=cell.block, loss=cell.loss)
