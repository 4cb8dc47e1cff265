"""The report of the study of Beras, and the hand-in."""

import re
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from tests.beras_scenarios import CONCLUSIONS, SENTENCES, rewritten
from tests.conftest import ROOT, command, pdf_text
from workflow_scripts.engine.beras import findings, submission
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config
from workflow_scripts.engine.text import latex


@pytest.mark.parametrize(("changes", "said", "unsaid"), SENTENCES.values(), ids=SENTENCES)
def test_the_report_says_what_the_run_shows(results, tmp_path, changes, said, unsaid):
    facts = findings.context(rewritten(results, tmp_path, **changes)) | config.Report().model_dump()
    rendered = latex.render(ROOT / "report/beras-template.tex.j2", facts)
    assert not re.search(r"\n\s*\nTest accuracies", rendered), "they end a paragraph and are none of their own"
    text = " ".join(rendered.split())
    for sentence in said:
        assert sentence in text
    for sentence in unsaid:
        assert sentence not in text


@pytest.mark.parametrize(("changes", "said"), CONCLUSIONS.values(), ids=CONCLUSIONS)
def test_the_conclusion_is_the_runs(results, tmp_path, changes, said):
    facts = findings.context(rewritten(results, tmp_path, **changes)) | config.Report().model_dump()
    text = " ".join(latex.render(ROOT / "report/beras-template.tex.j2", facts).split())
    conclusion = text.partition(r"\section{Conclusion}")[2]
    for sentence in said:
        assert sentence in conclusion


def test_a_study_without_a_model_is_refused(results, tmp_path):
    folder = rewritten(results, tmp_path, runs=lambda table: table[table["variant"] != "advanced"])
    with pytest.raises(UserError, match="expected runs of advanced, found none"):
        findings.context(folder)


@pytest.mark.skipif(not shutil.which("latexmk"), reason="latexmk is not installed")
def test_the_report_is_typeset(results, tmp_path):
    template = ROOT / "report/beras-template.tex.j2"
    flags = ["--results", results, "--template", template, "--out", tmp_path / "latex"]
    command("fill_beras_report", *flags, "--author", "Li Hua, 22307130001")
    done = command("compile_report", tmp_path / "latex/beras-template.tex", "--out", tmp_path / "beras.pdf")
    assert (tmp_path / "beras.pdf").read_bytes().startswith(b"%PDF") and "overfull" not in done.stderr
    assert "Li Hua, 22307130001" in pdf_text(tmp_path / "beras.pdf")
    for page in pdf_text(tmp_path / "beras.pdf", "-bbox").split("<page ")[1:]:
        lines = [float(y) for y in re.findall(r'yMax="([\d.]+)"', page)]
        assert sum(y > max(lines) - 10 for y in lines) == 1, "the page's number stands alone below the text"


def test_the_hand_in_is_the_briefs_tree_and_the_same_bits(results, tmp_path):
    archives = [tmp_path / name for name in ("first.zip", "second.zip", "flag.zip")]
    for archive in archives:
        flags = ["--flag-2470"] if archive.stem == "flag" else []
        command("pack_beras", "--summary", results / "summary", *flags, "--out", archive)
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with zipfile.ZipFile(archives[0]) as plain, zipfile.ZipFile(archives[2]) as flagged:
        found = set(plain.namelist())
        readme = plain.read("hw2/README.md").decode()
        assert set(flagged.namelist()) - found == {"hw2/code/2470student"}
        assert flagged.read("hw2/code/2470student") == b""
    beras = {f"hw2/code/Beras/{path.name}" for path in (ROOT / "models/Beras").glob("*.py")}
    assert found == beras | {f"hw2/code/{name}" for name in submission.COMMANDS} | {"hw2/README.md"}
    accuracies = pd.read_csv(results / "summary/runs.csv").groupby("variant")["test_acc"].mean()
    for model in ("simple", "advanced"):
        assert re.search(rf"\| {model} \| [\d,]+ \| {accuracies[model]:.1%} ±", readme)
    assert "not MNIST" in readme and "Known bugs" in readme
    assert "gives these numbers from the same data. (Another kind of processor" in readme, "promised for one kind only"
    assert "1,500 images to train and 297 to test: mean ± standard deviation over 3 seeds" in " ".join(readme.split())


def test_the_commands_of_the_hand_in_give_its_accuracies(results, data, tmp_path):
    archive = tmp_path / "hw2.zip"
    command("pack_beras", "--summary", results / "summary", "--out", archive)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path)
    (tmp_path / "hw2/data").mkdir()
    for prefix, images, labels in (
        ("train", data.train_images, data.train_labels),
        ("t10k", data.test_images, data.test_labels),
    ):
        for ending, array in (("images-idx3-ubyte", images[..., 0]), ("labels-idx1-ubyte", labels.astype(np.uint8))):
            header = np.array([0x800 + array.ndim, *array.shape], ">i4")  # 0x800: of bytes
            (tmp_path / f"hw2/data/{prefix}-{ending}").write_bytes(header.tobytes() + array.tobytes())
    measured = pd.read_csv(results / "summary/runs.csv").set_index("run")["test_acc"]
    told = re.findall(
        r"^    python (assignment\.py --epochs .*)$", (tmp_path / "hw2/README.md").read_text(), re.MULTILINE
    )
    assert len(told) == 3
    for seed, flags in enumerate(told):
        run = [sys.executable, *flags.split()]
        done = subprocess.run(run, cwd=tmp_path / "hw2/code", capture_output=True, text=True, check=True)
        for model in ("simple", "advanced"):
            assert f"{model} model: test accuracy {measured[f'{model}-seed{seed}']:.2%}" in done.stdout
