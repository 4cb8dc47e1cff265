"""The study cw2 of profiles/demo, as it is: what the tests of clusters and of chaos run."""

import yaml

from tests.conftest import ROOT


def config():
    """A configuration with this study alone."""
    demo = yaml.safe_load((ROOT / "profiles/demo/study.yaml").read_text())
    compare = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"]["cw2"]["compare"]
    study = {**demo["studies"]["cw2"], "compare": compare}
    return {"datasets": {"digits": demo["datasets"]["digits"]}, "studies": {"cw2": study}, "beras": None}
