# Ablations: a table and a figure for every factor, what accuracy costs, the data's images, and the choice that is tested.

# Studies with ablations: {factor: {name of a cell: its level}}.
ABLATIONS = {name: grids.ablations(study) for name, study in SETTINGS.studies.items() if any(study.ablations.values())}

# Studies of which only the chosen cells are tested.
CHOSEN = [name for name, study in SETTINGS.studies.items() if study.test == "chosen"]


def first_cells(study):
    """{data set: the first cell of a study that is trained on it}."""
    found = {}
    for cell in STUDIES[study].values():
        found.setdefault(cell.dataset, cell)
    return found


def datasets_of(study):
    """The files of the data sets that the cells of a study are trained on."""
    return [f"results/data/{dataset}.npz" for dataset in first_cells(study)]


for study, factors in ABLATIONS.items():

    rule:
        name:
            f"ablation_tables_{study}"
        input:
            summary=summary_of(study),
        output:
            [f"results/{study}/ablations/{factor}.{suffix}" for factor in factors for suffix in ("csv", "tex", "txt")],
            html=[
                in_report(f"results/{study}/ablations/{factor}.html", "ablation-table", levels, subject=factor)
                for factor, levels in factors.items()
            ],
        log:
            f"results/logs/{study}/ablation_tables.log",
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            study=study,
            design=design(study, "base", "ablations"),
            code=digest("make_ablation_tables"),
        message:
            f"Making the tables of the ablations of {study}"
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
                in_report(f"results/{study}/ablations/{factor}.pdf", "ablation", levels, subject=factor)
                for factor, levels in factors.items()
            ],
            csv=[f"results/{study}/ablations/{factor}-drawn.csv" for factor in factors],
        log:
            f"results/logs/{study}/ablation_figures.log",
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            study=study,
            design=design(study, "base", "ablations"),
            code=digest("plot_ablations"),
        message:
            f"Drawing the ablations of {study}"
        shell:
            "python -P -m workflow_scripts.plot_ablations --summary results/{params.study}/summary"
            " --study {params.design:q} --out results/{params.study}/ablations 2> {log}"

    rule:
        name:
            f"pareto_{study}"
        input:
            summary=summary_of(study),
        output:
            pdf=in_report(f"results/{study}/figures/pareto.pdf", "pareto"),
            csv=f"results/{study}/figures/pareto.csv",
        log:
            f"results/logs/{study}/pareto.log",
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            study=study,
            design=design(study, "base", "ablations"),
            code=digest("plot_pareto"),
        message:
            f"Drawing what accuracy costs ({study})"
        shell:
            "python -P -m workflow_scripts.plot_pareto --summary results/{params.study}/summary"
            " --study {params.design:q} --out {output.pdf} 2> {log}"

    for dataset, cell in first_cells(study).items():

        rule:
            name:
                f"samples_{study}__{dataset}"
            input:
                f"results/data/{dataset}.npz",
            output:
                pdf=in_report(f"results/{study}/figures/samples_{dataset}.pdf", "samples", None, subject=dataset),
                csv=f"results/{study}/figures/samples_{dataset}.csv",
            log:
                f"results/logs/{study}/samples_{dataset}.log",
            localrule: True
            conda:
                "../envs/evaluate.yaml"
            params:
                normalize=cell.normalize,
                batch_size=cell.batch_size,
                code=digest("plot_samples"),
            message:
                f"Drawing images of {dataset}"
            shell:
                "python -P -m workflow_scripts.plot_samples --data {input} --normalize {params.normalize}"
                " --batch-size {params.batch_size} --out {output.pdf} 2> {log}"


for study in CHOSEN:

    rule:
        name:
            f"choose_{study}"
        input:
            summary=summary_of(study),
            cells=lambda wildcards, study=study: trained(study, final_cells(study)),
            data=datasets_of(study),
        output:
            f"results/{study}/chosen.json",
        log:
            f"results/logs/{study}/choose.log",
        benchmark:
            f"results/benchmarks/{study}/choose.tsv"
        conda:
            "../envs/evaluate.yaml"
        threads: max(cell.threads for cell in STUDIES[study].values())
        resources:
            gpu=GPUS_PER_CELL,
        params:
            study=study,
            code=digest("choose"),
        message:
            f"Choosing by validation accuracy, and testing what is chosen ({study})"
        shell:
            "printf '%s\\n' {input.cells:q}"
            " | python -P -m workflow_scripts.choose --summary results/{params.study}/summary --data {input.data}"
            " $GRADSCAPE_COMPUTING --out {output} 2> {log}"
