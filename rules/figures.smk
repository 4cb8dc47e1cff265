# The figures of every study that compares a shallow network with a deep one: cells -> tidy tables -> PDF and CSV.

from workflow_scripts.engine.workflow import comparison

for name, figure in comparison.FIGURES.items():

    rule:
        name:
            f"plot_{name}"
        input:
            summary=summary_of("{study}"),
        output:
            pdf=in_report(
                f"results/{{study}}/figures/{name}.pdf",
                figure.caption,
                functools.partial(comparison.shown, figure, PLAN),
                figure.subject,
            ),
            csv=f"results/{{study}}/figures/{name}.csv",
        log:
            f"results/logs/{{study}}/{name}.log",
        wildcard_constraints:
            study=one_of(PLAN.compared),
        localrule: True
        conda:
            "../envs/figures.yaml"
        params:
            command=figure.command,
            flags=lambda wildcards, figure=figure: comparison.command_flags(
                figure, PLAN.compared[wildcards.study], PLAN.external_runs(wildcards.study)
            ),
            code=digest(figure.command),
        message:
            f"Drawing {name} ({{wildcards.study}})"
        shell:
            "python -P -m workflow_scripts.{params.command} --summary results/{wildcards.study}/summary"
            " {params.flags} --out {output.pdf} 2> {log}"


TARGETS += expand("results/{study}/figures/{figure}.pdf", study=PLAN.compared, figure=comparison.FIGURES)
