"""What may have been meant by a target that no rule makes, in words for the person who asked for it."""

import difflib
from pathlib import Path

from workflow_scripts.engine.ablation import names as ablation
from workflow_scripts.engine.configuration.cells import FILES
from workflow_scripts.engine.insight import names as insight
from workflow_scripts.engine.landscape import names as landscape
from workflow_scripts.engine.workflow import comparison

BERAS = "the section `beras`"
PROJECT2 = "studies `cifar_net` (`ablations`, `test: chosen`) and `bn_landscape` (`landscape`)"
# final targets: what the configuration must have for them
NEEDED = {
    "report/mlp-cw2.pdf": "a study `cw2` with `compare`",
    "report/mlp-cw2-2020.pdf": "a study `cw2` with `compare`",
    "report/project2.pdf": PROJECT2,
    "submission/project2.zip": PROJECT2,
    "report/beras.pdf": BERAS,
    "report/beras-exploration.pdf": BERAS,
    "submission/hw2.zip": BERAS,
}
# figures: (what a study must have for them, the `Plan`'s name of the studies that have it)
SECTIONS = {
    **dict.fromkeys(comparison.FIGURES, ("compare", "compared")),
    **dict.fromkeys(ablation.FIGURES, ("ablations", "ablations")),
    **dict.fromkeys(landscape.FIGURES, ("landscape", "landscapes")),
    **dict.fromkeys(landscape.SURFACES, ("surface", "surfaces")),
    **dict.fromkeys([*insight.FIGURES, "curves_chosen"], ("test: chosen", "chosen")),
    "search": ("search", "searches"),
}


def from_here(target, here):
    """The target as seen from the folder `here`, if it is the whole path of something in there."""
    return str(Path(target).relative_to(here)) if target.startswith(f"{here}/") else target


def meant(target, plan, known):
    """A sentence on a target that no rule of a `Plan` makes, or None; `known` are names of rules and files."""
    folder, *rest = target.rstrip("/").split("/")
    if folder == "results" and len(rest) > 1:
        return _meant_of(target, plan, known, *rest)
    if rest and f"study_{rest[0]}" in known:
        return f"{target} is a folder; everything of that study is made by the target study_{rest[0]}"
    if target in NEEDED:
        return f"{target} needs {NEEDED[target]}: the configuration lacks that"
    return _nearest(target, known)


def _meant_of(target, plan, known, study, name, *files):
    """The same for a target in results/`study`/`name`."""
    folders = {path.split("/")[1] for path in known if path.startswith("results/")}
    if study not in folders:
        return f"{target}: there is no study {study}; there are {', '.join(plan.studies) or 'none but that of Beras'}"
    if name in plan.studies.get(study, ()):
        made = [f"results/{study}/{name}/{file}" for file in FILES]
        return _nearest(target, made) if files else f"{target}: ask for a file of it, such as {made[0]}"
    if "-seed" in name and study in plan.studies:
        near = difflib.get_close_matches(name, plan.studies[study], cutoff=0)
        return f"{target}: the study {study} has no such cell; the nearest: {', '.join(near)}"
    figure = files[0].partition(".")[0] if name == "figures" and files else None
    if figure in SECTIONS and study in plan.studies:
        section, having = SECTIONS[figure]
        if study not in getattr(plan, having):
            return f"{target}: the study {study} has no `{section}`, which that figure needs"
    return _nearest(target, known)


def _nearest(target, known):
    near = difflib.get_close_matches(target, known)
    return f"nothing is called {target}; the nearest: {', '.join(near)}" if near else None
