"""The study cw2 of profiles/demo, as it is: what the tests of clusters and of chaos run."""

import yaml

from tests.conftest import ROOT


def config(seeds=None):
    """A configuration with this study alone, and of its seeds with these alone."""
    demo = yaml.safe_load((ROOT / "profiles/demo/study.yaml").read_text())
    compare = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"]["cw2"]["compare"]
    grids = [{**grid, "seed": seeds or grid["seed"]} for grid in demo["studies"]["cw2"]["grids"]]
    study = {**demo["studies"]["cw2"], "grids": grids, "compare": compare}
    return {"datasets": {"digits": demo["datasets"]["digits"]}, "studies": {"cw2": study}, "beras": None}
