# What the chosen network of a study has learned: tidy files, and figures of them.

INSIGHT = (
    "insight.json",
    "filters.npz",
    "predictions.csv",
    "confusion.csv",
    "per_class.csv",
    "tsne.csv",
    "grad_cam.npz",
)
INSIGHT_FIGURES = ("filters", "grad_cam", "confusion", "class_accuracy", "tsne")


for study in CHOSEN:

    rule:
        name:
            f"insight_{study}"
        input:
            chosen=f"results/{study}/chosen.json",
            data=datasets_of(study),
        output:
            [f"results/{study}/insight/{name}" for name in INSIGHT],
        log:
            f"results/logs/{study}/insight.log",
        benchmark:
            f"results/benchmarks/{study}/insight.tsv"
        conda:
            "../envs/evaluate.yaml"
        resources:
            gpu=GPUS_PER_CELL,
        params:
            study=study,
            code=digest("inspect_cell"),
        message:
            f"Inspecting the chosen network of {study}"
        shell:
            "python -P -m workflow_scripts.inspect_cell --chosen {input.chosen} --data {input.data}"
            " $GRADSCAPE_COMPUTING --out results/{params.study}/insight 2> {log}"

    for figure in INSIGHT_FIGURES:

        rule:
            name:
                f"{figure}_{study}"
            input:
                [f"results/{study}/insight/{name}" for name in INSIGHT],
            output:
                pdf=in_report(
                    f"results/{study}/figures/{figure}.pdf",
                    f"insight-{figure.replace('_', '-')}",
                    ["chosen"],
                    in_all=False,  # made on request: not every network has filters and feature maps
                ),
                csv=f"results/{study}/figures/{figure}.csv",
            log:
                f"results/logs/{study}/{figure}.log",
            localrule: True
            conda:
                "../envs/figures.yaml"
            params:
                study=study,
                figure=figure,
                code=digest("plot_insight"),
            message:
                f"Drawing {figure} ({study})"
            shell:
                "python -P -m workflow_scripts.plot_insight --figure {params.figure} --insight results/{params.study}/insight"
                " --out {output.pdf} 2> {log}"
