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


FIGURES["curves_chosen"] = FigureRule(
    command="plot_curves",
    studies=PLAN.chosen,
    input={"summary": summary_of("{study}"), "chosen": "results/{study}/chosen.json"},
    flags=lambda study: f"--summary results/{study}/summary --chosen results/{study}/chosen.json",
    caption="curves",
    shows=lambda study: ["chosen"],
    subject="the chosen network",
)


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
    FIGURES[figure] = FigureRule(
        command="plot_insight",
        studies=PLAN.chosen,
        input={"insight": [f"results/{{study}}/insight/{name}" for name in insight.FILES]},
        flags=lambda study, figure=figure: f"--figure {figure} --insight results/{study}/insight",
        caption=f"insight-{figure.replace('_', '-')}",
        shows=lambda study: ["chosen"],
    )


# not the figures of insight, which are made on request: not every network has filters and feature maps
TARGETS += expand("results/{study}/{file}", study=PLAN.chosen, file=["chosen.json", "figures/curves_chosen.pdf"])
