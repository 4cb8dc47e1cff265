# What is measured while a study's cells train, and the loss surfaces around trained networks: tables and figures.

from workflow_scripts.engine.landscape import names as landscape

# tidy tables of a study that measures during training
LANDSCAPE_SUMMARY = (*SUMMARY, *landscape.TABLES)


rule summarise_landscape:
    input:
        lambda wildcards: PLAN.trained(wildcards.study, PLAN.landscapes[wildcards.study]),
    output:
        summary_of("{study}", landscape.TABLES),
    log:
        "results/logs/{study}/summary_landscape.log",
    wildcard_constraints:
        study=one_of(PLAN.landscapes),
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        code=digest("summarise_landscape"),
    message:
        "Gathering what the cells of {wildcards.study} measured along the way"
    shell:
        "printf '%s\\n' {input:q}"
        " | python -P -m workflow_scripts.summarise_landscape --out results/{wildcards.study}/summary 2> {log}"


rule table_landscape:
    input:
        summary=summary_of("{study}", LANDSCAPE_SUMMARY),
    output:
        csv="results/{study}/tables/landscape_table.csv",
        tex="results/{study}/tables/landscape_table.tex",
        txt="results/{study}/tables/landscape_table.txt",
        html=in_report("results/{study}/tables/landscape_table.html", "landscape-table"),
    log:
        "results/logs/{study}/landscape_table.log",
    wildcard_constraints:
        study=one_of(PLAN.landscapes),
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        design=design(),
        code=digest("make_landscape_table"),
    message:
        "Making the table of both protocols ({wildcards.study})"
    shell:
        "python -P -m workflow_scripts.make_landscape_table --summary results/{wildcards.study}/summary"
        " --study {params.design:q} --out {output.csv} 2> {log}"


for figure in landscape.FIGURES:
    FIGURES[figure] = FigureRule(
        command="plot_landscape",
        studies=PLAN.landscapes,
        input={"summary": summary_of("{study}", LANDSCAPE_SUMMARY)},
        flags=lambda study, figure=figure: (
            f"--figure {figure} --study {shlex.quote(flags.design(PLAN, study))} --summary results/{study}/summary"
        ),
        caption=figure.replace("_", "-"),
        shows=PLAN.landscapes.get,
    )


rule measure_surface:
    input:
        data=data_of,
        cell=lambda wildcards: PLAN.trained(wildcards.study, [wildcards.cell]),
    output:
        "results/{study}/surfaces/{cell}.csv",
    log:
        "results/logs/{study}/surface_{cell}.log",
    benchmark:
        "results/benchmarks/{study}/surface_{cell}.tsv"
    wildcard_constraints:
        study=one_of(PLAN.surfaces),
    conda:
        "../envs/train.yaml"
    threads: lambda wildcards: the_cell(wildcards).threads
    resources:
        gpu=GPUS_PER_CELL,
    params:
        flags=lambda wildcards: flags.surface(PLAN, wildcards.study),
        code=digest("measure_surface"),  # where that of the network or its loss changes, the cell is trained again
    message:
        "Measuring the loss surface around {wildcards.cell} ({wildcards.study})"
    shell:
        "python -P -m workflow_scripts.measure_surface --cell results/{wildcards.study}/{wildcards.cell}"
        " --data {input.data} {params.flags} $GRADSCAPE_COMPUTING --out {output} 2> {log}"


for figure in landscape.SURFACES:
    FIGURES[figure] = FigureRule(
        command="plot_surfaces",
        studies=PLAN.surfaces,
        input={
            "summary": summary_of("{study}"),
            "surfaces": lambda wildcards: surfaces_of(wildcards.study),
        },
        flags=lambda study, figure=figure: (
            f"--figure {figure} --surfaces {shlex.join(surfaces_of(study))} --summary results/{study}/summary"
        ),
        caption=figure.replace("_", "-"),
        shows=PLAN.surfaces.get,
    )


TARGETS += expand("results/{study}/tables/landscape_table.html", study=PLAN.landscapes)
TARGETS += expand("results/{study}/figures/{figure}.pdf", study=PLAN.landscapes, figure=landscape.FIGURES)
TARGETS += expand("results/{study}/figures/{figure}.pdf", study=PLAN.surfaces, figure=landscape.SURFACES)
