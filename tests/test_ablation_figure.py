"""How a figure of an ablation is laid out and coloured."""

import pandas as pd

from tests.made_ablations import accuracy
from tests.made_cells import write_study
from workflow_scripts.engine.ablation import ablation_figure, ablations
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.figures import style
from workflow_scripts.engine.tables import labels


def test_no_label_sticks_out_of_a_figure(tmp_path):
    """The narrow axes next to long names end just before a tick, in the demo's optimisers at 98.5 %."""
    levels = [{"optimizer": "nesterov", "lr": 0.05, "weight_decay": 0.0005}, {"optimizer": ["adam", "own_adam"]}]
    study = Study(
        base={"model": "vgg08", "optimizer": "muon", "lr": 0.01, "weight_decay": 0.05, "seed": [0, 1]},
        ablations={"optimizer": levels},
    )
    accuracies = {"muon": (0.98, 0.976667), "nesterov": (0.976667, 0.963333)}
    folder = write_study(tmp_path, study, lambda cell: accuracies.get(cell.optimizer, (0.98, 0.983333))[cell.seed])
    found = ablations.load(folder)
    rows = ablations.rows(found, study)
    figure = ablation_figure.draw(ablation_figure.drawn(found, rows), rows)
    with style.look():
        figure.draw_without_rendering()
        assert all(axes.get_tightbbox().x1 <= figure.bbox.x1 for axes in figure.axes)


def test_more_levels_than_colours_differ_in_their_lines(tmp_path):
    decays = [round(0.001 * place, 3) for place in range(1, 12)]
    study = Study(base={"model": "vgg08"}, ablations={"many": [{"block": "bn"}, {"l2": decays}]})
    found = ablations.load(write_study(tmp_path, study, accuracy))
    rows = ablations.rows(found, study)
    looks = ablation_figure.looks(rows)
    assert len(set(looks.values())) == len(rows) == 13
    ablation_figure.draw(ablation_figure.drawn(found, rows), rows)


def test_a_block_keeps_its_colour_and_lends_it_to_no_other_level():
    """As in the curves, even if it is the base; levels of other factors have colours that no block has."""
    blocks = ["bn_rc", "plain", "rc", "dense"]
    levels = [("dropout 0.1", "bn_rc", False), *((block, block, block == "bn_rc") for block in blocks)]
    looks = ablation_figure.looks(pd.DataFrame(levels, columns=["level", "block", "base"]))
    assert list(looks) == ["dropout 0.1", *blocks]
    assert all(looks[block] == (style.colour(block), "-") for block in blocks)
    assert looks["dropout 0.1"][0] not in map(style.colour, (*blocks, *labels.BRIEF_BLOCKS))
