# The figures of every study that compares a shallow network with a deep one: cells -> tidy tables -> PDF and CSV.


def select(selection, without=(), flag="--select"):
    """The flag that selects the cells of a `record.Selection`, by its keys except those in `without`."""
    values = grids.selected(selection, without).items()
    return " ".join([flag, *(f"{key}={'null' if value is None else value}" for key, value in values)])


def selected(study, selection, without=()):
    """Names of the cells of a study that a `record.Selection` selects, by its keys except those in `without`."""
    return [name for name, cell in STUDIES[study].items() if grids.selects(selection, cell, without)]


def shallow(study):
    """The selection of the shallow network of a study."""
    return COMPARED[study].shallow


def deep(study):
    """The selection of the deep network of a study."""
    return COMPARED[study].deep


# figure: (command, its flags, its caption, the cells that it shows, what they are); functions of a study
FIGURES = {
    "curves_problem": (
        "plot_curves",
        lambda study: f"{select(shallow(study))} {select(deep(study))}{external_names(study)}",
        "curves",
        lambda study: selected(study, shallow(study)) + selected(study, deep(study)),
        "the shallow and the deep network",
    ),
    "grad_flow_shallow": (
        "plot_grad_flow",
        lambda study: select(shallow(study)),
        "grad-flow",
        lambda study: selected(study, shallow(study)),
        "the shallow network",
    ),
    "grad_flow_deep": (
        "plot_grad_flow",
        lambda study: select(deep(study)),
        "grad-flow",
        lambda study: selected(study, deep(study)),
        "the deep network",
    ),
    "curves_best": (
        "plot_curves",
        lambda study: f"{select(deep(study))} --best{external_names(study)}",
        "curves",
        lambda study: [*selected(study, deep(study)), "best"],
        "the deep network and the best of all",
    ),
    "grad_flow_best": (
        "plot_grad_flow",
        lambda study: "--best",
        "grad-flow",
        lambda study: ["best"],
        "the best network",
    ),
    "gradient_heatmap": (
        "plot_gradient_heatmap",
        lambda study: select(deep(study), without=["block"]),
        "gradient-heatmap",
        lambda study: selected(study, deep(study), without=["block", "lr"]),
        "",
    ),
}

for figure, (command, flags, caption, shown, subject) in FIGURES.items():

    rule:
        name:
            f"plot_{figure}"
        input:
            summary=summary_of("{study}"),
        output:
            pdf=in_report(f"results/{{study}}/figures/{figure}.pdf", caption, shown, subject, COMPARED),
            csv=f"results/{{study}}/figures/{figure}.csv",
        log:
            f"results/logs/{{study}}/{figure}.log",
        wildcard_constraints:
            study=one_of(COMPARED),
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            command=command,
            flags=lambda wildcards, flags=flags: flags(wildcards.study),
            code=digest(command),
        message:
            f"Drawing {figure} ({{wildcards.study}})"
        shell:
            "python -P -m workflow_scripts.{params.command} --summary results/{wildcards.study}/summary"
            " {params.flags} --out {output.pdf} 2> {log}"
