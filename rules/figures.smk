# The figures of every study that compares a shallow network with a deep one: cells -> tidy tables -> PDF and CSV.


def select(selection, without=(), flag="--select"):
    """The flag that selects the cells of a `record.Selection`, by its keys except those in `without`."""
    values = grids.selected(selection, without).items()
    return " ".join([flag, *(f"{key}={'null' if value is None else value}" for key, value in values)])


# figure: (command, its flags for the study's `compare`, the arguments of `in_report` for it)
FIGURES = {
    "curves_problem": (
        "plot_curves",
        lambda compare: f"{select(compare.shallow)} {select(compare.deep)}",
        lambda study, compare: (
            "curves",
            selected_cells(study, compare.shallow) + selected_cells(study, compare.deep),
            "the shallow and the deep network",
        ),
    ),
    "grad_flow_shallow": (
        "plot_grad_flow",
        lambda compare: select(compare.shallow),
        lambda study, compare: ("grad-flow", selected_cells(study, compare.shallow), "the shallow network"),
    ),
    "grad_flow_deep": (
        "plot_grad_flow",
        lambda compare: select(compare.deep),
        lambda study, compare: ("grad-flow", selected_cells(study, compare.deep), "the deep network"),
    ),
    "curves_best": (
        "plot_curves",
        lambda compare: f"{select(compare.deep)} --best",
        lambda study, compare: (
            "curves",
            [*selected_cells(study, compare.deep), "best"],
            "the deep network and the best of all",
        ),
    ),
    "grad_flow_best": (
        "plot_grad_flow",
        lambda compare: "--best",
        lambda study, compare: ("grad-flow", ["best"], "the best network"),
    ),
    "gradient_heatmap": (
        "plot_gradient_heatmap",
        lambda compare: select(compare.deep, without=["block"]),
        lambda study, compare: ("gradient-heatmap", selected_cells(study, compare.deep, without=["block", "lr"])),
    ),
}

for study, compare in COMPARED.items():
    for figure, (command, flags, shown_as) in FIGURES.items():

        rule:
            name:
                f"{figure}_{study}"
            input:
                summary=summary_of(study),
            output:
                pdf=in_report(f"results/{study}/figures/{figure}.pdf", *shown_as(study, compare)),
                csv=f"results/{study}/figures/{figure}.csv",
            log:
                f"results/logs/{study}/{figure}.log",
            localrule: True
            conda:
                "../envs/figures.yaml"
            params:
                command=command,
                study=study,
                flags=flags(compare) + external_names(command, study),
                code=digest(command),
            message:
                f"Drawing {figure} ({study})"
            shell:
                "python -P -m workflow_scripts.{params.command} --summary results/{params.study}/summary"
                " {params.flags} --out {output.pdf} 2> {log}"
