"""The house has three floors, the engine has rooms on steps between them, and an import may only go down."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGINE = "workflow_scripts.engine"
# The rooms of the engine from the bottom up; those on one step do not know each other.
STEPS = (
    {"commands", "locks", "packing"},  # top-level files, for all rooms
    {"code", "whole_files"},
    {"data", "configuration"},
    {"sources", "text", "training", "machine"},
    {"runs"},
    {"tables"},
    {"figures"},
    {"ablation", "insight", "landscape", "course"},
    {"reports"},
    {"beras"},
    {"workflow"},
)
FILES = [path for folder in ("models", "workflow_scripts") for path in sorted((ROOT / folder).rglob("*.py"))]


def floor(dotted):
    """0: outside the house, 1: models, 2: the engine, 3: the commands."""
    if dotted.startswith("models"):
        return 1
    if dotted.startswith("workflow_scripts.engine"):
        return 2
    return 3 if dotted.startswith("workflow_scripts") else 0


def room(dotted):
    """The room of the engine that a module is in; None outside the engine."""
    name = dotted.removeprefix(f"{ENGINE}.").split(".")[0]
    return name if dotted.startswith(f"{ENGINE}.") else None


def step(name):
    (found,) = (height for height, rooms in enumerate(STEPS) if name in rooms)
    return found


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for target in imported(path):
        assert floor(target) <= floor(name), f"{name} imports {target}"
        if room(name) and room(target) and room(name) != room(target):
            assert step(room(target)) < step(room(name)), f"{name} imports {target}"
        assert not target.startswith("snakemake"), f"{name} knows of Snakemake"
        if floor(name) == 3 and floor(target) == 3:
            pytest.fail(f"{name} imports {target}: commands stand side by side")
        if name.startswith("models.Beras"):
            assert target.split(".")[0] in {"numpy", *sys.stdlib_module_names}, f"{name} imports {target}"


@pytest.mark.parametrize("path", sorted(ROOT.glob("tests/**/*.py")), ids=lambda path: path.name)
def test_no_test_imports_another(path):
    # what two of them need belongs in a file without tests: tests move, and running one file would not run the other
    assert not [name for name in imported(path) if name.startswith("tests.") and ".test_" in name]
