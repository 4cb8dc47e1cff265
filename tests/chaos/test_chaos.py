"""The short chaos test: the main disturbances, on a study of one small cell and one figure.

The long one is run by hand: `python -m tests.chaos.long`.
"""

import copy

import pytest

from tests.chaos import disturb, rounds

CONFIG = {
    "datasets": {"digits": {"source": "digits", "image_size": 8}},
    "studies": {
        "cw2": {
            "base": {"model": "vgg08", "dataset": "digits", "width": 0.25, "augmentation": "none", "epochs": 10},
            "grids": [{"block": "bn_rc"}],
            "compare": {"shallow": {"block": "bn_rc"}, "deep": {"block": "bn_rc"}},
        }
    },
    "beras": None,
}
OTHER = copy.deepcopy(CONFIG)
OTHER["studies"]["cw2"]["grids"][0]["seed"] = [0, 1]
ALL = disturb.DISTURBANCES
DISTURBED = {
    "Snakemake killed": ALL["SIGKILL to Snakemake"],
    "a disk full": ALL["the disk full"],
    "results read-only": ALL["results/ read-only"],
    "a checkpoint damaged": ALL["a checkpoint with a flipped bit"],
    "two Snakemakes and an edit": disturb.meanwhile(*disturb.MEANWHILE),
}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Rounds with the small study."""
    return rounds.Rounds(tmp_path_factory.mktemp("chaos"), CONFIG, OTHER, "cell, figure")


@pytest.mark.parametrize("disturbance", DISTURBED.values(), ids=DISTURBED)
def test_the_next_run_ends_with_the_same_bits(played, disturbance):
    verdict, why = played.play(disturbance, "cell, figure", seed=0)
    if verdict == rounds.SKIPPED:
        pytest.skip(why)
    assert verdict == rounds.SAME, why
