"""The study cw2 of profiles/demo, as it is: what the tests of clusters and of chaos run."""

import yaml

from tests.conftest import ROOT


def config(**changes):
    """A configuration with this study alone, whose grids have these keys in the place of their own."""
    demo = yaml.safe_load((ROOT / "profiles/demo/study.yaml").read_text())
    compare = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"]["cw2"]["compare"]
    grids = [{**grid, **changes} for grid in demo["studies"]["cw2"]["grids"]]
    study = {**demo["studies"]["cw2"], "grids": grids, "compare": compare}
    return {"datasets": {"digits": demo["datasets"]["digits"]}, "studies": {"cw2": study}, "beras": None}
