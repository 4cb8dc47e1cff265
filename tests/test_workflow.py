"""The real workflow, end to end, on real data that takes a minute: what runs, what runs again, what it says."""

import copy
import json
import re
import shutil
import sys
import textwrap
from pathlib import Path

import matplotlib.figure
import pandas as pd
import pytest

from tests import report_reader
from tests.conftest import ROOT, command, pdf_text
from tests.workflow_runs import CELL, REPORT, TINY, edited, snakemake, to_train, write_config
from workflow_scripts.engine.tables import gathering


def test_the_whole_study_runs_to_its_report(finished):
    folder, said = finished
    results = folder / "results/cw2"
    cells = pd.read_csv(results / "summary/cells.csv")
    assert len(cells) == 5 and set(cells["status"]) == {"finished"}
    for name in [
        "curves_problem",
        "grad_flow_shallow",
        "grad_flow_deep",
        "curves_best",
        "grad_flow_best",
        "gradient_heatmap",
    ]:
        assert (results / f"figures/{name}.pdf").read_bytes().startswith(b"%PDF")
        assert len(pd.read_csv(results / f"figures/{name}.csv"))
    table = (results / "tables/table1.txt").read_text()
    for row in ("VGG08", "VGG38 BN", "VGG38 RC", "VGG38 BN+RC"):
        assert row in table
    if shutil.which("latexmk"):
        assert said.rstrip().endswith(f"The report: {folder / REPORT}")
        assert table in said
    assert not list((folder / "results/.checkpoints").iterdir())


@pytest.mark.skipif(not shutil.which("latexmk"), reason="typesets reports")
def test_the_last_lines_name_all_that_was_asked_for_and_a_table_once(study, project):
    asked = [REPORT, "report/mlp-cw2-2020.pdf", "submission/s1234567.zip"]
    _, said = snakemake(study, *asked, project=project)
    table = (study / "results/cw2/tables/table1.txt").read_text()
    reports = "".join(f"The report: {study / report}\n" for report in asked[:2])
    assert said.endswith(f"{table}\n{reports}The hand-in: {study / asked[2]}\n") and said.count(table) == 1


def test_every_cell_has_a_line_when_it_is_finished(finished):
    """With its numbers, how many of all cells are done, and how long the others will take."""
    folder, said = finished
    lines = re.findall(
        r"^cw2/(\S+): 2 epochs in \d+ s, val acc (\S+)%, test acc (\S+)% \((\d) of 5 cells done(.*)\)$", said, re.M
    )
    assert len(lines) == 5 and lines[-1][3:] == ("5", "")
    assert all(left.endswith(" left") for *_, done, left in lines if done != "5")
    for cell, val_acc, test_acc, *_ in lines:
        test = json.loads((folder / "results/cw2" / cell / "test.json").read_text())
        history = pd.read_csv(folder / "results/cw2" / cell / "history.csv")
        assert float(test_acc) == round(100 * test["test_acc"], 1)
        assert float(val_acc) == round(100 * history["val_acc"][test["epoch"]], 1)
    watched = command("watch", "--results", folder / "results").stdout
    assert re.fullmatch(r"Gradscape: (\d) of \1 cells done\n", watched)


def test_a_cell_holds_what_the_design_says(finished):
    folder = finished[0] / "results/cw2" / CELL.format("vgg38", "bn", 0)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["cell.json", "history.csv", "gradients.csv", "steps.npz", "test.json", "model.safetensors"]
    )
    facts = json.loads((folder / "cell.json").read_text())
    assert facts["record"]["block"] == "bn" and facts["status"] == "finished" and facts["device"] in ("cpu", "cuda")
    history = pd.read_csv(folder / "history.csv")
    assert (
        list(history) == ["epoch", "lr", "train_loss", "train_acc", "val_loss", "val_acc", "seconds"]
        and len(history) == 2
    )
    gradients = pd.read_csv(folder / "gradients.csv")
    assert list(gradients) == [
        "epoch",
        "layer",
        "depth",
        "mean_abs",
        "l2",
        "last_batch_mean_abs",
        "first_batch_mean_abs",
    ]
    assert gradients["depth"].max() == 37 and len(gradients) == 2 * 38


SIDE = "element => getComputedStyle(element).textAlign"


