# Ablations: a table and a figure for every factor, the cost of accuracy, sample images, and the choice that is tested.

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


# What is made from a study's ablations, each by a command that is given the study's design. Patterns of files contain
# {factor} where there is a file for each factor.
# part: (command, its --out, its files, (pattern of those that the HTML report shows, caption), words)
PARTS = {
    "ablation_tables": (
        "make_ablation_tables",
        "ablations",
        [f"ablations/{{factor}}.{suffix}" for suffix in ("csv", "tex", "txt")],
        ("ablations/{factor}.html", "ablation-table"),
        "Making the tables of all factors",
    ),
    "ablation_figures": (
        "plot_ablations",
        "ablations",
        ["ablations/{factor}-drawn.csv"],
        ("ablations/{factor}.pdf", "ablation"),
        "Drawing all factors",
    ),
    "pareto": (
        "plot_pareto",
        "figures/pareto.pdf",
        ["figures/pareto.csv"],
        ("figures/pareto.pdf", "pareto"),
        "Drawing what accuracy costs",
    ),
    "remedies": (
        "plot_remedies",
        "figures/remedies.pdf",
        ["figures/remedies.csv"],
        ("figures/remedies.pdf", "remedies"),
        "Drawing the gradient flow of all remedies, which are the levels of the factors",
    ),
    "remedies_statistics": (
        "make_remedies_table",
        "tables/remedies_statistics.csv",
        [f"tables/remedies_statistics.{suffix}" for suffix in ("csv", "tex", "txt")],
        ("tables/remedies_statistics.html", "remedies-table"),
        "Comparing all remedies",
    ),
}


def of_factors(study, patterns):
    """The files of a study by these patterns."""
    return list(
        dict.fromkeys(
            f"results/{study}/{pattern.format(factor=factor)}" for pattern in patterns for factor in ABLATIONS[study]
        )
    )


def shown_of_factors(study, pattern, caption):
    """The files of one pattern, shown in the HTML report: for each factor, or once for all cells."""
    if "{factor}" not in pattern:
        return [in_report(f"results/{study}/{pattern}", caption)]
    return [
        in_report(f"results/{study}/{pattern.format(factor=factor)}", caption, levels, subject=factor)
        for factor, levels in ABLATIONS[study].items()
    ]


for study in ABLATIONS:
    for part, (command, out, files, shown, words) in PARTS.items():

        rule:
            name:
                f"{part}_{study}"
            input:
                summary=summary_of(study),
            output:
                of_factors(study, files),
                shown=shown_of_factors(study, *shown),
            log:
                f"results/logs/{study}/{part}.log",
            localrule: True
            conda:
                "../envs/figures.yaml"
            params:
                command=command,
                study=study,
                design=design(study, "base", "ablations"),
                out=out,
                code=digest(command),
            message:
                f"{words} ({study})"
            shell:
                "python -P -m workflow_scripts.{params.command} --summary results/{params.study}/summary"
                " --study {params.design:q} --out results/{params.study}/{params.out} 2> {log}"

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
                titles=titles([dataset]),
                code=digest("plot_samples"),
            message:
                f"Drawing images of {dataset}"
            shell:
                "python -P -m workflow_scripts.plot_samples --data {input} --normalize {params.normalize}"
                " --batch-size {params.batch_size} {params.titles:q} --out {output.pdf} 2> {log}"


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
