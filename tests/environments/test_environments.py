"""The conda environments: pinned exactly, consistent with the lock file, minimal, and readable by Snakemake.

No real conda channel is contacted: packages come from one on disk (`channel.py`), through a conda built on rattler
(`conda.py`). That conda-forge has exactly these versions is not tested here.
"""

import ast
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import rattler
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as canonical

from tests.conftest import ROOT
from tests.environments import channel, conda
from tests.workflow_runs import TINY, snakemake, write_config
from workflow_scripts.engine import code
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.machine import environments

ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
PYTHON = "3.12.11"
LOCK = re.findall(r"^([a-z0-9._-]+==[^\\\n]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)

# What an environment has besides what its commands import.
BESIDE = {
    "notebook": {"ipykernel"},  # runs the notebook
}
# What commands import without naming it: a notebook, and modules that register themselves.
UNNAMED = {
    "export_notebook": [ROOT / "notebooks/beras_exploration.py"],
    "fetch_data": sorted((ROOT / "workflow_scripts/engine/sources").glob("*.py")),
}


def locked():
    """{package of PyPI: version} of the lock file, for the Python of the environments."""
    where = {"python_version": PYTHON.rpartition(".")[0], "python_full_version": PYTHON}
    found = [Requirement(line) for line in LOCK]
    chosen = [each for each in found if each.marker is None or each.marker.evaluate(where)]
    return {each.name: str(each.specifier).removeprefix("==") for each in chosen}


def pins(path):
    """{package of PyPI: version} of an environment, as conda's own grammar reads it."""
    specs = [rattler.MatchSpec(spec, strict=True) for spec in yaml.safe_load(path.read_text())["dependencies"]]
    assert all(str(spec.version).startswith("==") for spec in specs), "expected exact versions"
    names = [environments.PYPI_NAMES.get(spec.name.normalized, spec.name.normalized) for spec in specs]
    return {name: str(spec.version).removeprefix("==") for name, spec in zip(names, specs, strict=True)}


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_every_pin_is_exact_and_that_of_the_lock_file(path):
    found, versions = pins(path), locked()
    assert found.pop("python") == PYTHON
    assert found == {name: versions[name] for name in found}


def families():
    """{environment: commands} over all rules."""
    found = {}
    for path in (ROOT / "rules").glob("*.smk"):
        text = path.read_text()
        conda, shell = re.findall(r"^ *conda:", text, re.MULTILINE), re.findall(r"^ *shell:", text, re.MULTILINE)
        assert len(conda) == len(shell), path
        for name, command in re.findall(r'"\.\./envs/(\w+)\.yaml".*?workflow_scripts\.([\w{.}]+)', text, re.DOTALL):
            tabled = re.findall(r'(?<!digest\()"((?:plot|make)_\w+)",', text)  # if a table names the command
            named = {command} if "{" not in command else set(tabled)
            found[name] = found.get(name, set()) | named
    return found


FAMILIES = families()


def test_every_environment_is_used():
    assert set(FAMILIES) == {path.stem for path in ENVIRONMENTS}


def imports(path, module=None):
    """Names of the modules that a source file imports, including inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = code._absolute(module, node) if module else node.module
            yield from (f"{parent}.{alias.name}" for alias in node.names)


def reached(commands):
    """Third-party top-level packages that the commands import, directly or through modules of the project."""
    todo = [(code._path(f"workflow_scripts.{command}"), f"workflow_scripts.{command}") for command in commands]
    todo += [(path, None) for command in commands for path in UNNAMED.get(command, [])]
    seen, found = set(), set()
    while todo:
        path, module = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imports(path, module):
            own = next((each for each in (name, name.rpartition(".")[0]) if code._path(each)), None)
            if own:
                todo.append((code._path(own), own))
            else:
                found.add(name.partition(".")[0])
    return found


@pytest.mark.parametrize("name", FAMILIES)
def test_an_environment_has_no_package_that_its_commands_do_not_import(name):
    packages = metadata.packages_distributions()
    used = {canonical(each) for module in reached(FAMILIES[name]) for each in packages.get(module, [])}
    assert set(pins(ROOT / f"envs/{name}.yaml")) - {"python"} - BESIDE.get(name, set()) - used == set()


ONLY = """
import importlib, sys
allowed, commands = sys.argv[1].split(","), sys.argv[2].split(",")
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in allowed:
            raise ModuleNotFoundError(f"not in this environment: {name}", name=name)
sys.meta_path.insert(0, Refuse())
for command in commands:
    importlib.import_module("workflow_scripts." + command)
"""


def needed(names):
    """The distributions `names` and everything they require."""
    found, todo = set(), list(names)
    while todo:
        name = canonical(todo.pop())
        if name in found:
            continue
        found.add(name)
        requirements = [Requirement(line) for line in metadata.requires(name) or []]
        here = [each.name for each in requirements if not each.marker or each.marker.evaluate({"extra": ""})]
        todo += [each for each in here if canonical(each) in INSTALLED]
    return found


INSTALLED = {canonical(each.metadata["Name"]) for each in metadata.distributions()}


@pytest.mark.parametrize("name", FAMILIES)
def test_an_environment_has_all_that_its_commands_import(name):
    """Each command is imported with only the packages of its environment, and what these require, available."""
    allowed = needed(pins(ROOT / f"envs/{name}.yaml").keys() - {"python"})
    packages = metadata.packages_distributions().items()
    refused = [module for module, owners in packages if not {canonical(each) for each in owners} & allowed]
    command = [sys.executable, "-c", ONLY, ",".join(refused), ",".join(sorted(FAMILIES[name]))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_lock_file_has_hashes_and_no_index():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    names = [line.partition("==")[0] for line in LOCK]
    assert all(re.search(rf"^{re.escape(name)}==.*\\\n +--hash=sha256:", text, re.MULTILINE) for name in names)


LOOSE = {
    "no version": ("tqdm", "'tqdm' is not an exact version; expected tqdm=={tqdm}, as in requirements.lock"),
    "a range": ("pytorch>=2.5", "'pytorch>=2.5' is not an exact version; expected pytorch=={torch}, as in"),
    "a beginning of one": ("numpy=2.4", "'numpy=2.4' is not an exact version; expected numpy=={numpy}, as in"),
    "a pattern": ("numpy==2.*", "'numpy==2.*' is not an exact version; expected numpy=={numpy}, as in"),
    "a version for each Python": ("scipy", "'scipy' is not an exact version; expected scipy=={scipy}, as in"),
    "one of pip's": ({"pip": ["tqdm~=4.0"]}, "'tqdm~=4.0' is not an exact version; expected tqdm=={tqdm}, as in"),
    "an unknown package": ("mine", "'mine' is not an exact version; expected mine==<version>"),
    "no list": (None, "expected lists `channels` and `dependencies`, cannot read them"),
}


@pytest.mark.parametrize(("spec", "message"), LOOSE.values(), ids=LOOSE)
def test_an_environment_that_leaves_a_version_open(tmp_path, spec, message):
    content = {"channels": ["conda-forge"], "dependencies": ["python==3.12.11", spec] if spec else None}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(UserError) as error:
        environments.check(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'mine.yaml'}: ")
    assert message.format(**locked()) in str(error.value) and "\n" not in str(error.value)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the workflow that a test may edit."""
    folder = tmp_path_factory.mktemp("project")
    for part in ("envs", "models", "profiles", "report", "rules", "workflow_scripts"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.pdf"))
    for part in ("Snakefile", "config.yaml", "requirements.lock"):
        shutil.copy(ROOT / part, folder)
    return folder


def test_the_workflow_refuses_an_environment_that_leaves_a_version_open(project, tmp_path):
    write_config(tmp_path, TINY)
    path = project / "envs/train.yaml"
    whole = path.read_text()
    try:
        path.write_text(re.sub("numpy==.*", "numpy", whole))
        status, said = snakemake(tmp_path, "-n", project=project, check=False)
    finally:
        path.write_text(whole)
    assert status == 1 and "Traceback" not in said
    assert f"error: {path}: 'numpy' is not an exact version; expected numpy=={locked()['numpy']}" in said


on_linux = pytest.mark.skipif(platform.machine() != "x86_64", reason="the channel on disk is of linux-64")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A channel on disk with everything that the environments name."""
    specs = {spec for path in ENVIRONMENTS for spec in environments.read(path)[1]}
    return channel.make(tmp_path_factory.mktemp("channel"), sorted(specs))


@on_linux
def test_snakemake_installs_from_the_pin_file(project, address, tmp_path, monkeypatch):
    """`make pins` against the channel on disk; then a rule runs in the environment Snakemake makes from the file."""
    write_config(tmp_path, TINY)
    environment = project / "envs/data.yaml"
    pin_file = environments.pin(environment, "linux-64", [address])
    lines = pin_file.read_text().splitlines()
    assert pin_file.name == "data.linux-64.pin.txt" and lines[:2] == ["# platform: linux-64", "@EXPLICIT"]
    archives = [line.rpartition("/")[2].partition("-0.tar.bz2#")[0] for line in lines[2:]]
    assert sorted(archives) == sorted(spec.replace("==", "-") for spec in environments.read(environment)[1])
    assert archives[0] == f"python-{PYTHON}"  # the others depend on it

    monkeypatch.setenv("PATH", str(conda.install(tmp_path / "conda")), prepend=os.pathsep)
    try:
        _, said = snakemake(tmp_path, "--sdm", "conda", "--", "results/data/digits.npz", project=project)
    finally:
        pin_file.unlink()
    assert f"Using pinnings from {project}/rules/../envs/{pin_file.name}" in said
    (made,) = (tmp_path / ".snakemake/conda").glob("*/conda-meta/python-*.json")
    assert json.loads(made.read_text())["version"] == PYTHON
    assert "workflow_scripts.fetch_data --name digits" in (made.parents[1] / "ran").read_text()


@on_linux
def test_a_channel_without_these_versions(project, address, refused, tmp_path):
    (tmp_path / "mine.yaml").write_text("channels: [conda-forge]\ndependencies: [numpy==1.0]\n")
    message = refused("pin_environments", tmp_path / "mine.yaml", "--channel", address)
    assert f"mine.yaml: cannot be solved with {address}" in message and "numpy ==1.0" in message
    message = refused("pin_environments", tmp_path / "mine.yaml", "--channel", (tmp_path / "none").as_uri())
    assert "cannot be solved with" in message and "No such file" in message
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


@on_linux
def test_containerize_gives_a_dockerfile(tmp_path, monkeypatch):
    """Every instruction exists in Docker, what is copied exists, and every environment is made from its file."""
    monkeypatch.setenv("PATH", str(conda.install(tmp_path / "conda")), prepend=os.pathsep)
    command = [sys.executable, "-m", "snakemake", "--containerize"]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = [line for line in re.sub(r"\\\n", "", text).splitlines() if line.strip() and not line.startswith("#")]
    instructions = [line.split(maxsplit=1) for line in lines]
    assert {keyword for keyword, _ in instructions} == {"FROM", "LABEL", "RUN", "COPY"}
    assert instructions[0] == ["FROM", "condaforge/miniforge3:latest"]
    copied = dict(shlex.split(words) for keyword, words in instructions if keyword == "COPY")
    assert sorted(copied) == [str(path.relative_to(ROOT)) for path in ENVIRONMENTS]
    made = [folder for keyword, words in instructions for folder in re.findall(r"^mkdir -p (\S+)$", words)]
    assert [str(Path(target).parent) for target in copied.values()] == made
    (creation,) = [words for keyword, words in instructions if keyword == "RUN" and "conda env create" in words]
    parts = [shlex.split(part) for part in creation.split("&&")]
    expected = [
        ["conda", "env", "create", "--prefix", folder, "--file", f"{folder}/environment.yaml"] for folder in made
    ]
    assert parts == [*expected, ["conda", "clean", "--all", "-y"]]
