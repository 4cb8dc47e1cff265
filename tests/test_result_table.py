"""Table 1, and how commands that read a summary report mistakes."""

import re

import pandas as pd
import pytest

from tests.conftest import command
from tests.made_summaries import record, study, write_summary
from workflow_scripts import make_table
from workflow_scripts.engine.tables import result_table, summary


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_summary(tmp_path_factory.mktemp("full") / "summary", study())


# Table 1


def test_the_table_says_what_the_rows_say(folder, run):
    out = run(make_table, folder, out="table1.csv")
    table, text, tex = (out.with_suffix(suffix) for suffix in (".csv", ".txt", ".tex"))
    numbers = pd.read_csv(table)
    assert numbers.loc[numbers["best"], "label"].tolist() == ["VGG08 BN+RC"]  # equal to VGG38 BN+RC, which comes later
    assert numbers["val_acc_std"].tolist() == pytest.approx([0.01] * 8)
    header, _, *lines = text.read_text(encoding="utf-8").splitlines()
    assert re.split(" {2,}", header)[-4:] == ["Train loss", "Train acc. (%)", "Val. loss", "Val. acc. (%)"]
    (best,) = (re.split(" {2,}", line) for line in lines if line.startswith("*  "))
    assert best[1:] == ["VGG08 BN+RC", "0.001", "59,716", "1.19 ± 0.01", "40.50 ± 0.50", "2.19 ± 0.01", "81.00 ± 1.00"]
    assert r"\textbf{VGG08 BN+RC} & \textbf{0.001} & \textbf{59,716} & \textbf{1.19\,$\pm$\,0.01}" in tex.read_text()
    assert tex.read_text().count(r"\midrule") == 2


def test_the_table_shows_keys_that_differ_and_what_diverged(tmp_path):
    records = [record(model="vgg38", weight_decay=decay, seed=seed) for decay in (0.0, 1e-4) for seed in (0, 1)]
    rows = summary.over_seeds(summary.load(write_summary(tmp_path, records, diverged={1, 2, 3})).cells)
    words = result_table.formatted(rows)
    assert words["Weight decay"].tolist() == ["0", "0.0001"]
    assert words["Note"].tolist() == ["1 of 2 diverged", "2 of 2 diverged"]
    assert words["Val. acc. (%)"].tolist() == ["10.00", "–"]  # of 10,000 images; of 300, one is 0.33 %
    assert result_table.formatted(rows.assign(val_images=300))["Val. acc. (%)"].tolist() == ["10.0", "–"]
    assert "2 of 2 diverged" in result_table.tabular(rows)


def test_a_table_of_nothing_but_divergence_has_no_best(tmp_path):
    rows = summary.over_seeds(summary.load(write_summary(tmp_path, study(["vgg38"], ["plain"], 1), diverged={0})).cells)
    assert "textbf" not in result_table.tabular(rows)
    assert not result_table.numbers(rows)["best"].any()


# Commands


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plot_curves", "--summary", "{folder}"], "expected --select or --best"),
        (
            ["plot_curves", "--summary", "{folder}", "--select", "model=vgg38", "lr=7"],
            "--select model=vgg38 lr=7: expected cells with model=vgg38 lr=7",
        ),
        (["make_table", "--summary", "nowhere"], "nowhere/cells.csv: expected a file"),
    ],
)
def test_mistakes_get_one_line_and_write_nothing(folder, tmp_path, words, message):
    name, *arguments = (word.format(folder=folder) for word in words)
    out = tmp_path / "out" / ("table.csv" if name == "make_table" else "figure.pdf")
    result = command(name, *arguments, "--out", out, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.parent.exists()


def test_a_command_on_a_summary_asks_for_what_it_needs(refused):
    assert "the following arguments are required: --summary, --out" in refused("plot_curves")
