"""From a template to a typeset report: how values are printed, which files are copied, what LaTeX reports."""

import argparse
import itertools
import math
import re
import shutil
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import matplotlib.figure
import pytest

from tests.conftest import ROOT, command, pdf_text
from tests.made_reports import AUTHOR, TEMPLATES, write_study
from workflow_scripts import compile_report
from workflow_scripts.engine import code
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import config, flags
from workflow_scripts.engine.tables import protocol
from workflow_scripts.engine.text import latex, own_words, typesetting


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        (
            "\\VAR{'50% of a_b & {c} #1 ~ ^ $ \\\\'}",
            r"50\% of a\_b \& \{c\} \#1 \textasciitilde{} \textasciicircum{} \$ \textbackslash{}",
        ),
        ("\\VAR{0.5|percent}", r"$50.0$\,\%"),
        ("\\VAR{(1250,)|count} \\VAR{(100, 1250)|count}", "1,250 100 to 1,250"),
        ("\\VAR{(0.5, 0.01)|percent}", r"$50.0$\,$\pm$\,1.0\,\%"),
        ("\\VAR{3.14e-19|scientific}", r"$3.1{\times}10^{-19}$"),
        (
            "\\VAR{150.2|digits(2)} \\VAR{999.7|digits} \\VAR{1234.5|digits} \\VAR{0.01234|digits}",
            "$150$ $1000$ $1234$ $0.0123$",
        ),
        ("\\VAR{2e-5|number} \\VAR{0.001|number} \\VAR{0.05|number}", r"$2{\times}10^{-5}$ $10^{-3}$ 0.05"),
        ("\\VAR{0.01234|digits} \\VAR{123.4|digits} \\VAR{1234.4|digits}", "$0.0123$ $123$ $1234$"),
        ("\\VAR{12344|digits} \\VAR{0.0001234|digits}", r"$1.23{\times}10^{4}$ $1.23{\times}10^{-4}$"),
        ("\\VAR{1.3|digits} \\VAR{29|digits} \\VAR{999.9|digits} \\VAR{1959|digits}", "$1.30$ $29.0$ $1000$ $1959$"),
        ("\\VAR{0|digits} \\VAR{0.0124|digits(2)} \\VAR{14990|digits}", r"$0$ $0.012$ $1.50{\times}10^{4}$"),
        ("\\VAR{0.001|digits} \\VAR{9999|digits} \\VAR{10000|digits}", "$0.00100$ $9999$ $10^{4}$"),
        ("\\VAR{0|number} \\VAR{100.0|number} \\VAR{1e6|number}", "0 100 $10^{6}$"),
        ("$\\VAR{3.14e-19|scientific|math}$", r"$3.1{\times}10^{-19}$"),
        ("\\VAR{nan|fixed} \\VAR{nan|percent} \\VAR{nan|digits} \\VAR{nan|scientific}", "-- -- -- --"),
        ("\\VAR{infinity|fixed} \\VAR{infinity|digits} \\VAR{infinity|scientific}", r"-- $\infty$ --"),
        ("\\VAR{(0.5, nan)|percent} \\VAR{(-0.004, 0.25)|fixed}", r"$50.0$\,\% $0.00$\,$\pm$\,0.25"),
        ("\\VAR{['a_b', 'c', 'd']|listed}", r"a\_b, c and d"),
        ("\\VAR{['BN, lr 0.1', 'c', 'd']|listed}", "BN, lr 0.1; c; and d"),
        ("%> if 1 < 2\n% a LaTeX comment with {#1}\n%> endif\n", "% a LaTeX comment with {#1}\n"),
    ],
)
def test_how_values_are_printed(tmp_path, given, printed):
    template = tmp_path / "a.tex.j2"
    template.write_text(given)
    assert latex.render(template, {"nan": math.nan, "infinity": math.inf}) == printed


def test_there_are_words_for_all_that_the_project_registers():
    for key, known in protocol.PHRASES.items():
        assert set(code.registered(key)) <= set(known), key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n\\VAR{nothing}\n", "line 2: 'nothing' is undefined"),
        ("a\n\n%> if 1\n", "line 3: Unexpected end of template"),
        ("\\VAR{0.123}", "0.123 is printed as it is"),
        ("a\n\\VAR{[]|listed}", "line 2: expected something to list, found nothing"),
        ("a\ncaf\xe9", "line 2: expected UTF-8, found the byte 0xe9"),
    ],
)
def test_a_mistake_in_a_template_is_named_with_its_line(tmp_path, text, message):
    template = tmp_path / "a.tex.j2"
    template.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=re.escape(message)):
        latex.render(template, {})


