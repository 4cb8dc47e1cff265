"""The profiles: their keys are options of Snakemake or the plugin that they name, and refer to what exists."""

import re

import pytest
import yaml
from snakemake.cli import get_argument_parser

from tests.conftest import ROOT
from tests.workflow_runs import TINY, dry_run, snakemake, write_config

PROFILES = sorted(path.parent.name for path in ROOT.glob("profiles/*/config.yaml"))
ELSEWHERE = {  # options of plugins that are not installed here (taken from versions 0.5.1 and 1.1.4)
    "kubernetes": {"storage-gcs-project"},
}


def profile(name):
    return yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text())


@pytest.mark.parametrize("name", PROFILES)
def test_every_key_is_an_option(name):
    known = {option.removeprefix("--") for action in get_argument_parser()._actions for option in action.option_strings}
    text = (ROOT / f"profiles/{name}/config.yaml").read_text()
    optional = set(re.findall(r"^# ([a-z-]+): ", text, re.MULTILINE))  # commented-out keys, for users to enable
    prefixes = ("kubernetes-", *ELSEWHERE.get(name, ()))
    assert {key for key in {*profile(name), *optional} - known if not key.startswith(prefixes)} == set()


@pytest.mark.parametrize("name", PROFILES)
def test_rules_that_a_profile_names_are_there(name):
    rules = set(
        re.findall(r"^rule (\w+):", "\n".join(path.read_text() for path in ROOT.glob("rules/*.smk")), re.MULTILINE)
    )
    arrays = re.split(r"[,;\s]+", profile(name).get("slurm-array-jobs", ""))
    assert {*profile(name).get("set-resources", {}), *filter(None, arrays)} <= rules


@pytest.mark.parametrize("name", ["slurm", "kubernetes"])
def test_jobs_that_are_tried_again_ask_for_more_memory(name):
    asked = profile(name)
    assert asked["retries"] >= 1 and "attempt" in asked["default-resources"]["mem_mb"]
    assert all("attempt" in resources["mem_mb"] for resources in asked.get("set-resources", {}).values())


def test_only_what_starts_anew_asks_slurm_for_more_time():
    """A training continues where it was, and four times its hours may be more than a partition allows."""
    asked = profile("slurm")
    assert "attempt" in asked["default-resources"]["runtime"]
    assert all(isinstance(resources["runtime"], int) for resources in asked["set-resources"].values())


def test_the_link_of_the_kubernetes_profile_leads_to_its_bucket():
    asked = profile("kubernetes")
    copy = f".snakemake/storage/gcs/{asked['default-storage-prefix'].removeprefix('gcs://')}/results"
    assert asked["precommand"] == f"mkdir -p {copy} && ln -sfn {copy} results"


def test_a_machine_with_gpus_needs_no_flags(tmp_path, monkeypatch):
    """Even without --resources there is a limit; asking for more GPUs than exist is refused."""
    write_config(tmp_path, TINY)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert "5 to train" in dry_run(tmp_path)
    status, said = snakemake(tmp_path, "-n", "--resources", "gpu=3", check=False)
    assert status == 1 and "--resources gpu=3: expected at most 2, the GPUs that this machine has" in said
