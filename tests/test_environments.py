"""The pins of envs/*.yaml are those of the lock file, and the lock file names no index."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"pytorch": "torch", "pypandoc": "pypandoc-binary"}
LOCKED = dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_every_pin_is_exact_and_that_of_the_lock_file(path):
    pins = dict(pin.split("=") for pin in yaml.safe_load(path.read_text())["dependencies"])
    assert re.fullmatch(r"3\.\d+", pins.pop("python"))
    assert pins == {name: LOCKED[CONDA_NAMES.get(name, name)] for name in pins}


def test_every_rule_has_an_environment_that_exists():
    named = set()
    for path in (ROOT / "rules").glob("*.smk"):
        text = path.read_text()
        assert len(re.findall(r"^ *shell:", text, re.MULTILINE)) == len(re.findall(r"^ *conda:", text, re.MULTILINE)), (
            path
        )
        named |= set(re.findall(r'"\.\./envs/(\w+)\.yaml"', text))
    assert named == {path.stem for path in ENVIRONMENTS}


def test_the_lock_file_has_hashes_and_no_index():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert all(re.search(rf"^{re.escape(name)}==.*\\\n +--hash=sha256:", text, re.MULTILINE) for name in LOCKED)
