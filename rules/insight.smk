# The network that a study chooses, and what it has learned: tidy files, and figures of them.

from workflow_scripts.engine.insight import names as insight


rule choose:
    input:
        summary=summary_of("{study}"),
        cells=lambda wildcards: final_files(wildcards.study),
        data=all_data_of,
    output:
        "results/{study}/chosen.json",
    log:
        "results/logs/{study}/choose.log",
    benchmark:
        "results/benchmarks/{study}/choose.tsv"
    wildcard_constraints:
        study=one_of(PLAN.chosen),
    conda:
        "../envs/evaluate.yaml"
    threads: lambda wildcards: max(cell.threads for cell in PLAN.studies[wildcards.study].values())
    resources:
        gpu=GPUS_PER_CELL,
    params:
        code=digest("choose"),
    message:
        "Choosing by validation accuracy, and testing what is chosen ({wildcards.study})"
    shell:
        "printf '%s\\n' {input.cells:q}"
        " | python -P -m workflow_scripts.choose --summary results/{wildcards.study}/summary --data {input.data}"
        " $GRADSCAPE_COMPUTING --out {output} 2> {log}"


rule plot_curves_chosen:
    input:
        summary=summary_of("{study}"),
        chosen="results/{study}/chosen.json",
    output:
        pdf=in_report(
            "results/{study}/figures/curves_chosen.pdf",
            "curves",
            lambda study: ["chosen"],
            "the chosen network",
        ),
        csv="results/{study}/figures/curves_chosen.csv",
    log:
        "results/logs/{study}/curves_chosen.log",
    wildcard_constraints:
        study=one_of(PLAN.chosen),
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        code=digest("plot_curves"),
    message:
        "Drawing curves_chosen ({wildcards.study})"
    shell:
        "python -P -m workflow_scripts.plot_curves --summary results/{wildcards.study}/summary"
        " --chosen {input.chosen} --out {output.pdf} 2> {log}"


rule insight:
    input:
        chosen="results/{study}/chosen.json",
        cells=lambda wildcards: final_files(wildcards.study),  # one of which is chosen
        data=all_data_of,
    output:
        [f"results/{{study}}/insight/{name}" for name in insight.FILES],
    log:
        "results/logs/{study}/insight.log",
    benchmark:
        "results/benchmarks/{study}/insight.tsv"
    wildcard_constraints:
        study=one_of(PLAN.chosen),
    conda:
        "../envs/evaluate.yaml"
    resources:
        gpu=GPUS_PER_CELL,
    params:
        code=digest("inspect_cell"),
    message:
        "Inspecting the chosen network of {wildcards.study}"
    shell:
        "python -P -m workflow_scripts.inspect_cell --chosen {input.chosen} --data {input.data}"
        " $GRADSCAPE_COMPUTING --out results/{wildcards.study}/insight 2> {log}"


for figure in insight.FIGURES:

    rule:
        name:
            f"plot_{figure}"
        input:
            [f"results/{{study}}/insight/{name}" for name in insight.FILES],
        output:
            pdf=in_report(
                f"results/{{study}}/figures/{figure}.pdf",
                f"insight-{figure.replace('_', '-')}",
                lambda study: ["chosen"],
            ),
            csv=f"results/{{study}}/figures/{figure}.csv",
        log:
            f"results/logs/{{study}}/{figure}.log",
        wildcard_constraints:
            study=one_of(PLAN.chosen),
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            figure=figure,
            code=digest("plot_insight"),
        message:
            f"Drawing {figure} ({{wildcards.study}})"
        shell:
            "python -P -m workflow_scripts.plot_insight --figure {params.figure}"
            " --insight results/{wildcards.study}/insight --out {output.pdf} 2> {log}"


# not the figures of insight, which are made on request: not every network has filters and feature maps
TARGETS += expand("results/{study}/{file}", study=PLAN.chosen, file=["chosen.json", "figures/curves_chosen.pdf"])
