# Ablations: a table and a figure for every factor, the cost of accuracy, and sample images.

# What is made of all factors of a study by one job, with files for each factor.
# part: (command, ends of its files' names, the one that the HTML report shows, caption, words)
OF_FACTORS = {
    "ablation_tables": (
        "make_ablation_tables",
        [".csv", ".tex", ".txt"],
        ".html",
        "ablation-table",
        "Making the tables of all factors",
    ),
    "ablation_figures": ("plot_ablations", ["-drawn.csv"], ".pdf", "ablation", "Drawing all factors"),
}

for study, factors in ABLATIONS.items():
    for part, (command, ends, shown_end, caption, words) in OF_FACTORS.items():

        rule:  # one for each study, whose factors, and so whose files, are its own
            name:
                f"{part}_{study}"
            input:
                summary=summary_of(study),
            output:
                [f"results/{study}/ablations/{factor}{end}" for factor in factors for end in ends],
                shown=[
                    in_report(
                        f"results/{study}/ablations/{factor}{shown_end}",
                        caption,
                        lambda study, factor=factor: ABLATIONS[study][factor],
                        factor,
                    )
                    for factor in factors
                ],
            log:
                f"results/logs/{study}/{part}.log",
            localrule: True
            conda:
                "../envs/figures.yaml"
            params:
                command=command,
                study=study,
                design=design(study, "base", "ablations"),
                code=digest(command),
            message:
                f"{words} ({study})"
            shell:
                "python -P -m workflow_scripts.{params.command} --summary results/{params.study}/summary"
                " --study {params.design:q} --out results/{params.study}/ablations 2> {log}"


# What is made of all cells of a study with ablations.
# part: (command, its --out, other files that it writes, the one that the HTML report shows, caption, words)
OF_ALL = {
    "plot_pareto": (
        "plot_pareto",
        "figures/pareto.pdf",
        ["figures/pareto.csv"],
        "figures/pareto.pdf",
        "pareto",
        "Drawing what accuracy costs",
    ),
    "plot_remedies": (
        "plot_remedies",
        "figures/remedies.pdf",
        ["figures/remedies.csv"],
        "figures/remedies.pdf",
        "remedies",
        "Drawing the gradient flow of all remedies, which are the levels of the factors",
    ),
    "table_remedies": (
        "make_remedies_table",
        "tables/remedies_statistics.csv",
        [f"tables/remedies_statistics.{suffix}" for suffix in ("csv", "tex", "txt")],
        "tables/remedies_statistics.html",
        "remedies-table",
        "Comparing all remedies",
    ),
}

for part, (command, out, files, shown, caption, words) in OF_ALL.items():

    rule:
        name:
            part
        input:
            summary=summary_of("{study}"),
        output:
            [f"results/{{study}}/{file}" for file in files],
            shown=in_report(f"results/{{study}}/{shown}", caption, studies=ABLATIONS),
        log:
            f"results/logs/{{study}}/{part}.log",
        wildcard_constraints:
            study=one_of(ABLATIONS),
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            command=command,
            design=lambda wildcards: design(wildcards.study, "base", "ablations"),
            out=out,
            code=digest(command),
        message:
            f"{words} ({{wildcards.study}})"
        shell:
            "python -P -m workflow_scripts.{params.command} --summary results/{wildcards.study}/summary"
            " --study {params.design:q} --out results/{wildcards.study}/{params.out} 2> {log}"


rule plot_samples:
    input:
        "results/data/{dataset}.npz",
    output:
        pdf=in_report("results/{study}/figures/samples_{dataset}.pdf", "samples", None, "{dataset}", []),
        csv="results/{study}/figures/samples_{dataset}.csv",
    log:
        "results/logs/{study}/samples_{dataset}.log",
    wildcard_constraints:
        study=one_of(ABLATIONS),
    localrule: True
    conda:
        "../envs/evaluate.yaml"
    params:
        flags=sample_flags,
        titles=lambda wildcards: titles([wildcards.dataset]),
        code=digest("plot_samples"),
    message:
        "Drawing images of {wildcards.dataset} ({wildcards.study})"
    shell:
        "python -P -m workflow_scripts.plot_samples --data {input} {params.flags} {params.titles:q} --out {output.pdf} 2> {log}"


SHOWN += [path for study in ABLATIONS for path in samples_of(study)]
