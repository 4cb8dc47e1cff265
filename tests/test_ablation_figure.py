"""How a figure of an ablation is laid out and coloured."""

import pandas as pd
import pytest

from tests.made_ablations import accuracy
from tests.made_cells import write_study
from workflow_scripts.engine.ablation import ablation_figure, ablations
from workflow_scripts.engine.configuration import grids
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.tables import labels

LEVELS = [{"optimizer": "nesterov", "lr": 0.05, "weight_decay": 0.0005}, {"optimizer": ["adam", "own_adam"]}]
OPTIMISERS = Study(
    base={"model": "vgg08", "optimizer": "muon", "lr": 0.01, "weight_decay": 0.05, "seed": [0, 1]},
    ablations={"optimizer": LEVELS},
)


def drawn(folder, study):
    found = ablations.load(folder)
    rows = ablations.rows(found, study)
    return ablation_figure.draw(ablation_figure.drawn(found, rows), rows)


@pytest.fixture
def optimisers(tmp_path):
    """The figure of the demo's optimisers, of which both Adams have the same curve and one seed diverged."""
    accuracies = {"muon": (0.98, 0.976667), "nesterov": (0.8, 1.0), "adam": (0.98, 0.983333)}
    lost = [name for name, cell in grids.expand("made", OPTIMISERS).items() if cell.optimizer == "muon" and cell.seed]
    folder = write_study(
        tmp_path, OPTIMISERS, lambda cell: accuracies[cell.optimizer.removeprefix("own_")][cell.seed], diverged=lost
    )
    return drawn(folder, OPTIMISERS)


def test_no_label_sticks_out_of_a_figure(optimisers):
    """The narrow axes next to long names end just before a tick; the legend has all its entries."""
    with style.look():
        optimisers.draw_without_rendering()
        boxes = [axes.get_tightbbox() for axes in optimisers.axes]
        boxes += [legend.get_window_extent() for legend in optimisers.legends]
    assert all(box.x0 >= 0 and box.x1 <= optimisers.bbox.x1 for box in boxes)
    assert len(optimisers.legends[0].texts) == 5


def test_a_name_leaves_its_panel_most_of_the_width(optimisers):
    above, _ = optimisers.axes
    assert "SGD, Nesterov,\nlr 0.05, wd 0.0005" in [label.get_text() for label in above.get_yticklabels()]
    optimisers.draw_without_rendering()
    assert above.get_position().width > 0.6


def test_no_accuracy_passes_100_percent(optimisers):
    above, below = optimisers.axes
    assert above.get_xlim()[1] < 1.02 and below.get_ylim()[1] < 1.02
    assert max(line.get_xdata()[-1] for line in above.lines if len(line.get_xdata())) == 1
    assert max(band.get_datalim(below.transData).y1 for band in below.collections) == 1


def test_a_curve_on_another_is_dashed_in_both_panels(optimisers):
    above, below = optimisers.axes
    curves = {line.get_color(): line for line in below.lines if len(line.get_xdata()) > 1}
    under, over = list(curves.values())[-2:]
    assert over.get_ydata().tolist() == under.get_ydata().tolist()
    assert (under.get_linestyle(), over.get_linestyle()) == ("-", "--")
    pieces = [line for line in above.lines if line.get_linewidth() == 1.5]
    assert [piece.get_linestyle() for piece in pieces] == ["-", "-", "-", "--"]


def test_more_levels_than_colours_differ_in_their_lines(tmp_path):
    decays = [round(0.001 * place, 3) for place in range(1, 12)]
    study = Study(base={"model": "vgg08"}, ablations={"many": [{"block": "bn"}, {"l2": decays}]})
    found = ablations.load(write_study(tmp_path, study, accuracy))
    rows = ablations.rows(found, study)
    looks = ablation_figure.looks(rows)
    assert len(set(looks.values())) == len(rows) == 13
    drawn(tmp_path / "summary", study)


def test_a_block_keeps_its_colour_and_lends_it_to_no_other_level():
    """As in the curves, even if it is the base; levels of other factors have colours that no block has."""
    blocks = ["bn_rc", "plain", "rc", "dense"]
    levels = [("dropout 0.1", "bn_rc", False), *((block, block, block == "bn_rc") for block in blocks)]
    looks = ablation_figure.looks(pd.DataFrame(levels, columns=["level", "block", "base"]))
    assert list(looks) == ["dropout 0.1", *blocks]
    assert all(looks[block] == (style.colour(block), "-") for block in blocks)
    assert looks["dropout 0.1"][0] not in map(style.colour, (*blocks, *labels.BRIEF_BLOCKS))
