"""Project 2's report says what its two studies show: its sentences change with the results.

The studies are closed forms, written to the files that the commands write; no network is trained.
"""

import json
import re
import shutil

import matplotlib.figure
import pytest

from tests import project2_landscape_scenarios, project2_scenarios
from tests.conftest import ROOT, command
from tests.made_landscapes import STUDY as LANDSCAPE
from tests.made_project2 import NET, SURFACE, TEMPLATE, filled, make_landscape, make_net
from workflow_scripts.engine.landscape import names

SENTENCES = project2_scenarios.SENTENCES | project2_landscape_scenarios.SENTENCES


@pytest.mark.parametrize("scenario", SENTENCES)
def test_sentences_follow_the_results(tmp_path, scenario):
    net, landscape, said, unsaid = SENTENCES[scenario]
    text = filled(tmp_path, landscape, **net)
    for sentence in said:
        assert sentence in text, sentence
    for sentence in unsaid:
        assert sentence not in text, sentence
    assert " , " not in text


def test_every_citation_and_reference_is_there(tmp_path):
    text = filled(tmp_path, {"surface": True}, surface=True, true_size=True)
    known = set(re.findall(r"@\w+\{(\w+),", (ROOT / "report/references.bib").read_text()))
    cited = {name for group in re.findall(r"\\cite[tp](?:\[[^\]]*\])*\{([^}]*)\}", text) for name in group.split(",")}
    assert cited <= known, cited - known
    labels = set(re.findall(r"\\label\{([^}]*)\}", text))
    labels |= {f"fig:{name}" for name in re.findall(r"\\gradfigure(?:here)?\{([^}]*)\}", text)}
    assert set(re.findall(r"\\ref\{([^}]*)\}", text)) <= labels
    for name in ("santurkar2018", "ioffe2015", "li2018", "he2016", "simonyan2015", "selvaraju2017", "vandermaaten2008"):
        assert name in cited


def test_the_command_writes_a_folder_that_can_be_typeset(tmp_path):
    net, landscape, out = tmp_path / "net", tmp_path / "landscape", tmp_path / "report"
    study = make_net(net, surface=True)
    make_landscape(landscape, surface=True)
    figures = [
        "filters",
        "grad_cam",
        "confusion",
        "class_accuracy",
        "tsne",
        "pareto",
        "samples_digits",
        "curves_chosen",
    ]
    for path in [
        *(net / f"figures/{name}.pdf" for name in (*figures, *names.SURFACES)),
        *(net / f"ablations/{name}.pdf" for name in NET["ablations"]),
        *(landscape / f"figures/{name}.pdf" for name in (*names.FIGURES, *names.SURFACES)),
    ]:
        matplotlib.figure.Figure((3.25, 1)).savefig(path)
    words = ["--net", net, "--net-study", study.model_dump_json(exclude_unset=True), "--landscape", landscape]
    words += ["--landscape-study", json.dumps(LANDSCAPE | {"surface": SURFACE}), "--template", TEMPLATE, "--out", out]
    command("fill_project2", *words, "--student-number", "s7654321", "--code-url", "https://example.org/a_b?c=%20#d")
    text = (out / "project2.tex").read_text()
    assert "s7654321" in text
    for name in re.findall(r"\\gradfigure(?:here)?\{([^}]*)\}", text):
        assert (out / f"figures/{name}.pdf").is_file(), name
    for name in re.findall(r"\\input\{([^}]*)\}", text):
        assert (out / f"{name}.tex").is_file(), name
    if shutil.which("latexmk"):
        done = command("compile_report", out / "project2.tex", "--out", tmp_path / "project2.pdf")
        assert (tmp_path / "project2.pdf").read_bytes().startswith(b"%PDF")
        assert "overfull" not in done.stderr


def test_what_is_missing_is_named(tmp_path, refused):
    make_net(tmp_path / "net")
    make_landscape(tmp_path / "landscape")
    words = ["--net", tmp_path / "net", "--net-study", json.dumps(NET), "--landscape-study", json.dumps(LANDSCAPE)]
    words += ["--landscape", tmp_path / "landscape", "--template", TEMPLATE, "--out", tmp_path / "report"]
    assert "loss.pdf: expected this figure, which the report shows, in " in refused(
        "fill_project2", *words
    )  # the ablations' figures
    (tmp_path / "net/insight/insight.json").unlink()
    assert "inspect_cell` writes, found none" in refused("fill_project2", *words)
    assert "--net-study is not valid" in refused("fill_project2", *words[:3], '{"grid": []}', *words[4:])
    assert "argument --net-study: expected JSON, found '{'" in refused("fill_project2", *words[:3], "{", *words[4:])