def test_the_byte_order_mark_of_other_editors_is_no_part_of_a_template(tmp_path):
    """LaTeX would stop at it."""
    template = tmp_path / "a.tex.j2"
    template.write_bytes("caf\xe9\r\n%> if 1\r\nb\r\n%> endif\r\n".encode("utf-8-sig"))
    assert latex.render(template, {}) == "caf\xe9\nb\n"


FIGURES = ("curves_problem", "grad_flow_shallow", "grad_flow_deep", "curves_best", "grad_flow_best", "gradient_heatmap")


def build(folder, **study):
    """Write a study and run `fill_report` on it as a user would; returns the folder of the LaTeX."""
    write_study(folder / "summary", **study)
    for name in FIGURES:
        (folder / "figures").mkdir(exist_ok=True)
        width = 6.75 if name == "gradient_heatmap" else 3.25
        matplotlib.figure.Figure(figsize=(width, 1.9)).savefig(folder / "figures" / f"{name}.pdf")
    (folder / "table1.tex").write_text("\\begin{tabular}{lr}\\toprule Model & LR \\\\ \\bottomrule\\end{tabular}\n")
    arguments = {
        "--summary": [folder / "summary"],
        "--figures": [folder / "figures"],
        "--table": [folder / "table1.tex"],
        "--shallow": ["model=vgg08", "block=plain", "lr=1e-3"],
        "--deep": ["model=vgg38", "block=plain", "lr=0.001"],
        "--student-number": ["s7654321"],
        "--template": [TEMPLATES[0]],
        "--answers": [TEMPLATES[1]],
        "--out": [folder / "latex"],
    }
    command("fill_report", *itertools.chain.from_iterable((flag, *values) for flag, values in arguments.items()))
    return folder / "latex"


def compiled(source, out):
    return command("compile_report", source, "--out", out, check=False)


needs_latex = pytest.mark.skipif(not shutil.which("latexmk"), reason="latexmk is not installed")


@needs_latex
def test_the_demo_report_compiles_and_says_that_it_is_one(tmp_path):
    source = build(tmp_path, embedded=True, title="digits (scikit-learn)") / "mlp-cw2-template.tex"
    run = compiled(source, tmp_path / "report.pdf")
    assert (run.returncode, run.stderr) == (0, "")
    first = (tmp_path / "report.pdf").read_bytes()
    for path in (tmp_path / "latex/build").iterdir():  # what a killed LaTeX leaves behind
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    compiled(source, tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes() == first
    pages = pdf_text(tmp_path / "report.pdf").split("\f")
    assert "Demonstration run." in pages[0] and "s7654321" in pages[0]
    assert next(number for number, page in enumerate(pages, 1) if "\nReferences\n" in page) <= 6


@needs_latex
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("text\n\\nosuchcommand\n", "a.tex:4: Undefined control sequence.\n  l.4 \\nosuchcommand\n"),
        ("\\input{b}\n", "b.tex:2: Undefined control sequence.\n  l.2 and \\other\n"),
        ("as \\ref{tab:nothing} shows\n", "undefined references or citations: tab:nothing (a.tex:3)\n"),
        ("see \\cite{a,b} and\n\\cite[][]{b}\n", "a (a.tex:3); b (a.tex:3, a.tex:4)\n"),
    ],
)
def test_a_mistake_in_the_latex_is_one_clear_message(tmp_path, body, message):
    source = tmp_path / "a.tex"
    (tmp_path / "b.tex").write_text("text\nand \\other{words}\n")
    source.write_text(f"\\documentclass{{article}}\n\\begin{{document}}\n{body}\\end{{document}}\n")
    run = compiled(source, tmp_path / "a.pdf")
    assert run.returncode == 1
    assert message in run.stderr and str(tmp_path / "build" / "a.log") in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "a.pdf").exists()


@needs_latex
def test_what_an_older_latex_lacks_is_named_with_what_installs_it(tmp_path):
    source = tmp_path / "a.tex"
    source.write_text("\\documentclass{article}\n\\usepackage{nosuch}\n\\begin{document}\\end{document}\n")
    said = compiled(source, tmp_path / "a.pdf").stderr
    assert "LaTeX Error: File `nosuch.sty' not found." in said and compile_report.INSTALL in said


