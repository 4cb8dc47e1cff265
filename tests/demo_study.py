"""The study cw2 of profiles/demo, unchanged, which the cluster and chaos tests run."""

import yaml

from tests.conftest import ROOT


def config(**changes):
    """A configuration with only this study, in which these keys replace those of its grids."""
    demo = yaml.safe_load((ROOT / "profiles/demo/study.yaml").read_text())
    compare = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"]["cw2"]["compare"]
    grids = [{**grid, **changes} for grid in demo["studies"]["cw2"]["grids"]]
    study = {**demo["studies"]["cw2"], "grids": grids, "compare": compare}
    return {"datasets": {"digits": demo["datasets"]["digits"]}, "studies": {"cw2": study}, "beras": None}
