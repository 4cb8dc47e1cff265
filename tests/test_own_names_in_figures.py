"""Figures of a user's own blocks, networks and factors, whose long names have no spaces: all can be read."""

import numpy as np
import pandas as pd
import pytest

from tests import made_landscapes
from tests.lettered_figures import data_share, faults
from tests.made_ablations import STUDY, accuracy
from tests.made_cells import write_study
from tests.made_searches import study as searched
from tests.made_summaries import record, write_summary
from workflow_scripts.engine.ablation import ablation_figure, ablations, pareto, remedies_figure
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.figures import curves, grad_flow, lettering, search_figure, style
from workflow_scripts.engine.insight import diagnosis, diagnosis_figure
from workflow_scripts.engine.landscape import figures as landscape_figures
from workflow_scripts.engine.landscape import names as landscape_names
from workflow_scripts.engine.landscape import surface_figures
from workflow_scripts.engine.tables import labels, names, summary

OWN = [  # the first is as long as a cell's name may have it, the last is a single word
    "layerscale_rc_50%_off",
    "learned_scale_skip_init_0_1",
    "learned_scale_skip_init_0_01_without_bias",
    "squeeze_and_excite_rc_reduction_16",
    "a" + "wordthatnothingdivides" * 2,
]
MODEL = "resnet20_mine_without_normalisation"
LEVELS = [labels.block_label(block) for block in OWN]


def summary_of(folder, blocks=OWN, model=MODEL):
    records = [{**record(block, seed), "model": model} for block in ("plain", *blocks) for seed in range(2)]
    return summary.load(write_summary(folder / "summary", records))


def curves_of_two(folder):
    found = summary_of(folder)
    rows = summary.over_seeds(found.cells)[1:3].reset_index(drop=True)
    return curves.draw(curves.learning_curves(found, rows), rows, found.cells["block"])


def heat_map(folder):
    found = summary_of(folder)
    rows = summary.over_seeds(found.cells)
    tables = [summary.gradients_of(found, row) for _, row in rows.iterrows()]
    return grad_flow.draw_heatmap(tables, names.in_study(rows), list(style.colours(rows["block"]).values()))


def flow(folder):
    found = summary_of(folder)
    row = summary.over_seeds(found.cells).iloc[2]
    return grad_flow.draw_epochs(summary.gradients_of(found, row), names.title(row, summary.over_seeds(found.cells)))


def flow_of_long_sections(folder):
    layers = [f"{name}.conv{place}" for name in ("encoder_of_the_first_half", *OWN[:2]) for place in range(9)]
    return grad_flow.draw_flow(layers, np.geomspace(1e-6, 1e-3, len(layers)))


def ablation_rows(folder):
    """(summary, rows) of a study in which the levels of both factors have the names of own blocks."""
    penalties = [{"l2": value} for value in (1e-4, 2e-4, 3e-4, 4e-4, 5e-4)]
    study = Study(
        base=STUDY.base, ablations={"a_factor_with_a_long_name_of_its_own": penalties, "other": penalties[:2]}
    )
    found = ablations.load(write_study(folder, study, accuracy))
    rows = ablations.rows(found, study)
    rows.loc[rows["base"], ["label", "level"]] = "RESNET20-MINE-WITHOUT-NORMALISATION"
    others = rows.index[~rows["base"]]
    for column, values in {"level": LEVELS, "name": LEVELS, "block": OWN}.items():
        rows.loc[others, column] = [values[place % len(values)] for place in range(len(others))]
    return found, rows.assign(value=np.nan)


def ablation(folder):
    found, rows = ablation_rows(folder)
    rows = rows[rows["factor"] != "other"]
    return ablation_figure.draw(ablation_figure.drawn(found, rows), rows)


def remedies(folder):
    return remedies_figure.draw(remedies_figure.flows(*ablation_rows(folder)))


def accuracy_against_costs(folder):
    _, rows = ablation_rows(folder)
    table = rows.assign(seconds=3.0 + np.arange(len(rows)), device="cpu", factor=rows["name"])
    return pareto.draw(table.assign(**{f"front_{cost}": rows.index == 0 for cost in pareto.COSTS}))


def search_over(count):
    def draw(folder):
        blocks, known = ["plain", *OWN][:count], {"rung": 1, "epochs": 1, "status": "finished", "val_acc": 0.5}
        table = pd.DataFrame(
            [{**known, "candidate": place, "block": name, "lr": 0.1} for place, name in enumerate(blocks)]
        )
        space = searched(space={"lr": {"low": 0.01, "high": 0.1, "log": True}}).search.keys
        return search_figure.draw(table.assign(model=MODEL), {"block": blocks, "model": [MODEL, "vgg38"], **space})

    return draw


def surfaces(draw):
    alpha, beta = (grid.ravel() for grid in np.meshgrid([-1, 0, 1], [-1, 0, 1]))
    plane = pd.DataFrame({"kind": "plane", "alpha": alpha, "beta": beta, "loss": np.geomspace(0.1, 3, 9), "acc": 0.5})
    table = pd.concat([plane, plane[:3].assign(kind="line", alpha=[-1, 0, 1])])
    many = [surface_figures.Surface(f"{MODEL.upper()} {level}", (0, 0, 0), table) for level in LEVELS[:4]]
    return lambda folder: draw(many)[0]


def of_landscape(name):
    def draw(folder):
        found = [{**cell, "model": MODEL} for cell in made_landscapes.records()]
        return landscape_figures.FIGURES[name](
            made_landscapes.write_study(folder, found), Study(**made_landscapes.STUDY)
        )[0]

    return draw


def diagnosed(folder, block=OWN[2]):
    layers = pd.DataFrame({"layer": [f"stages.{place // 2}.conv" for place in range(22)], "depth": range(22)})
    layers = layers.assign(**dict.fromkeys(diagnosis_figure.PANELS, 0.1))
    found = diagnosis.Diagnosis(layers, 1.0, 1.0, 1.0, "exploding", "", [])
    return diagnosis_figure.draw(found, Cell().model_copy(update={"model": MODEL, "block": block}))


FIGURES = {
    "curves": curves_of_two,
    "heat map": heat_map,
    "flow": flow,
    "sections": flow_of_long_sections,
    "ablation": ablation,
    "remedies": remedies,
    "pareto": accuracy_against_costs,
    "search, two": search_over(2),
    "search, all": search_over(6),
    "diagnosis": diagnosed,
    "diagnosis, one block": lambda folder: diagnosed(folder, "plain"),
    **{f"surfaces {name}": surfaces(draw) for name, draw in surface_figures.FIGURES.items()},
    **{f"landscape {name}": of_landscape(name) for name in landscape_names.FIGURES},
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_name_sticks_out_or_lies_on_another(tmp_path, name):
    figure = FIGURES[name](tmp_path)
    assert faults(figure) == []
    assert data_share(figure) > 0.4  # less than half only below many lines of names


def test_a_point_that_hundreds_share_is_named_at_once():
    """By the first and the last of them, in about a second; each letter left out by itself, it would take minutes."""
    names = [f"supervision 0.{place}, lr 0.01" for place in range(500)]
    lines = lettering.wrapped("; ".join(names), pareto.NAMED).splitlines()
    assert lines[0].startswith(names[0][:15]) and names[-1].endswith(lines[-1][-7:])
    assert len(lines) == lettering.MOST and max(map(lettering.width_of, lines)) <= pareto.NAMED
