"""The digest of the code that a cell runs: what changes it and what does not, on a copy of the real source."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workflow_scripts.engine import code
from workflow_scripts.engine.commands import UserError

ROOT = Path(__file__).resolve().parents[1]
PRINT = """
from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.configuration import cells, config
for block in ("plain", "bn", "rc", "bn_rc"):
    print(cells.code_digest(Cell(block=block)) + cells.record_digest(Cell(block=block)))
"""
NEW_BLOCK = '''

@register_block("new")
class NewBlock(ConvolutionalProcessingBlockBN):
    """A block of a test."""
'''


def digests(folder):
    """The digests of the four blocks' cells, for the code in `folder`."""
    command = [sys.executable, "-c", PRINT]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture(scope="module")
def before():
    return digests(ROOT)


@pytest.fixture
def edited(tmp_path):
    """A function that returns the digests for a copy of the two packages in which one file is edited."""
    for package in ("models", "workflow_scripts"):
        # other processes may be writing bytecode just now, under names that are gone a moment later
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.pyc.*"))

    def edited(path, old, new):
        text = (tmp_path / path).read_text()
        assert old in text
        (tmp_path / path).write_text(text.replace(old, new, 1))
        return digests(tmp_path)

    return edited


UNCHANGED = {
    "comment": ("models/blocks.py", "        if self.residual:", "        # why\n        if self.residual:"),
    "docstring": (
        "models/course_vgg.py",
        '"""Processing blocks at one resolution',
        '"""Other words: blocks at one resolution',
    ),
    "what an exception says": (
        "workflow_scripts/engine/data/datasets.py",
        "expected at least 2 training images",
        "expected more than 1 training image",
    ),
    "what a message says": ("workflow_scripts/engine/training/captured.py", "CUDA graph not used", "No CUDA graph"),
    "what a flag is for": ("workflow_scripts/train_cell.py", "folder of the results", "where the results go"),
    "what a key is for": ("workflow_scripts/engine/configuration/config.py", "most seconds from", "seconds from"),
    "what is wrong with a key": (
        "workflow_scripts/engine/configuration/mistakes.py",
        '"expected text"',
        '"text expected"',
    ),
    "the line of an epoch": ("workflow_scripts/engine/runs/reporting.py", "  acc {1:6.2%}", " acc. {1:6.2%}"),
    "how long to wait for a GPU": ("workflow_scripts/engine/machine/gpus.py", "LOOK_AGAIN = 0.5", "LOOK_AGAIN = 1"),
    "layout": ("workflow_scripts/engine/training/schedules.py", "    return cell.lr", "\n\n    return cell.lr"),
    "an unused schedule": (
        "workflow_scripts/engine/training/schedules.py",
        "    return cell.lr",
        "    return cell.lr * 2",
    ),
    "an unused optimiser": ("workflow_scripts/engine/training/optimizers.py", "momentum=0.9", "momentum=0.8"),
    "another model": ("models/course_vgg.py", "_course_vgg(0, block", "_course_vgg(1, block"),
    "a new block": ("models/blocks.py", '\n\n@register_block("rc")', NEW_BLOCK + '\n\n@register_block("rc")'),
    "a new option of networks": (
        "workflow_scripts/engine/configuration/record.py",
        "    init: ",
        '    depth: Count | None = option("depth", None, help="layers; null: the network\'s own")\n    init: ',
    ),
    "the figures": ("workflow_scripts/engine/figures/style.py", "import", "import os\nimport"),
}


@pytest.mark.parametrize(("path", "old", "new"), UNCHANGED.values(), ids=UNCHANGED)
def test_what_a_cell_does_not_run_changes_nothing(before, edited, path, old, new):
    assert edited(path, old, new) == before


