"""The 2020/21 form of the report: four papers, and sentences that change with the results.

The studies are synthetic: closed forms written to the files that the workflow writes, not results of any training.
"""

import json
import math
import re
import shutil
import sys

import matplotlib.figure
import pandas as pd
import pytest
import torch

from tests import made_cells, made_reports, made_searches
from tests.conftest import ROOT, command, inside, pdf_text
from tests.report_2020_scenarios import GAIN, SENTENCES
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration import grids
from workflow_scripts.engine.configuration.studies import Study
from workflow_scripts.engine.reports import findings, findings_2020
from workflow_scripts.engine.tables import search_table, summary
from workflow_scripts.engine.text import latex
from workflow_scripts.engine.training.objectives import LOSSES

TEMPLATES = [ROOT / "report" / f"mlp-cw2-2020{part}.tex.j2" for part in ("", "-answers")]
PAPERS = ("paperResidual", "paperDense", "paperNormalisation", "paperSupervision")
WOBBLE = (0.0, 0.004, 0.01)


def design(seeds=(0, 1, 2, 3, 4), **base):
    return Study(
        base={"model": "vgg38", "dataset": "digits", "epochs": 5, "seed": list(seeds), **base},
        ablations={"paths": {"block": ["rc", "dense"]}, "scale": [{"block": ["gn", "bn_rc"]}, {"supervision": 0.3}]},
    )


def write_remedies(
    folder,
    seeds=(0, 1, 2, 3, 4),
    stuck=("plain",),
    flat=("bn_rc", "gn", "rc", "dense"),
    faint=(),
    closed=(),
    gain=None,
    lost=None,
    wide=None,
    stuck_runs=(),
    **base,
):
    """Write a study of remedies; `stuck`: blocks that stay at chance; `flat`: those with level gradients; `faint`:
    those whose gradients are a millionth of the others'; `closed`: those with no gradient in any convolution but the
    first, all others being in branches that start at 0.

    `lost`: the block that diverges for every seed; `wide`: the one whose seeds lie far apart; `stuck_runs`: (block,
    seed) of single runs at chance.
    """
    study = design(seeds, **base)
    diverged = [name for name, cell in grids.expand("made", study).items() if cell.block == lost]

    def accuracy(cell):
        place = sum(map(ord, cell.block)) + (cell.supervision > 0)
        at_chance = cell.block in stuck or (cell.block, cell.seed) in stuck_runs
        top = 0.05 if at_chance else 0.3 + {**GAIN, **(gain or {})}[cell.block] + 0.1 * cell.supervision
        return top + WOBBLE[(cell.seed + place) % 3] * (50 if cell.block == wide else 1)

    path = made_cells.write_study(folder, study, accuracy, diverged)
    layers = made_reports.course_layers(5)

    def gradient(block, depth):
        if block in closed and 0 < depth < len(layers) - 1:
            return 0.0
        orders = (0.5 if block in flat else 12) * (1 - depth / len(layers))
        return 1e-4 * 10.0**-orders * (1e-6 if block in faint else 1)

    rows = [
        (name, epoch, layer, depth, gradient(cell.block, depth))
        for name, cell in grids.expand("made", study).items()
        for epoch in (0, 4)
        for depth, layer in enumerate(layers)
    ]
    table = pd.DataFrame(rows, columns=["cell", "epoch", "layer", "depth", "mean_abs"])
    table.assign(first_batch_mean_abs=table["mean_abs"]).to_csv(path / "gradients.csv", index=False)
    return study


def write_search(folder, parameters=336_196, title="CIFAR-100"):
    searched = made_searches.study(max_cells=16)
    folder.mkdir(parents=True)
    plan, best = made_searches.write_summary(folder / "summary", searched)
    (folder / "summary/dataset.json").write_text(json.dumps({"title": title}))
    table = made_searches.read_back(folder, searched)
    (folder / "tables").mkdir()
    search_table.write(folder / "tables/search.csv", table, list(searched.search.keys))
    chosen = {"label": "VGG08", "record": best.model_dump(), "parameters": parameters, "epochs": plan.final_epochs}
    chosen |= {"seeds": [0, 1, 2], "best_val_acc": {"mean": 0.75, "std": 0.004, "values": []}}
    chosen |= {"test_acc": {"mean": 0.742, "std": 0.003, "values": []}}
    (folder / "chosen.json").write_text(json.dumps(chosen))
    return searched


