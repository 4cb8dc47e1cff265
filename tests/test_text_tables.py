"""Tables of strings for a terminal, LaTeX and files, compared with layouts made by hand."""

import math

import pandas as pd
import pytest

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.text import html_tables, text_tables, wording

SHOWN = pd.DataFrame({"Network": ["BN & RC", "a"], "Acc.": ["1.5 ± 0.5", "–"], "Gain": ["−1†", "10"], "": ["", "*"]})

PLAIN = """\
Network       Acc.  Gain
---------------------------
BN & RC  1.5 ± 0.5   −1†
a                –    10  *
"""

TABULAR = r"""\begin{tabular}{@{}lrrl@{}}
\toprule
Network & Acc. & Gain &  \\
\midrule
BN \& RC & 1.5\,$\pm$\,0.5 & $-$1\textsuperscript{\dag} &  \\
\textbf{a} & \textbf{--} & \textbf{10} & \textbf{*} \\
\bottomrule
\end{tabular}
"""


def test_a_table_for_a_terminal():
    assert text_tables.plain(SHOWN, ("Network", "")) == PLAIN.splitlines()


def test_a_table_for_latex():
    assert text_tables.tabular(SHOWN, ("Network", ""), bold=[1]) == TABULAR
    ruled = text_tables.tabular(SHOWN, ("Network", ""), ruled=[1]).splitlines()
    assert ruled[4] == r"\midrule" and ruled.count(r"\midrule") == 1 and r"\textbf" not in "".join(ruled)


def test_scientific_numbers_are_formulas_in_latex():
    table = pd.DataFrame({"Loss": ["4.26e+31", "1.50e+06 ± 2.00e+04", "1.00e-05", "l1 1e-05"]})
    assert [line.removesuffix(r" \\") for line in text_tables.tabular(table, ()).splitlines()[4:8]] == [
        r"$4.26{\times}10^{31}$",
        r"$1.50{\times}10^{6}$\,$\pm$\,$2.00{\times}10^{4}$",
        "$10^{-5}$",
        "l1 1e-05",
    ]


@pytest.mark.parametrize(
    ("mean", "std", "said"),
    [
        (1.234, 0.056, "1.23 ± 0.06"),
        (-1.5, math.nan, "-1.50"),
        (math.nan, math.nan, "–"),
        (19510.9, 0.5, "19510.90 ± 0.50"),
        (999_999.0, math.nan, "999999.00"),
        (1e6, 2e4, "1.00e+06 ± 2.00e+04"),
        (-1.7e26, 7.9e25, "-1.70e+26 ± 7.90e+25"),
        (math.inf, math.nan, "inf"),
    ],
)
def test_a_measure(mean, std, said):
    assert text_tables.measure(mean, std) == said


@pytest.mark.parametrize(("seeds", "said"), [([1, 1], ""), ([2], "over 2 seeds"), ([5, 1, 3], "over 1-5 seeds")])
def test_a_deviation_is_explained_where_a_row_has_one(seeds, said):
    assert wording.spread(seeds) == (said and f"mean ± standard deviation {said}")


def test_measures_and_notes_of_rows():
    rows = pd.DataFrame({"acc": [0.5, 0.25], "acc_std": [0.25, math.nan], "diverged": [0, 2], "seeds": [3, 4]})
    assert text_tables.measures(rows, "acc", 100, digits=1) == ["50.0 ± 25.0", "25.0"]
    assert text_tables.measures(rows, "acc") == ["0.50 ± 0.25", "0.25"]
    assert text_tables.notes(rows) == ["", "2 of 4 diverged"]


@pytest.mark.parametrize("tex", [None, TABULAR])
def test_a_table_in_all_its_forms(tmp_path, tex):
    numbers, note = pd.DataFrame({"acc": [0.125, 0.5]}), "What it says.\n\nAnd more."
    text_tables.write(tmp_path / "gains.csv", numbers, SHOWN, PLAIN.splitlines(), note, tex)
    found = {path.suffix: path.read_bytes().decode() for path in tmp_path.iterdir()}
    text, page = f"{PLAIN}\n{note}\n", html_tables.page(SHOWN, "gains", note)
    assert found == {".csv": "acc\n0.125\n0.5\n", ".txt": text, ".html": page, **({".tex": tex} if tex else {})}
    with pytest.raises(UserError, match=r"gains\.txt: expected a name that ends in \.csv"):
        text_tables.write(tmp_path / "gains.txt", numbers, SHOWN, PLAIN.splitlines(), note, tex)
    assert len(list(tmp_path.iterdir())) == len(found)