def test_the_html_report_shows_every_figure_and_table(finished, project, tmp_path):
    folder, _ = finished
    target = "results/report/mlp-cw2/mlp-cw2-template.tex"
    _, said = snakemake(folder, "--report", str(tmp_path / "report.zip"), "--", target, project=project)
    assert "The report:" not in said and "Missing" not in said
    with report_reader.opened(tmp_path / "report.zip", tmp_path) as (page, wrong):
        home = page.locator(".prose").inner_text()
        assert "why a deep network fails to train" in home and TINY["studies"]["cw2"]["question"] in home
        assert "System Message" not in home  # what docutils says of wrong markup
        items = report_reader.items(page)
        study = folder / "results/cw2"
        made = [*study.glob("figures/*.pdf"), *study.glob("tables/*.html"), *study.glob("summary/*.html")]
        assert sorted(items) == sorted(str(path.relative_to(folder)) for path in made) and len(items) == 8
        assert {item["category"] for item in items.values()} == {"cw2"}
        shown = {path: report_reader.visit(page, path, item) for path, item in items.items()}
        assert shown["results/cw2/figures/grad_flow_deep.pdf"][1].startswith("Mean absolute gradient of the weights")
        assert all(len(caption) > 100 for _, caption in shown.values())
        labels = {path: {key: value.strip() for key, value in item["labels"].items()} for path, item in items.items()}
        deep = {"shows": "gradient flow of the deep network", "model": "vgg38", "block": "plain", "rate": "0.001"}
        assert labels["results/cw2/figures/grad_flow_deep.pdf"] == deep
        table = pd.read_csv(study / "tables/table1.csv")
        best = table["block"][table["best"]].item()
        assert labels["results/cw2/figures/grad_flow_best.pdf"]["block"] == best != "plain"
        assert labels["results/cw2/figures/curves_best.pdf"]["block"] == f"plain, {best}"

        page.evaluate("app.setView({navbarMode: 'searchresults', searchTerm: 're:grad_flow_(shallow|deep)'})")
        page.get_by_text("gradient flow of the shallow network").wait_for()  # two with one difference are no switch
        path = "results/cw2/summary/cells.html"
        cells, _ = report_reader.visit(page, path, items[path])
        assert cells.locator("tbody tr:visible").count() == 5
        cells.get_by_label("Model").select_option("vgg38")
        assert cells.locator("tbody tr:visible").count() == 4
        sides = {text: cells.get_by_text(text, exact=True).first.evaluate(SIDE) for text in ("Block", "Val. acc. (%)")}
        assert sides == {"Block": "left", "Val. acc. (%)": "right"}  # numbers are aligned by their last digits
    assert wrong == []


def test_the_deep_plain_network_has_vanishing_gradients(finished):
    gradients = pd.read_csv(finished[0] / "results/cw2/summary/gradients.csv").set_index(["cell", "epoch", "depth"])
    ratio = {
        block: gradients.mean_abs[CELL.format("vgg38", block, 0), 1, 0]
        / gradients.mean_abs[CELL.format("vgg38", block, 0), 1, 36]
        for block in ("plain", "bn", "rc", "bn_rc")
    }
    assert ratio["plain"] < 1e-6
    assert all(ratio[block] > 1e-3 for block in ("bn", "rc", "bn_rc"))


def test_nothing_is_done_twice(finished, project):
    folder, _ = finished
    assert to_train(folder, project=project) == []
    with edited(project / "models/blocks.py", "class _Block", "# a comment\nclass _Block"):
        assert to_train(folder, project=project) == []
    with edited(
        project / "workflow_scripts/engine/training/trainer.py", "objective.backward()", "(1 * loss).backward()"
    ):
        assert len(to_train(folder, project=project)) == 5


def test_a_new_seed_trains_the_new_cells_only(study, project):
    config = copy.deepcopy(TINY)
    config["studies"]["cw2"]["grids"][1]["seed"] = [0, 1]
    write_config(study, config)
    blocks = ("plain", "bn", "rc", "bn_rc")
    assert to_train(study, project=project) == sorted(CELL.format("vgg38", block, 1) for block in blocks)


# as README.md says
NEW_BLOCK = textwrap.dedent(
    re.search(r'    @register_block\("bn_tanh"\)\n(?: .*\n|\n)+', (ROOT / "README.md").read_text())[0]
)