CHANGED = {
    "the training step": (
        "workflow_scripts/engine/training/trainer.py",
        "objective.backward()",
        "(2 * loss).backward()",
    ),
    "the optimiser": (
        "workflow_scripts/engine/training/optimizers.py",
        "(Adam, parameters, lr=lr,",
        "(Adam, parameters, lr=2 * lr,",
    ),
    "the schedule": ("workflow_scripts/engine/training/schedules.py", "/ cell.epochs))", "/ (cell.epochs + 1)))"),
    "the network": ("models/course_vgg.py", "return x.mean((2, 3))", "return x.amax((2, 3))"),
    "a default of the record": ("workflow_scripts/engine/configuration/record.py", '"epochs", 100', '"epochs", 90'),
    "a key of the record": (
        "workflow_scripts/engine/configuration/record.py",
        "    init: ",
        '    decay: Number = label("decay", 0.0, help="of the averaged weights")\n    init: ',
    ),
    "a constant": ("workflow_scripts/engine/data/batches.py", "0.4914", "0.4915"),
    "the augmentation": ("workflow_scripts/engine/data/augmentations.py", "padding=size // 8", "padding=size // 4"),
    "what is raised": (
        "workflow_scripts/engine/data/datasets.py",
        'UserError(f"expected at least 2',
        'ValueError(f"expected at least 2',
    ),
    "the split": ("workflow_scripts/engine/data/datasets.py", "RandomState(0)", "RandomState(1)"),
}


@pytest.mark.parametrize(("path", "old", "new"), CHANGED.values(), ids=CHANGED)
def test_what_every_cell_runs_changes_every_digest(before, edited, path, old, new):
    assert not set(before) & set(edited(path, old, new))


def test_a_block_changes_only_the_cells_that_it_is_in(before, edited):
    after = edited("models/blocks.py", "    residual = True\n", "    residual = 1\n")  # the first is that of rc
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, True, False, True]


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """The digest of the module models/entry.py of a small project, with a models/other.py next to it.

    The package re-exports both the latter's function `f` and the module itself under names of its own.
    """
    cached = (code.digest, code._path, code._module, code._registrations)

    def digest(entry, other):
        package = "from .other import f as passed_on\nfrom . import other as o"
        for name, text in {"__init__": package, "entry": entry, "other": other}.items():
            (tmp_path / f"models/{name}.py").write_text(text)
        for function in cached:
            function.cache_clear()
        return code.digest("models.entry")

    (tmp_path / "models").mkdir()
    monkeypatch.setattr(code, "ROOT", tmp_path)
    yield digest
    for function in cached:
        function.cache_clear()


REACHED = {
    "an import within a function": ("def main():\n    from models.other import f\n    f()", "def f():\n    return 1"),
    "a relative import": ("from .other import f\ndef main():\n    f()", "def f():\n    return 1"),
    "a module of the package": ("from . import other\ndef main():\n    other.f()", "def f():\n    return 1"),
    "a module by another name": ("import models.other as o\ndef main():\n    o.f()", "def f():\n    return 1"),
    "a module by its whole name": ("import models.other\ndef main():\n    models.other.f()", "def f():\n    return 1"),
    "a definition that another module passes on": (
        "from models import passed_on\ndef main():\n    passed_on()",
        "def f():\n    return 1",
    ),
    "all of a module": ("from models.other import *\ndef main():\n    f()", "def f():\n    return 1"),
    "a module that another one passes on": ("import models\ndef main():\n    models.o.f()", "def f():\n    return 1"),
    "what is registered under no plain name": (
        "from models.other import f\ndef main():\n    f()",
        '@register_block()\n@register_block(f"{1}")\ndef f():\n    return 0',
    ),
    "a definition by another name": (
        "from models.other import f as g\ndef main():\n    g()",
        "def f():\n    return 1",
    ),
    "one of two constants": ("from models.other import y\ndef main():\n    return y", "x, (y, z) = 2, (1, 3)"),
    "what a condition defines": ("import models.other\nmodels.other", "if True:\n    x = 1"),
    "a method": (
        "from models.other import C\ndef main():\n    C().f()",
        "class C:\n    x: int\n    def f(self):\n        return g()\ndef g():\n    return 1",
    ),
    "a definition that a definition uses": (
        "from models.other import f\ndef main():\n    f()",
        "def f():\n    return g()\ndef g():\n    return 1",
    ),
    "an annotated constant": ("from models.other import x\ndef main():\n    return x", "x: int = 1"),
    "a table that gets another item": (
        "from models.other import x\ndef main():\n    return x",
        'x = {"a": 1}\nx["b"] = 3',
    ),
    "an item that a table gets": ("from models.other import x\ndef main():\n    return x", 'x = {"a": 0}\nx["b"] = 1'),
    "an item of another module's table": (
        "from models import other\nother.x[0] = 3\ndef main():\n    return other.x",
        "x = [1]",
    ),
    "the first of two definitions": ("from models.other import x\ndef main():\n    return x", "x = 1\nx = x + 3"),
    "what runs on import": ("from models.other import x\ndef main():\n    return x", "x = []\nx.append(1)"),
}