def filled(folder, remedies=None, search=None, **study):
    """The two LaTeX texts as one, with white space collapsed; `remedies` and `search` are keywords, or None."""
    shallow, deep = made_reports.SHALLOW, made_reports.DEEP
    facts = findings.context(summary.load(made_reports.write_study(folder / "cw2", **study)), shallow, deep)
    facts |= {"all_remedies": None, "search": None, **made_reports.AUTHOR}
    if remedies is not None:
        made = write_remedies(folder / "remedies", **remedies)
        facts["all_remedies"] = findings_2020.of_remedies(folder / "remedies", made)
    if search is not None:
        searched = write_search(folder / "search", **search)
        facts["search"] = findings_2020.of_search(folder / "search", searched)
    return " ".join(" ".join(latex.render(template, facts) for template in TEMPLATES).split())


@pytest.mark.parametrize("more", [{}, {"clip": 1.0}, {"activation": "relu"}])
def test_what_a_section_asked_is_answered_whatever_else_the_study_varies(tmp_path, monkeypatch, more):
    """Where a key is null in some cells only, pandas makes it NaN, which differs from itself."""
    factors = {**design().ablations, **({"more": [more]} if more else {})}
    varied = Study(base=design().base.model_dump(exclude_unset=True), ablations=factors)
    monkeypatch.setattr(sys.modules[__name__], "design", lambda *_, **__: varied)
    asked = findings_2020.of_remedies(tmp_path, write_remedies(tmp_path)).asked
    assert {row.level for row, _ in asked} == {"RC", "dense", "supervision 0.3"}


def test_each_paper_is_discussed_in_200_to_300_words(tmp_path):
    text = filled(tmp_path)
    for paper in PAPERS:
        said = re.search(rf"\\newcommand{{\\{paper}}}{{%(.*?) }} (%|\\newcommand)", text)[1]
        said = re.sub(r"\\cite[pt]?(\[.*?\])*{.*?}", "Author (year)", said)
        words = [word for word in re.sub(r"\\[a-z]+|[{}$]", " ", said).split() if re.search("[A-Za-z0-9]", word)]
        assert 200 <= len(words) <= 300, (paper, len(words))


@pytest.mark.parametrize("scenario", SENTENCES)
def test_the_sentences_follow_the_results(tmp_path, scenario):
    remedies, search, study, said, unsaid = SENTENCES[scenario]
    text = filled(tmp_path, remedies, search, **study)
    assert [sentence for sentence in said if sentence not in text] == []
    assert [sentence for sentence in unsaid if sentence in text] == []
    for sign in ("\\VAR", "\\BLOCK", "%>", "nan", "None,", "None)", " . ", " , "):
        assert sign not in text
    plain = text.replace("\\{", "").replace("\\}", "")
    assert plain.count("{") == plain.count("}")


@pytest.mark.parametrize(("loss", "said"), [("label_smoothing", True), ("mse", False), ("focal", False)])
def test_equal_probabilities_have_a_loss_of_ln_c_only_by_the_cross_entropy(tmp_path, loss, said):
    folder = made_reports.write_study(tmp_path)
    pd.read_csv(folder / "cells.csv", dtype=object).assign(loss=loss).to_csv(folder / "cells.csv", index=False)
    facts = findings.context(summary.load(folder), made_reports.SHALLOW, made_reports.DEEP)
    text = latex.render(TEMPLATES[0], facts | {"all_remedies": None, "search": None})
    assert ("the loss of equal probabilities being" in text) == said
    uniform = torch.zeros(1, 10)
    assert (abs(LOSSES[loss](uniform, torch.tensor([0])).item() - math.log(10)) < 1e-6) == said


@pytest.mark.parametrize(
    ("width", "said"), [(1, "have 32 filters; $n=0$"), (0.5, "times a width factor, 0.5 in the first")]
)
def test_the_width_of_the_first_study_is_said(tmp_path, width, said):
    folder = made_reports.write_study(tmp_path)
    cells = pd.read_csv(folder / "cells.csv", dtype=object).assign(width=width)
    cells.to_csv(folder / "cells.csv", index=False)
    facts = findings.context(summary.load(folder), made_reports.SHALLOW, made_reports.DEEP)
    assert said in " ".join(latex.render(TEMPLATES[0], facts | {"all_remedies": None, "search": None}).split())


def test_who_is_named_is_who_is_first(tmp_path):
    study = write_remedies(tmp_path, stuck=("plain", "gn"), flat=("bn_rc", "rc"))
    for name, change in {
        "history.csv": lambda table, cells: (
            table["val_acc"]
            .mask(cells == "dense", 0.5)  # at once all that it reaches
            .mask(cells == "rc", 0.1)  # as if it had learned the training images alone: it has no time at all
        ),
        "gradients.csv": lambda table, cells: table["first_batch_mean_abs"].mask(  # makes the first layer's the largest
            cells == "gn", 1e-20 / table["first_batch_mean_abs"]
        ),
    }.items():
        table = pd.read_csv(tmp_path / "summary" / name)
        changed = change(table, table["cell"].str.split("-").str[1])
        table.assign(**{changed.name: changed}).to_csv(tmp_path / "summary" / name, index=False)
    facts = findings_2020.of_remedies(tmp_path, study)
    assert (facts.top.level, facts.fastest.level, facts.fastest.epochs_to_90) == ("BN+RC", "dense", (1, 0))
    flattest, steepest = facts.flattest.initial.orders, facts.steepest.initial.orders
    assert flattest == facts.levels[0].initial.orders and abs(flattest) < 1 < 10 < abs(steepest)
    assert facts.restored_but_stuck == [] and [row.level for row in facts.steep_but_better] == ["dense"]


