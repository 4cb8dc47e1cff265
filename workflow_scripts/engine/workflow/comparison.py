"""The figures of every study that compares a shallow network with a deep one: what draws them, and what they show."""

from dataclasses import dataclass

from workflow_scripts.engine.workflow import flags


@dataclass(frozen=True)
class Figure:
    """A figure of networks, which are the values of `roles` in the study's `compare` and, with `best`, its best one.

    `without` names the keys by which no cell is left out. With `external`, runs made elsewhere are drawn too.
    `caption` and `subject` are what the HTML report says of it.
    """

    command: str
    caption: str
    subject: str = ""
    roles: tuple = ()
    best: bool = False
    without: tuple = ()
    external: bool = False


FIGURES = {
    "curves_problem": Figure(
        "plot_curves", "curves", "the shallow and the deep network", roles=("shallow", "deep"), external=True
    ),
    "grad_flow_shallow": Figure("plot_grad_flow", "grad-flow", "the shallow network", roles=("shallow",)),
    "grad_flow_deep": Figure("plot_grad_flow", "grad-flow", "the deep network", roles=("deep",)),
    "curves_best": Figure(
        "plot_curves", "curves", "the deep network and the best of all", roles=("deep",), best=True, external=True
    ),
    "grad_flow_best": Figure("plot_grad_flow", "grad-flow", "the best network", best=True),
    "gradient_heatmap": Figure("plot_gradient_heatmap", "gradient-heatmap", roles=("deep",), without=("block",)),
}


def command_flags(figure, compare, external):
    """The flags of the command that draws a `Figure`; `external` names the runs made elsewhere that join the study."""
    words = [flags.select(getattr(compare, role), figure.without) for role in figure.roles]
    words += ["--best"] * figure.best
    words += [f"--external {name}" for name in external if figure.external]
    return " ".join(words)


def shown(figure, plan, study):
    """Names of the cells of a study that a `Figure` shows; "best" stands for the one that turns out to be so."""
    # a block that was not trained at the rate of the deep network is shown at its best one
    without = (*figure.without, "lr") if figure.without else ()
    compare = plan.compared[study]
    names = [name for role in figure.roles for name in plan.selected(study, getattr(compare, role), without)]
    return names + ["best"] * figure.best