@pytest.mark.parametrize(("entry", "other"), REACHED.values(), ids=REACHED)
def test_what_is_reached_is_in_the_digest(digest, entry, other):
    assert digest(entry, other) != digest(entry, other.replace("1", "2"))
    assert digest(entry, other) == digest(
        entry, f"import os\n{other}\nunused: int = 1\ndef never():\n    return unused"
    )


NOTHING = "x = None"
WORDS = {
    "a docstring of the module": '"""1"""\nx = 0',
    "a docstring of a function": 'def f():\n    """1"""\n    return 0',
    "a docstring of a coroutine": 'async def f():\n    """1"""\n    return 0',
    "a docstring of a class": 'class C:\n    """1"""\n    x = 0',
    "a docstring of a method": 'class C:\n    """C."""\n    def f(self):\n        """1"""',
    "what is raised with it": 'def f():\n    raise ValueError(f"1 {f}") from None',
    "what is raised within": 'def f():\n    """f."""\n    def g():\n        raise ValueError("1")\n    return g',
    "a message": 'import sys\nprint("1", [], file=sys.stderr)',
    "a flag's help": 'add("--flag", help="1", type=int)',
    "a key's description": 'x = option("key", 0, help="1")',
    "within a call": 'add(option("key", 0, help="1"))',
    "within what is raised": 'def f():\n    raise option(help="1")()',
    "within a message": 'import sys\nprint(file=sys.stderr, flush=option(help="1"))',
}


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS)
def test_words_are_not_in_the_digest(digest, text):
    assert digest(text, NOTHING) == digest(text.replace("1", "other words"), NOTHING)
    assert "0" not in text or digest(text, NOTHING) != digest(text.replace("0", "2"), NOTHING)


WORK = {
    "a text": 'x = "1"',
    "what stands behind a docstring": 'def f():\n    """f."""\n    "1"',
    "what is printed": 'print("1")',
    "what is printed to somewhere": 'import sys\nprint("1", file=sys.stdout)',
    "what another function is given": 'import sys\nwrite("1", file=sys.stderr)',
    "how it is printed": 'import sys\nprint("x", end="1", file=sys.stderr)',
    "what kind is raised": "def f(e):\n    raise Error1(e)",
    "what is raised that is there": "def f(e):\n    raise e1",
    "from what it is raised": "def f(e):\n    raise ValueError(e) from e1",
    "another argument": 'add("--flag", metavar="1", help="x")',
    "the name of a flag": 'add("--flag1", help="x")',
    "a default": "def f(x=1):\n    return x",
    "a decorator": "@one(1)\ndef f():\n    return 0",
}


@pytest.mark.parametrize("text", WORK.values(), ids=WORK)
def test_what_is_no_mere_words_is_in_the_digest(digest, text):
    assert digest(text, NOTHING) != digest(text.replace("1", "2"), NOTHING)


def test_an_unknown_name_is_one_message():
    with pytest.raises(UserError, match=r"unknown norm_kind 'x'; known: $"):
        code.digest("workflow_scripts.train_cell", (("norm_kind", "x"),))
    with pytest.raises(UserError, match="unknown activation 'rleu'; known: .*elu, .*relu"):
        code.digest("workflow_scripts.train_cell", (("activation", "rleu"),))


@pytest.mark.parametrize("line", [b"def f(:", b'"\xff"'], ids=["syntax", "no UTF-8"])
def test_a_file_that_is_no_python_is_named(edited, tmp_path, line):
    (tmp_path / "models/mine.py").write_bytes(b'@register_model("mine")\n' + line)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        digests(tmp_path)
    assert f"UserError: {tmp_path}/models/mine.py, line 2: " in failed.value.stderr


def test_names_are_listed_without_importing_torch():
    program = (
        "import sys; from workflow_scripts.engine import code; from models import registry; "
        "assert 'torch' not in sys.modules; names = set(code.registered('block')), set(code.registered('model')); "
        "assert names == (set(registry.list_blocks()), set(registry.list_models())), names"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
