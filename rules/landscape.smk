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

    rule:
        name:
            f"plot_{figure}"
        input:
            summary=summary_of("{study}", LANDSCAPE_SUMMARY),
        output:
            pdf=in_report(
                f"results/{{study}}/figures/{figure}.pdf",
                figure.replace("_", "-"),
                PLAN.landscapes.get,
            ),
            csv=f"results/{{study}}/figures/{figure}.csv",
        log:
            f"results/logs/{{study}}/{figure}.log",
        wildcard_constraints:
            study=one_of(PLAN.landscapes),
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            figure=figure,
            design=design(),
            code=digest("plot_landscape"),
        message:
            f"Drawing {figure} ({{wildcards.study}})"
        shell:
            "python -P -m workflow_scripts.plot_landscape --figure {params.figure} --study {params.design:q}"
            " --summary results/{wildcards.study}/summary --out {output.pdf} 2> {log}"


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

    rule:
        name:
            f"plot_{figure}"
        input:
            summary=summary_of("{study}"),
            surfaces=lambda wildcards: [
                f"results/{wildcards.study}/surfaces/{cell}.csv" for cell in PLAN.surfaces[wildcards.study]
            ],
        output:
            pdf=in_report(f"results/{{study}}/figures/{figure}.pdf", figure.replace("_", "-"), PLAN.surfaces.get),
            csv=f"results/{{study}}/figures/{figure}.csv",
        log:
            f"results/logs/{{study}}/{figure}.log",
        wildcard_constraints:
            study=one_of(PLAN.surfaces),
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            figure=figure,
            code=digest("plot_surfaces"),
        message:
            f"Drawing {figure} ({{wildcards.study}})"
        shell:
            "python -P -m workflow_scripts.plot_surfaces --figure {params.figure} --surfaces {input.surfaces:q}"
            " --summary results/{wildcards.study}/summary --out {output.pdf} 2> {log}"


TARGETS += expand("results/{study}/tables/landscape_table.html", study=PLAN.landscapes)
TARGETS += expand("results/{study}/figures/{figure}.pdf", study=PLAN.landscapes, figure=landscape.FIGURES)
TARGETS += expand("results/{study}/figures/{figure}.pdf", study=PLAN.surfaces, figure=landscape.SURFACES)
