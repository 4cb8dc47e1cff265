# What is measured while a study's cells train, and the loss surfaces around trained networks: tables and figures.

from workflow_scripts.engine.landscape import names as landscape_names

# tidy tables of a study that measures during training
LANDSCAPE_SUMMARY = (*SUMMARY, *landscape_names.TABLES)

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

for study, measured_cells in LANDSCAPES.items():

    rule:
        name:
            f"summarise_landscape_{study}"
        input:
            trained(study, measured_cells),
        output:
            summary_of(study, landscape_names.TABLES),
        log:
            f"results/logs/{study}/summary_landscape.log",
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            study=study,
            code=digest("summarise_landscape"),
        message:
            f"Gathering what the cells of {study} measured along the way"
        shell:
            "printf '%s\\n' {input:q}"
            " | python -P -m workflow_scripts.summarise_landscape --out results/{params.study}/summary 2> {log}"

    rule:
        name:
            f"table_landscape_{study}"
        input:
            summary=summary_of(study, LANDSCAPE_SUMMARY),
        output:
            csv=f"results/{study}/tables/landscape_table.csv",
            tex=f"results/{study}/tables/landscape_table.tex",
            txt=f"results/{study}/tables/landscape_table.txt",
            html=in_report(f"results/{study}/tables/landscape_table.html", "landscape-table"),
        log:
            f"results/logs/{study}/landscape_table.log",
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            study=study,
            design=design(study),
            code=digest("make_landscape_table"),
        message:
            f"Making the table of both protocols ({study})"
        shell:
            "python -P -m workflow_scripts.make_landscape_table --summary results/{params.study}/summary"
            " --study {params.design:q} --out {output.csv} 2> {log}"

    for figure in landscape_names.FIGURES:

        rule:
            name:
                f"{figure}_{study}"
            input:
                summary=summary_of(study, LANDSCAPE_SUMMARY),
            output:
                pdf=in_report(f"results/{study}/figures/{figure}.pdf", figure.replace("_", "-"), measured_cells),
                csv=f"results/{study}/figures/{figure}.csv",
            log:
                f"results/logs/{study}/{figure}.log",
            localrule: True
            conda:
                "../envs/figures.yaml"
            params:
                figure=figure,
                study=study,
                design=design(study),
                code=digest("plot_landscape"),
            message:
                f"Drawing {figure} ({study})"
            shell:
                "python -P -m workflow_scripts.plot_landscape --figure {params.figure} --study {params.design:q}"
                " --summary results/{params.study}/summary --out {output.pdf} 2> {log}"


for study, surface_cells in SURFACES.items():
    surface = SETTINGS.studies[study].surface

    for cell in surface_cells:

        rule:
            name:
                f"surface_{study}_{cell}"
            input:
                data=f"results/data/{STUDIES[study][cell].dataset}.npz",
                cell=trained(study, [cell]),
            output:
                f"results/{study}/surfaces/{cell}.csv",
            log:
                f"results/logs/{study}/surface_{cell}.log",
            benchmark:
                f"results/benchmarks/{study}/surface_{cell}.tsv"
            conda:
                "../envs/train.yaml"
            threads: STUDIES[study][cell].threads
            resources:
                gpu=GPUS_PER_CELL,
            params:
                study=study,
                cell=cell,
                # in one string, because Snakemake compares params as a set of values: it would not see a swap of two
                flags=f"--points {surface.points} --extent {surface.extent} --images {surface.images} --seed {surface.seed}",
                code=digest(
                    "measure_surface",
                    model=STUDIES[study][cell].model,
                    block=STUDIES[study][cell].block,
                    loss=STUDIES[study][cell].loss,
                ),
            message:
                f"Measuring the loss surface around {cell} ({study})"
            shell:
                "python -P -m workflow_scripts.measure_surface --cell results/{params.study}/{params.cell} --data {input.data}"
                " {params.flags} $GRADSCAPE_COMPUTING --out {output} 2> {log}"

    for figure in landscape_names.SURFACES:

        rule:
            name:
                f"{figure}_{study}"
            input:
                summary=summary_of(study),
                surfaces=[f"results/{study}/surfaces/{cell}.csv" for cell in surface_cells],
            output:
                pdf=in_report(f"results/{study}/figures/{figure}.pdf", figure.replace("_", "-"), surface_cells),
                csv=f"results/{study}/figures/{figure}.csv",
            log:
                f"results/logs/{study}/{figure}.log",
            localrule: True
            conda:
                "../envs/figures.yaml"
            params:
                figure=figure,
                study=study,
                code=digest("plot_surfaces"),
            message:
                f"Drawing {figure} ({study})"
            shell:
                "python -P -m workflow_scripts.plot_surfaces --figure {params.figure} --surfaces {input.surfaces:q}"
                " --summary results/{params.study}/summary --out {output.pdf} 2> {log}"