def test_a_new_block_is_one_class_and_one_registration(study, project, tmp_path):
    """Only its cell trains, and figures, table and report show it; the tables are as if made from scratch."""
    config = copy.deepcopy(TINY)
    config["studies"]["cw2"]["grids"][1]["block"].append("bn_tanh")
    write_config(study, config)
    with edited(
        project / "models/blocks.py", "    residual = True\n\n\n@", "    residual = True\n\n\n" + NEW_BLOCK + "\n\n@"
    ):
        assert to_train(study, project=project) == [CELL.format("vgg38", "bn_tanh", 0)]
        snakemake(study, "results/report/mlp-cw2/mlp-cw2-template.tex", project=project)
    made = study / "results/cw2"
    assert "VGG38 BN+TANH" in (made / "tables/table1.txt").read_text()
    gathering.gather([made / name for name in pd.read_csv(made / "summary/cells.csv")["cell"]], tmp_path / "anew")
    for name in ("cells.csv", "history.csv", "gradients.csv"):
        assert (tmp_path / "anew" / name).read_bytes() == (made / "summary" / name).read_bytes()
    assert "bn_tanh" in set(pd.read_csv(made / "figures/gradient_heatmap.csv")["block"])


LOST = {"external_runs": {"handed_out": {"folder": "nowhere", "joins": "cw2"}}}
LOST_SAID = (
    "external_runs.handed_out.folder: expected a run with the file nowhere/result_outputs/summary.csv, found none"
)


def test_a_run_made_elsewhere_is_missed_beside_a_summary_without_it(study, project):
    write_config(study, {**TINY, **LOST})
    status, said = snakemake(study, "-n", "results/cw2/summary/cells.csv", project=project, check=False)
    assert status == 1 and LOST_SAID in said and "Traceback" not in said


@pytest.mark.skipif(not shutil.which("latexmk"), reason="typesets reports")
def test_own_words_and_figures_and_a_mistake_in_them_costs_no_report(study, project):
    """The last good one stays, also for the next run, until the mistake is mended."""
    answers, before = "report/mlp-cw2-questions.tex.j2", (study / REPORT).read_bytes()

    def write(words):
        (study / answers).write_text((ROOT / answers).read_text().replace("\\questionOne}{", "\\questionOne}{" + words))

    write("\\nosuchcommand ")
    for _ in range(2):
        status, said = snakemake(study, REPORT, project=project, check=False)
        assert status and "Undefined control sequence" in said and (study / REPORT).read_bytes() == before
    write("\\gradfigure{mine}{A figure of my own.}")
    status, said = snakemake(study, REPORT, project=project, check=False)
    assert status and "mine.pdf: expected this figure, which the report shows, in report/figures or " in said
    (study / "report/figures").mkdir()
    matplotlib.figure.Figure(figsize=(30, 20)).savefig(study / "report/figures/mine.png")  # larger than a page
    snakemake(study, REPORT, project=project)
    assert "A figure of my own." in pdf_text(study / REPORT)
    shutil.rmtree(study / "report/figures")
    (study / answers).unlink()
    snakemake(study, REPORT, project=project)
    assert (study / REPORT).read_bytes() == before


def test_that_a_report_cannot_be_typeset_is_said_at_the_start(study, project, tmp_path, monkeypatch):
    """And at the end it fails, saying what to install."""
    (study / REPORT).unlink(missing_ok=True)
    (tmp_path / "bin").mkdir()
    for program in ("bash", "which"):  # everything Snakemake itself needs
        (tmp_path / "bin" / program).symlink_to(shutil.which(program))
    monkeypatch.setenv("PATH", f"{sys.prefix}/bin:{tmp_path}/bin")
    status, said = snakemake(study, REPORT, project=project, check=False)
    assert status == 1 and "apt-get install --no-install-recommends latexmk" in said
    assert said.index(f"latexmk is not installed: {REPORT} cannot be typeset") < said.index("Execute 1 jobs")


def test_a_cell_that_fails_loses_no_other_and_no_report_of_an_earlier_run_is_named(study, project):
    config = copy.deepcopy(TINY)
    config["studies"]["cw2"]["grids"][0]["batch_size"] = [100, 250, 5000]
    write_config(study, config)
    status, said = snakemake(study, REPORT, project=project, check=False)
    assert status == 1 and "batch_size is 5000, but there are only 1425 training images" in said
    assert len(list((study / "results/cw2").glob("*-batch250-*/cell.json"))) == 1
    assert "The report:" not in said and "best validation accuracy" not in said
    *_, sentence, log, reason = said.split("\n")[:-1]
    assert sentence == "1 job failed; see:"
    assert log.startswith(f"  {study}/results/logs/cw2/vgg08-")
    assert reason == f"    {Path(log.strip()).read_text().rstrip()}" and "batch_size is 5000, but" in reason