def test_without_latexmk_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="apt-get install .*latexmk"):
        compile_report.compile_latex(tmp_path / "a.tex", tmp_path / "build")
    packages = re.search(r"^TEX := ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert compile_report.INSTALL.split()[3:] == packages.replace("\\", "").split()  # what make setup installs


CHINESE = r"""\documentclass[10pt,twocolumn]{article}
\usepackage{gradscape}
\title{Why}
\author{\VAR{author}}
\begin{document}
\maketitle
\input{answers}
\end{document}
"""


@needs_latex
@pytest.mark.parametrize(
    ("author", "answer", "typeface"),
    [
        ("王小明, 22307130001", "Plain.", "gbsn"),
        ("張大為", "我們的網絡。", "bsmi"),
        ("Zoë", "我们的网络，很好。", "gbsn"),
    ],
)
def test_names_and_own_words_may_be_chinese(tmp_path, author, answer, typeface):
    for name, text in {"report": CHINESE, "answers": f"{answer} \\textbf{{ã}}"}.items():
        (tmp_path / f"{name}.tex.j2").write_text(text, encoding="utf-8")
    beside = {"style": ROOT / "report/gradscape.sty", "references": ROOT / "report/references.bib"}
    templates = [tmp_path / f"{name}.tex.j2" for name in ("report", "answers")]
    arguments = SimpleNamespace(template=templates[0], out=tmp_path / "out", **beside, **{**AUTHOR, "author": author})
    typesetting.fill(arguments, templates, {}, [])
    compiled(tmp_path / "out/report.tex", tmp_path / "report.pdf")
    said = pdf_text(tmp_path / "report.pdf")
    assert author in said and answer in said and "ã" in said
    first = (tmp_path / "out/report.tex").read_text(encoding="utf-8").splitlines()[0]
    assert first == rf"\PassOptionsToPackage{{{typeface}}}{{gradscape}}"


def test_chinese_that_no_typeface_has_is_refused(tmp_path):
    (tmp_path / "a.tex.j2").write_text("简體 A \U00020000", encoding="utf-8")
    arguments = SimpleNamespace(
        template=tmp_path / "a.tex.j2", out=tmp_path, style=tmp_path / "a.tex.j2", references=None, **AUTHOR
    )
    arguments.references = arguments.style
    with pytest.raises(
        UserError, match="a.tex: expected Chinese characters that one typeface has: gbsn lacks 體, bsmi"
    ):
        typesetting.fill(arguments, [arguments.template], {}, [])


SHOWING = r"""\gradfigure{one}{Of the first folder.} \gradfigurehere{sub/two}{Of the second, by Zoë.}
\includegraphics[width=1cm]{figures/three.pdf} 100\% \gradfigure{four}{}
% \gradfigure{old}{Not shown.}
\newcommand{\wide}[1]{\includegraphics{#1}}
"""


def test_a_report_takes_the_figures_that_it_shows(tmp_path):
    for name in ("a/one", "b/one", "b/sub/two", "b/three", "b/four", "b/five", "b/old", "b/other"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.pdf").write_text(name)
    texts = {"report": SHOWING, "answers": r"\gradfigure{five}{}"}
    for name, text in texts.items():
        (tmp_path / f"{name}.tex.j2").write_text(text, encoding="utf-8")
    templates = [tmp_path / f"{name}.tex.j2" for name in texts]
    beside = {"style": tmp_path / "report.tex.j2", "references": tmp_path / "answers.tex.j2"}
    arguments = SimpleNamespace(template=templates[0], out=tmp_path / "out", **beside, **AUTHOR)
    typesetting.fill(arguments, templates, {}, [tmp_path / "a", tmp_path / "b"])
    assert all((tmp_path / "out" / path.name).read_bytes() == path.read_bytes() for path in beside.values())
    for name, text in texts.items():
        assert (tmp_path / f"out/{name}.tex").read_text(encoding="utf-8") == text
    taken = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.pdf")}
    assert taken == {f"figures/{name}.pdf" for name in ("one", "sub/two", "three", "four", "five")}
    assert (tmp_path / "out/figures/one.pdf").read_text() == "a/one"
    (tmp_path / "b/four.pdf").unlink()
    (tmp_path / "a/four.pdf").mkdir()
    expected = f"four.pdf: expected this figure, which the report shows, in {tmp_path}/figures or {tmp_path}/a or "
    with pytest.raises(UserError, match=re.escape(expected)):
        typesetting.fill(arguments, templates, {}, [tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize("suffix", own_words.PICTURES)
def test_a_figure_of_ones_own_takes_the_place_of_ours(tmp_path, suffix):
    """Also where an earlier run has left ours, which LaTeX would prefer, beside the words that now show another."""
    answers, template, out = (tmp_path / name for name in ("mine/answers.tex.j2", "ours/report.tex.j2", "out"))
    for file in (answers, template):
        file.parent.mkdir()
        file.write_text(r"\gradfigure{one}{} \includegraphics{figures/one}")
    ours, mine = template.parent / "results/one.pdf", answers.parent / f"figures/one{suffix}"
    arguments = SimpleNamespace(template=template, out=out, style=template, references=template, **AUTHOR)
    for figure in (ours, mine):
        figure.parent.mkdir()
        figure.write_text(f"from {figure.parent}")
        typesetting.fill(arguments, [template, answers], {}, [ours.parent])
        (taken,) = (out / "figures").iterdir()
        assert (taken.name, taken.read_text()) == (figure.name, figure.read_text())
    answers.write_text(f"\\gradfigure{{one{suffix}}}{{}}")
    typesetting.fill(arguments, [template, answers], {}, [ours.parent])
    assert [path.name for path in (out / "figures").iterdir()] == [mine.name]
    assert own_words.figures(answers.parent) == [mine]


def test_figures_beside_an_author_s_words_come_before_those_beside_ours(tmp_path):
    places = [tmp_path / place for place in ("own/figures", "ours/figures", "results")]
    for place in places:
        place.mkdir(parents=True)
        (place / "one.pdf").write_text(place.parent.name)
    templates = [tmp_path / "ours/report.tex.j2", tmp_path / "own/answers.tex.j2"]
    for template in templates:
        template.write_text(r"\gradfigure{one}{}")
    arguments = SimpleNamespace(
        template=templates[0], out=tmp_path / "out", style=templates[0], references=templates[1], **AUTHOR
    )
    for place in places:
        typesetting.fill(arguments, templates, {}, [places[-1]])
        assert (tmp_path / "out/figures/one.pdf").read_text() == place.parent.name
        (place / "one.pdf").unlink()
    arguments.style = tmp_path / "mine.sty"
    with pytest.raises(UserError, match=r"mine\.sty: expected a file that the report shows, found none"):
        typesetting.fill(arguments, templates, {}, places)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["report/gradscape.sty", "report/references.bib"]),
        (["--style", "mine.sty"], ["mine.sty", "report/references.bib"]),
        (["--references", "mine.bib"], ["report/gradscape.sty", "mine.bib"]),
    ],
)
def test_style_and_bibliography_lie_beside_the_template(words, expected):
    parser = argparse.ArgumentParser()
    typesetting.add_flags(parser)
    arguments = parser.parse_args(["--template", "report/report.tex.j2", *words])
    assert typesetting.shared(arguments) == [Path(name) for name in expected]
    assert flags.read(arguments, config.Report) == config.Report()


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (["mlp-cw2-question.tex.j2"], "mlp-cw2-questions.tex.j2"),
        (["mlp-cw2-questions.tex"], "mlp-cw2-questions.tex.j2"),
        (["mlp_cw2-template.tex.j2"], "mlp-cw2-template.tex.j2"),
        (["reference.bib"], "references.bib"),
        (["mlp-cw2-questions.tex.j2", "mlp-cw2-questions-old.tex.j2", "references.bib"], None),
        (["mlp-cw2.pdf", "mlp-cw2-2020.pdf", "notes.txt", "captions"], None),
        ([], None),
    ],
)
def test_own_words_under_a_mistyped_name_are_noticed(tmp_path, names, meant):
    """They would be left out of the report in silence."""
    (tmp_path / "report").mkdir()
    for name in names:
        (tmp_path / "report" / name).touch()
    with pytest.raises(UserError, match=f"{names[0]}: no report .* call it {meant}, if") if meant else nullcontext():
        own_words.check(tmp_path / "report", ROOT / "report")
    own_words.check(ROOT / "report", ROOT / "report")
    own_words.check(tmp_path / "nowhere", ROOT / "report")