def test_a_second_reference_that_diverged_is_none(tmp_path):
    text = filled(tmp_path, remedies={"lost": "bn_rc"})
    assert "in points" in text and "and from VGG" not in text and "Of the others" not in text
    assert "Runs of BN+RC diverged." in text


def test_a_remedy_without_gradients_is_neither_steep_nor_level_and_one_that_diverged_is_not_the_best(tmp_path):
    study = write_remedies(tmp_path, lost="rc")
    table = pd.read_csv(tmp_path / "summary/gradients.csv")
    table[~table["cell"].str.contains("-gn-")].to_csv(tmp_path / "summary/gradients.csv", index=False)
    facts = findings_2020.of_remedies(tmp_path, study)
    assert {row.level for row in facts.levels if row.gradient is None} == {"GN"} and facts.top.level == "BN+RC"
    assert "GN" not in (facts.flattest.level, facts.steepest.level) and not facts.told_apart
    table[:0].to_csv(tmp_path / "summary/gradients.csv", index=False)
    facts = findings_2020.of_remedies(tmp_path, study)
    assert (facts.flattest, facts.steepest, facts.told_apart) == (None, None, False)


@pytest.mark.parametrize("penalty", [{}, {"l1": 1e-5}, {"l2": 5e-4}])
def test_with_a_penalty_it_is_not_known_what_gradient_arrives(tmp_path, penalty):
    facts = findings_2020.of_remedies(tmp_path, write_remedies(tmp_path, stuck=("plain", "gn"), **penalty))
    assert {row.gradient for row in facts.levels} == ({None} if penalty else {"restored", "steep"})
    assert [row.level for row in facts.restored_but_stuck] == ([] if penalty else ["GN"])


def test_a_search_without_its_files_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"chosen\.json: expected a file that .*\.choose` writes"):
        findings_2020.of_search(tmp_path, made_searches.study())


@pytest.mark.skipif(not shutil.which("latexmk"), reason="latexmk is not installed")
def test_the_report_compiles_to_at_most_six_pages(tmp_path):
    made_reports.write_study(tmp_path / "summary", embedded=True, title="digits (scikit-learn)", lrs=(1e-3, 1e-2))
    study = write_remedies(tmp_path / "remedies").model_dump_json(exclude_unset=True)
    searched = write_search(tmp_path / "search")
    widths = {"figures/curves_problem": 3.25, "figures/grad_flow_deep": 3.25, "search/figures/search": 6.75}
    for name, width in widths.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        matplotlib.figure.Figure(figsize=(width, 2)).savefig(tmp_path / f"{name}.pdf")
    tabular = "\\begin{tabular}{lr}" + "VGG38 & 0.001 \\\\" * 16 + "\\end{tabular}\n"
    (tmp_path / "table1.tex").write_text(tabular)
    made = {"plot_remedies": "figures/remedies.pdf", "make_remedies_table": "tables/remedies_statistics.csv"}
    for name, out in made.items():
        inside(name, "--summary", tmp_path / "remedies/summary", "--study", study, "--out", tmp_path / "remedies" / out)
    flags = ["--summary", tmp_path / "summary", "--figures", tmp_path / "figures", "--table", tmp_path / "table1.tex"]
    flags += ["--shallow", "model=vgg08", "--deep", "model=vgg38", "block=plain", "lr=1e-3"]
    flags += ["--template", TEMPLATES[0], "--answers", TEMPLATES[1], "--student-number", "s7654321"]
    flags += ["--remedies", tmp_path / "remedies", "--remedies-study", study]
    flags += ["--search", tmp_path / "search", "--search-study", searched.model_dump_json(exclude_unset=True)]
    command("fill_report", *flags, "--out", tmp_path / "latex")
    run = command("compile_report", tmp_path / "latex/mlp-cw2-2020.tex", "--out", tmp_path / "a.pdf", check=False)
    assert (run.returncode, run.stderr) == (0, "")
    pages = pdf_text(tmp_path / "a.pdf").split("\f")
    assert "Demonstration run." in pages[0] and "s7654321" in pages[0]
    assert next(number for number, page in enumerate(pages, 1) if "\nReferences\n" in page) <= 6
