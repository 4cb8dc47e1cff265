# Ablations: a table and a figure for every factor, the cost of accuracy, and sample images.

from workflow_scripts.engine.ablation import names as ablation

# One job makes the files of all factors of a study. Which factors it has is its own, so each study has its own rules.
for study, factors in PLAN.ablations.items():

    rule:
        name:
            f"ablation_tables_{study}"
        input:
            summary=summary_of(study),
        output:
            [f"results/{study}/ablations/{factor}.{suffix}" for factor in factors for suffix in ("csv", "tex", "txt")],
            html=[
                in_report(f"results/{study}/ablations/{factor}.html", "ablation-table", at_levels(factor), factor)
                for factor in factors
            ],
        log:
            f"results/logs/{study}/ablation_tables.log",
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            study=study,
            design=flags.design(PLAN, study, "base", "ablations"),
            code=digest("make_ablation_tables"),
        message:
            f"Making the tables of all factors ({study})"
        shell:
            "python -P -m workflow_scripts.make_ablation_tables --summary results/{params.study}/summary"
            " --study {params.design:q} --out results/{params.study}/ablations 2> {log}"

    rule:
        name:
            f"ablation_figures_{study}"
        input:
            summary=summary_of(study),
        output:
            pdf=[
                in_report(f"results/{study}/ablations/{factor}.pdf", "ablation", at_levels(factor), factor)
                for factor in factors
            ],
            csv=[f"results/{study}/ablations/{factor}-drawn.csv" for factor in factors],
        log:
            f"results/logs/{study}/ablation_figures.log",
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            study=study,
            design=flags.design(PLAN, study, "base", "ablations"),
            code=digest("plot_ablations"),
        message:
            f"Drawing all factors ({study})"
        shell:
            "python -P -m workflow_scripts.plot_ablations --summary results/{params.study}/summary"
            " --study {params.design:q} --out results/{params.study}/ablations 2> {log}"


for figure, title in ablation.FIGURES.items():
    FIGURES[figure] = FigureRule(
        command=f"plot_{figure}",
        studies=PLAN.ablations,
        input={"summary": summary_of("{study}")},
        flags=lambda study: (
            f"--summary results/{study}/summary --study {shlex.quote(flags.design(PLAN, study, 'base', 'ablations'))}"
        ),
        caption=figure,
        title=title,
    )


rule table_remedies:
    input:
        summary=summary_of("{study}"),
    output:
        csv="results/{study}/tables/remedies_statistics.csv",
        tex="results/{study}/tables/remedies_statistics.tex",
        txt="results/{study}/tables/remedies_statistics.txt",
        html=in_report("results/{study}/tables/remedies_statistics.html", "remedies-table"),
    log:
        "results/logs/{study}/remedies_statistics.log",
    wildcard_constraints:
        study=one_of(PLAN.ablations),
    localrule: True
    conda:
        "../envs/figures.yaml"
    params:
        design=design("base", "ablations"),
        code=digest("make_remedies_table"),
    message:
        "Comparing all remedies ({wildcards.study})"
    shell:
        "python -P -m workflow_scripts.make_remedies_table --summary results/{wildcards.study}/summary"
        " --study {params.design:q} --out {output.csv} 2> {log}"


rule plot_samples:
    input:
        "results/data/{dataset}.npz",
    output:
        pdf=in_report(
            "results/{study}/figures/samples_{dataset}.pdf",
            "samples",
            shows=None,
            subject="{dataset}",
        ),
        csv="results/{study}/figures/samples_{dataset}.csv",
    log:
        "results/logs/{study}/samples_{dataset}.log",
    wildcard_constraints:
        study=one_of(PLAN.ablations),
        dataset=one_of(sorted({dataset for study in PLAN.ablations for dataset in PLAN.first_cells(study)})),
    localrule: True
    conda:
        "../envs/evaluate.yaml"
    params:
        flags=or_exit(lambda wildcards: flags.samples(PLAN, wildcards.study, wildcards.dataset)),
        titles=lambda wildcards: flags.titles(SETTINGS, [wildcards.dataset]),
        code=digest("plot_samples"),
    message:
        "Drawing images of {wildcards.dataset} ({wildcards.study})"
    shell:
        "python -P -m workflow_scripts.plot_samples --data {input} {params.flags} {params.titles:q} --out {output.pdf} 2> {log}"


for study, factors in PLAN.ablations.items():
    TARGETS += expand(f"results/{study}/ablations/{{factor}}.{{suffix}}", factor=factors, suffix=["html", "pdf"])
    TARGETS += expand(f"results/{study}/figures/{{figure}}.pdf", figure=ablation.FIGURES)
    TARGETS += [f"results/{study}/tables/remedies_statistics.html", *samples_of(study)]
