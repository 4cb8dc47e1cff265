# The figures of every study that compares a shallow network with a deep one.

from workflow_scripts.engine.workflow import comparison

for name, figure in comparison.FIGURES.items():
    FIGURES[name] = FigureRule(
        command=figure.command,
        studies=PLAN.compared,
        input={"summary": summary_of("{study}")},
        flags=lambda study, figure=figure: (
            f"--summary results/{study}/summary "
            + comparison.command_flags(figure, PLAN.compared[study], PLAN.external_runs(study))
        ),
        caption=figure.caption,
        shows=functools.partial(comparison.shown, figure, PLAN),
        subject=figure.subject,
    )

TARGETS += expand("results/{study}/figures/{figure}.pdf", study=PLAN.compared, figure=comparison.FIGURES)
