"""Beras's exploration notebook, and notebooks kept as text in general."""

import shutil

import pytest

from tests.conftest import ROOT, command
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.text import notebooks


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    """The LaTeX of the exploration notebook, which is run to get it."""
    out = tmp_path_factory.mktemp("notebook") / "notebook.tex"
    source, template = ROOT / "notebooks/beras_exploration.py", ROOT / "report/notebook.tex.j2"
    command("export_notebook", source, "--template", template, "--out", out)
    return out


def test_the_exploration_notebook_runs_to_its_end(explored):
    text = explored.read_text()
    assert "every piece agrees" in text.split(r"\begin{Output}")[-1]
    assert (explored.parent / "picture0.pdf").read_bytes().startswith(b"%PDF")


def test_the_exploration_notebook_fits_its_page():
    lines = (ROOT / "notebooks/beras_exploration.py").read_text().splitlines()
    assert max(len(line) for line in lines if not line.startswith("#")) <= 112, "verbatim lines are not broken"


@pytest.mark.skipif(not shutil.which("latexmk"), reason="latexmk is not installed")
def test_the_exploration_notebook_is_typeset(explored, tmp_path):
    done = command("compile_report", explored, "--out", tmp_path / "exploration.pdf")
    assert (tmp_path / "exploration.pdf").read_bytes().startswith(b"%PDF") and "overfull" not in done.stderr


def test_what_a_cell_prints_is_one_output_whenever_it_came(tmp_path):
    source = tmp_path / "slow.py"
    source.write_text(
        "# %%\nimport time\n\nfor word in 'one', 'two':\n    print(word, flush=True)\n    time.sleep(0.5)\n"
    )
    facts, _ = notebooks.context(notebooks.executed(source, []))
    assert [part.tex for part in facts["parts"] if part.kind == "output"] == ["one\ntwo"]


KINDS = """# ---
# jupyter:
#   title: Of all kinds
# ---

# %% [raw]
# for another program

# %% [markdown]
# ## One
# and *two*

# %%
import os, mine
print(mine.WORD, *(os.environ[key] for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "SOURCE_DATE_EPOCH")))

# %%
import matplotlib.pyplot as plt
for place in range(2):
    plt.plot([place, 1])
    plt.show()
"""


def test_a_notebook_s_parts_are_shown_in_their_order(tmp_path, monkeypatch):
    """Whatever the environment says: with one thread, and pictures without the date of today."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/mine.py").write_text("WORD = 'found'\n")
    (tmp_path / "kinds.py").write_text(KINDS)
    facts, pictures = notebooks.context(notebooks.executed(tmp_path / "kinds.py", [tmp_path, tmp_path / "own"]))
    parts = [(part.kind, part.tex) for part in facts["parts"]]
    assert [kind for kind, _ in parts] == ["text", "code", "output", "code", "picture", "picture"]
    assert parts[0][1] == "\\section{One}\n\nand \\emph{two}\n" and parts[2][1] == "found 1 1 0"
    assert facts["title"] == "Of all kinds"
    assert [tex for kind, tex in parts if kind == "picture"] == list(pictures) == ["picture0.pdf", "picture1.pdf"]
    one, two = pictures.values()
    assert one != two and all(b"CreationDate (D:19700101" in content for content in (one, two))


def test_a_cell_that_ends_the_kernel_is_one_clear_message(tmp_path):
    (tmp_path / "notebook.py").write_text("# %%\nimport os\n\nos._exit(1)\n")
    with pytest.raises(UserError, match=r"notebook\.py: a cell failed: Kernel died"):
        notebooks.executed(tmp_path / "notebook.py", [])


def test_a_cell_that_fails_is_named(refused, tmp_path):
    (tmp_path / "notebook.py").write_text('# %%\nx = 1\n\n# %%\nassert x == 2, "no 2"\n')
    flags = ["--template", ROOT / "report/notebook.tex.j2", "--out", tmp_path / "notebook.tex"]
    message = refused("export_notebook", tmp_path / "notebook.py", *flags)
    assert message.endswith("the cell that begins with 'assert x == 2, \"no 2\"' failed: AssertionError: no 2")
    assert not (tmp_path / "notebook.tex").exists()


def test_a_notebook_that_is_missing_is_named(refused, tmp_path):
    flags = ["--template", ROOT / "report/notebook.tex.j2", "--out", tmp_path / "notebook.tex"]
    assert "nothing.py: expected a notebook, found none" in refused("export_notebook", tmp_path / "nothing.py", *flags)
