"""Figures and Table 1, from summaries made of closed forms; what is drawn is read back from the CSV files beside."""

import json
import math
import re
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.text import Text

from tests.conftest import command
from workflow_scripts import make_table, plot_curves, plot_grad_flow, plot_gradient_heatmap
from workflow_scripts.engine import curves, grad_flow, result_table, selections, style, summary
from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.record import Cell

CLASSES, EPOCHS = 10, 3
LAYERS = ("entry.conv", "stages.0.reduction.conv0", "stages.0.reduction.conv1", "classifier")
QUALITY = {"plain": 0.1, "bn": 0.6, "rc": 0.7, "bn_rc": 0.8}  # accuracy after the last epoch, seed 0


def accuracy(record, epoch):
    return QUALITY.get(record["block"], 0.5) * (epoch + 1) / EPOCHS + 0.01 * record["seed"]


def mean_gradient(record, epoch, depth):
    return (1 + record["seed"] ** 2) * 10.0 ** (depth - len(LAYERS) - epoch)


def write_summary(folder, records, diverged=(), zero=(), end=1):
    """A summary folder with these records; those whose place is in `diverged` end with NaN in the epoch `end`."""
    cells, history, gradients = [], [], []
    for place, record in enumerate(records):
        name, broken = f"cell{place}", place in diverged
        for epoch in range(end + 1 if broken else EPOCHS):
            known = math.nan if broken and epoch == end else 1.0
            right = accuracy(record, epoch)
            history.append([name, epoch, record["lr"], 2 - right, right / 2, known * (3 - right), right, 1.0])
            for depth, layer in enumerate(LAYERS):
                value = 0.0 if depth in zero else known * mean_gradient(record, epoch, depth)
                gradients.append([name, epoch, layer, depth, value])
        last = dict(zip(["train_loss", "train_acc", "val_loss", "val_acc"], history[-1][3:7], strict=True))
        best = {"best_val_acc": last["val_acc"], "test_loss": 2 * last["val_loss"], "test_acc": last["val_acc"] / 3}
        status = (
            {"status": "diverged", "diverged_step": 17} if broken else {"status": "finished", "diverged_step": None}
        )
        sizes = {"parameters": 59716, "num_classes": CLASSES, "seconds": 3.0}
        cells.append({"cell": name, **record, **sizes, **status, **last, **best})
    folder.mkdir(parents=True, exist_ok=True)
    columns = ["cell", "epoch", "lr", "train_loss", "train_acc", "val_loss", "val_acc", "seconds"]
    pd.DataFrame(cells).to_csv(folder / "cells.csv", index=False)
    pd.DataFrame(history, columns=columns).to_csv(folder / "history.csv", index=False)
    columns = ["cell", "epoch", "layer", "depth", "mean_abs"]
    pd.DataFrame(gradients, columns=columns).to_csv(folder / "gradients.csv", index=False)
    (folder / "dataset.json").write_text(json.dumps({"title": "synthetic", "embedded": False}))
    return folder


def record(block="plain", seed=0, **values):
    """A record; an unregistered block is allowed, as in a summary that an older checkout reads."""
    return {**Cell(**values).model_dump(), "block": block, "seed": seed}


def study(models=("vgg08", "vgg38"), blocks=tuple(QUALITY), seeds=3, **values):
    return [record(block, seed, model=model, **values) for model in models for block in blocks for seed in range(seeds)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_summary(tmp_path_factory.mktemp("full") / "summary", study())


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a command's main() in this process; gives the path of what it wrote."""

    def run(module, summary_folder, *words, out="figure.pdf"):
        out = tmp_path / out
        name = module.__name__.split(".")[-1]
        monkeypatch.setattr(sys, "argv", [name, "--summary", str(summary_folder), "--out", str(out), *words])
        module.main()
        return out

    return run


# Rows


def test_means_and_deviations_over_seeds_are_those_of_numpy(folder):
    study = summary.load(folder)
    rows = summary.over_seeds(study.cells)
    assert list(rows["label"]) == [
        "VGG08", "VGG08 BN", "VGG08 RC", "VGG08 BN+RC", "VGG38", "VGG38 BN", "VGG38 RC", "VGG38 BN+RC",
    ]  # fmt: skip
    for _, row in rows.iterrows():
        cells = study.cells[study.cells["cell"].isin(row["cells"])]
        assert (row["seeds"], row["diverged"], row["finished"]) == (3, 0, row["cells"])
        for metric in summary.METRICS:
            assert row[metric] == pytest.approx(np.mean(cells[metric]))
            assert row[f"{metric}_std"] == pytest.approx(np.std(cells[metric], ddof=1))


def test_a_single_seed_has_a_mean_and_no_deviation(tmp_path):
    rows = summary.over_seeds(summary.load(write_summary(tmp_path, study(seeds=1))).cells)
    assert rows["val_acc"].notna().all()
    assert rows["val_acc_std"].isna().all()


def test_keys_that_are_null_in_some_cells_lose_no_row(tmp_path):
    records = [record(train_items=items, seed=seed) for items in (None, 500) for seed in (0, 1)]
    rows = summary.over_seeds(summary.load(write_summary(tmp_path, records)).cells)
    assert [row["cells"] for _, row in rows.iterrows()] == [["cell0", "cell1"], ["cell2", "cell3"]]
    assert summary.varying(rows) == ["train_items"]
    assert summary.select(rows, {"train_items": None})["group"].tolist() == [0]


def test_means_leave_out_cells_that_diverged(tmp_path):
    cells = summary.load(write_summary(tmp_path, study(["vgg38"], ["rc", "bn"]), {1, 3, 4, 5})).cells
    steps = cells["diverged_step"] + cells["seed"]  # a later one for each seed
    bn, rc = (row for _, row in summary.over_seeds(cells.assign(diverged_step=steps)).iterrows())
    assert (rc["diverged"], rc["finished"], rc["diverged_step"]) == (1, ["cell0", "cell2"], 18)
    assert rc["val_acc"] == pytest.approx((0.70 + 0.72) / 2)
    assert (bn["diverged"], bn["finished"], bn["diverged_step"]) == (3, [], 17)
    assert math.isnan(bn["val_acc"])


def test_gradients_are_those_of_cells_that_finished_in_epochs_that_all_layers_have(tmp_path):
    folder = write_summary(tmp_path, study(["vgg38"], ["rc"]), diverged={1})
    table = pd.read_csv(folder / "gradients.csv")
    table.loc[(table["epoch"] == 2) & (table["depth"] == 1), "mean_abs"] = math.inf
    table.to_csv(folder / "gradients.csv", index=False)
    found = summary.load(folder)
    means = summary.gradients_of(found, summary.over_seeds(found.cells).iloc[0])
    assert means["epoch"].unique().tolist() == [0, 1]
    assert means["mean_abs"].iloc[0] == pytest.approx((1 + 5) / 2 * 10.0 ** -len(LAYERS))


def test_means_over_epochs_are_of_what_is_finite():
    table = pd.DataFrame({"cell": [*"abab"], "epoch": [0, 0, 1, 1], "loss": [1.0, math.inf, 2.0, 4.0]})
    found = summary.over_epochs(table, ["a", "b"], ("epoch",), ("loss",))
    assert found["loss"].tolist() == [1, 3]
    assert found["loss_std"].tolist() == pytest.approx([math.nan, math.sqrt(2)], nan_ok=True)


def test_rows_stand_in_the_order_of_blocks_then_rates(tmp_path):
    records = [record(block, lr=lr) for lr in (0.1, 0.01) for block in ("bn", "plain")]
    rows = summary.over_seeds(summary.load(write_summary(tmp_path, records)).cells)
    assert rows[["block", "lr"]].to_numpy().tolist() == [["plain", 0.01], ["plain", 0.1], ["bn", 0.01], ["bn", 0.1]]


def test_best_is_the_highest_validation_accuracy_then_the_lowest_loss():
    def row(accuracy, loss, diverged=0):
        return {"val_acc": accuracy, "val_loss": loss, "diverged": diverged}

    assert summary.best(pd.DataFrame([row(0.4, 1), row(0.5, 2), row(0.5, 1.5), row(0.5, 1.6)])).name == 2
    assert summary.best(pd.DataFrame([row(0.4, 1), row(0.9, 1, diverged=2)])).name == 0
    with pytest.raises(UserError, match="diverged"):
        summary.best(pd.DataFrame([row(math.nan, math.nan, diverged=1)]))


def test_pick_stays_where_it_was_when_a_grid_grows():
    records = [record("plain", weight_decay=decay, model="vgg38") for decay in (1e-4, 0.0, 1e-3)]
    cells = pd.DataFrame(records).assign(cell="c", parameters=1, num_classes=2, status="finished", diverged_step=None)
    rows = summary.over_seeds(cells.assign(**dict.fromkeys(summary.METRICS, 0.5)))
    assert summary.pick(rows, {"model": "vgg38"})["weight_decay"] == 0
    with pytest.raises(
        UserError, match="--select: expected cells with block=rc, found none; there are: VGG38 lr=0.001"
    ):
        summary.pick(rows, {"block": "rc"}, "--select")


@pytest.mark.parametrize(
    ("model", "block", "label"),
    [
        ("vgg08", "plain", "VGG08"),
        ("vgg38", "bn_rc", "VGG38 BN+RC"),
        ("vgg38", "bn_tanh", "VGG38 BN+TANH"),
        ("vgg_a", "plain", "VGG-A"),
    ],
)
def test_labels(model, block, label):
    assert summary.label({"model": model, "block": block}) == label


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["block=bn", "lr"], "expected KEY=VALUE, for example lr=0.001, but found 'lr'"),
        (["=1"], "expected KEY=VALUE, for example lr=0.001, but found '=1'"),
        (["block=bn", "lr=fast"], "--select block=bn lr=fast is not valid:\n  lr: 'fast'"),
        (["lr=1=2"], "lr: '1=2'"),
        (["rate=1"], "rate: unknown key"),
        (["block=nothing"], "block: 'nothing': unknown block; known: plain"),
    ],
)
def test_selections_that_mean_nothing_are_refused(words, message):
    with pytest.raises(UserError, match=message):
        selections.parse(words)


def test_selections_are_typed_by_the_record():
    assert selections.parse(["lr=1e-3", "epochs=10", "train_items=null", "block=bn"]) == {
        "lr": 0.001, "epochs": 10, "train_items": None, "block": "bn",
    }  # fmt: skip


def test_rows_are_chosen_once_each_in_the_order_in_which_they_are_asked_for(tmp_path):
    records = [record(block, lr=lr) for block in ("plain", "bn") for lr in (0.01, 0.1)]
    rows = summary.over_seeds(summary.load(write_summary(tmp_path, records)).cells)
    words = [["block=bn", "lr=0.1"], ["block=plain", "lr=0.01"], ["lr=0.1", "block=bn"], ["block=bn", "lr=0.01"]]
    assert selections.chosen(rows, words, False)["group"].tolist() == [3, 0, 2]
    assert selections.chosen(rows, words[:2], True)["group"].tolist() == [3, 0, 2]  # of equals the first is the best


@pytest.mark.parametrize("missing", ["cells.csv", "history.csv", "gradients.csv", "dataset.json"])
def test_a_missing_table_is_named(tmp_path, missing):
    (write_summary(tmp_path, study(seeds=1)) / missing).unlink()
    with pytest.raises(UserError, match=missing):
        summary.load(tmp_path)


def test_a_missing_column_is_named(tmp_path):
    cells = pd.read_csv(write_summary(tmp_path, study(seeds=1)) / "cells.csv")
    cells.drop(columns="schedule").to_csv(tmp_path / "cells.csv", index=False)
    with pytest.raises(UserError, match="cells.csv: expected the columns schedule"):
        summary.load(tmp_path)


# Figures

PROBLEM = ["--select", "model=vgg08", "block=plain", "lr=0.001", "--select", "model=vgg38", "block=plain", "lr=0.001"]
FIGURES = {
    "curves_problem": (plot_curves, PROBLEM),
    "curves_best": (plot_curves, ["--best"]),
    "grad_flow": (plot_grad_flow, ["--select", "model=vgg38", "block=plain"]),
    "grad_flow_best": (plot_grad_flow, ["--best"]),
    "heatmap": (plot_gradient_heatmap, ["--select", "model=vgg38", "lr=0.001"]),
    # as of a study whose `compare` selects by the block alone, or by nothing
    "heatmap_of_all": (plot_gradient_heatmap, ["--select"]),
    "grad_flow_of_all": (plot_grad_flow, ["--select"]),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_a_vector_pdf_with_the_same_bytes_each_time(folder, run, name):
    module, words = FIGURES[name]
    first, second = (run(module, folder, *words, out=out).read_bytes() for out in ("first.pdf", "second.pdf"))
    assert first.startswith(b"%PDF-")
    assert b"%%EOF" in first[-8:]
    assert b"/Subtype /Image" not in first
    assert b"/CreationDate" not in first
    assert first == second


def test_the_bytes_do_not_depend_on_the_process(folder, tmp_path):
    for seed in "12":
        out = tmp_path / f"{seed}.pdf"
        command("plot_curves", "--summary", folder, "--out", out, "--best", env={"PYTHONHASHSEED": seed})
    assert (tmp_path / "1.pdf").read_bytes() == (tmp_path / "2.pdf").read_bytes()


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_other_formats(folder, run, suffix):
    assert run(plot_curves, folder, "--best", out=f"figure{suffix}").stat().st_size > 1000
    with pytest.raises(UserError, match="expected a name that ends in .pdf"):
        run(plot_curves, folder, "--best", out="figure.doc")


def test_curves_show_the_mean_and_deviation_of_what_was_asked_for(folder, run):
    table = pd.read_csv(run(plot_curves, folder, *PROBLEM).with_suffix(".csv"))
    assert table.groupby("line", sort=False).size().to_dict() == {"VGG08": EPOCHS, "VGG38": EPOCHS}
    for row in table.itertuples():
        seeds = [accuracy({"block": "plain", "seed": seed}, row.epoch) for seed in range(3)]
        assert row.train_acc == pytest.approx(np.mean(seeds) / 2)
        assert row.val_acc_std == pytest.approx(np.std(seeds, ddof=1))
        assert row.val_loss == pytest.approx(3 - np.mean(seeds))


def test_curves_are_dashed_for_training_with_a_band_and_chance(folder):
    found = summary.load(folder)
    rows = summary.over_seeds(found.cells)[:1]
    table = curves.learning_curves(found, rows)
    figure = curves.draw(table, rows)
    for axes, panel, chance in zip(figure.axes, ("loss", "acc"), (math.log(CLASSES), 1 / CLASSES), strict=True):
        train, val, guess = axes.lines
        assert (train.get_linestyle(), val.get_linestyle(), guess.get_linestyle()) == ("--", "-", ":")
        assert train.get_ydata().tolist() == table[f"train_{panel}"].tolist() and guess.get_ydata()[0] == chance
        assert val.get_ydata().tolist() == table[f"val_{panel}"].tolist()
        ends = axes.collections[1].get_paths()[0].get_extents().get_points()[:, 1]
        mean, std = table[f"val_{panel}"], table[f"val_{panel}_std"]
        assert ends.tolist() == pytest.approx([(mean - std).min(), (mean + std).max()])
    (legend,) = figure.legends
    said = {text.get_text(): line.get_linestyle() for text, line in zip(legend.texts, legend.get_lines(), strict=True)}
    assert (said["training"], said["validation"], said["chance"]) == ("--", "-", ":")


def test_the_best_is_drawn_once_even_if_it_is_selected_too(folder, run):
    out = run(plot_curves, folder, "--select", "model=vgg08", "block=bn_rc", "--best")
    assert pd.read_csv(out.with_suffix(".csv"))["line"].tolist() == ["VGG08 BN+RC"] * EPOCHS


def test_a_cell_that_diverged_has_its_own_line_which_ends(tmp_path, run):
    source = write_summary(tmp_path / "summary", study(["vgg38"], ["rc"]), diverged={1})
    table = pd.read_csv(run(plot_curves, source, "--best").with_suffix(".csv"))
    assert table[table["diverged"].isna()]["seeds"].unique() == [2]
    assert table[table["diverged"] == "cell1"]["epoch"].tolist() == [0]  # in epoch 1 it diverged


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("name", [name for name in FIGURES if "best" not in name])
def test_figures_of_nothing_but_divergence(tmp_path, run, name, end):
    module, words = FIGURES[name]
    source = write_summary(tmp_path / "summary", study(blocks=["plain"], seeds=1), diverged={0, 1}, end=end)
    table = pd.read_csv(run(module, source, *words).with_suffix(".csv"))
    assert table["epoch"].unique().tolist() == list(range(end))


def test_curves_tell_rows_apart_by_what_differs():
    rows = pd.DataFrame([record("bn", lr=0.1, growth_rate=12), record("bn", lr=0.01, weight_decay=0.5)])
    names = curves.names(rows.assign(label="VGG38 BN", finished=[["cell0"], []]))
    assert names == [
        "VGG38 BN, lr 0.1, growth_rate 12, weight_decay 0",
        "VGG38 BN, lr 0.01, growth_rate none, weight_decay 0.5, diverged",
    ]


def test_grad_flow_shows_the_mean_over_the_seeds(folder, run):
    table = pd.read_csv(run(plot_grad_flow, folder, "--best").with_suffix(".csv"))
    assert table["layer"].tolist() == list(LAYERS) * EPOCHS
    mean = (1 + 2 + 5) / 3
    expected = [mean * 10.0 ** (depth - len(LAYERS) - epoch) for epoch in range(EPOCHS) for depth in range(len(LAYERS))]
    assert table["mean_abs"].to_numpy() == pytest.approx(np.array(expected), rel=1e-12)


@pytest.mark.parametrize("zero", [{0}, set(range(len(LAYERS)))], ids=["one layer", "all layers"])
def test_gradients_of_zero_are_marked(tmp_path, zero):
    study_ = summary.load(write_summary(tmp_path, study(["vgg38"], ["plain"], 1), zero=zero))
    table = summary.gradients_of(study_, summary.over_seeds(study_.cells).iloc[0])
    axes = grad_flow.draw_epochs(table, "title").axes[0]
    (mark,) = [line for line in axes.lines if line.get_marker() == "v"]
    assert set(mark.get_xdata()) == zero
    assert [text.get_text() for text in axes.get_legend().texts] == ["exactly zero"]
    flows = [line.get_ydata() for line in axes.lines if line is not mark and len(line.get_ydata()) == len(LAYERS)]
    assert len(flows) == EPOCHS and all(set(np.flatnonzero(np.isnan(flow))) == zero for flow in flows)
    mesh = grad_flow.draw_heatmap([table], ["title"], ["black"]).axes[0].collections[0]
    assert set(np.flatnonzero(np.ma.getmaskarray(mesh.get_array()).any(axis=1))) == zero


def test_a_logarithmic_scale_ends_at_powers_of_ten():
    assert grad_flow.decades(np.array([0.0, 3e-5, 0.02, math.inf, math.nan])) == pytest.approx((1e-5, 0.1))
    assert grad_flow.decades(np.array([0.0])) == (1e-8, 1)
    table = pd.DataFrame({"epoch": 0, "depth": range(4), "layer": LAYERS, "mean_abs": 10.0 ** -np.arange(0, 40, 10)})
    norm = grad_flow.draw_heatmap([table], ["title"], ["black"]).axes[0].collections[0].norm
    assert (norm.vmin, norm.vmax) == pytest.approx((1e-20, 1))


def test_the_heatmap_has_a_panel_for_each_block_unknown_ones_too(tmp_path, run):
    blocks = ["bn_tanh", "bn", "plain", "newest"]
    source = write_summary(tmp_path / "summary", study(["vgg38"], blocks, 1))
    table = pd.read_csv(run(plot_gradient_heatmap, source, *FIGURES["heatmap"][1]).with_suffix(".csv"))
    assert table["block"].unique().tolist() == ["plain", "bn", "bn_tanh", "newest"]
    assert len(table) == len(blocks) * EPOCHS * len(LAYERS)


def test_the_heatmap_takes_the_best_rate_where_the_asked_one_is_absent(tmp_path, run):
    records = [record("plain", lr=0.001), record("bn", lr=0.1), record("bn", seed=1, lr=0.01)]
    out = run(plot_gradient_heatmap, write_summary(tmp_path / "summary", records), *FIGURES["heatmap"][1])
    table = pd.read_csv(out.with_suffix(".csv"))
    assert table.groupby("block")["lr"].unique().map(list).to_dict() == {"plain": [0.001], "bn": [0.01]}


def test_a_new_block_gets_a_new_colour_and_changes_none():
    known = {block: style.colour(block) for block in summary.BLOCK_LABELS}
    assert len(set(known.values())) == len(known)
    assert style.colour("newest") not in known.values()
    assert {block: style.colour(block) for block in known} == known


@pytest.mark.parametrize(
    ("number", "said"), [(59_716, "59.7 k"), (1_020_000, "1.02 M"), (999_700, "1 M"), (999_400, "999 k"), (7, "7")]
)
def test_counts_have_three_digits(number, said):
    assert style.short(number) == said


def test_the_name_of_the_first_layer_keeps_off_the_axis():
    figure = grad_flow.draw_flow(["entry.conv", *(f"stages.0.conv{place}" for place in range(37))], np.full(38, 0.1))
    with style.look():
        figure.draw_without_rendering()
        names = [text for text in figure.findobj(Text) if text.get_text() == "entry" and text.get_visible()]
        assert names and all(name.get_window_extent().x0 >= figure.axes[0].bbox.x0 for name in names)


def test_ticks_are_round():
    assert style.counts(6).tick_values(1, 20).tolist() == [0, 5, 10, 15, 20]
    assert [style.percent(value) for value in (1.0, 0.995, -0.0)] == ["100", "99.5", "0"]


def test_sections_of_layer_names():
    assert grad_flow.sections(LAYERS) == [("entry", 0, 0), ("stage 1", 1, 2), ("classifier", 3, 3)]
    assert grad_flow.sections(["0", "2", "fc.0", "fc.2"]) == [("", 0, 1), ("fc", 2, 3)]


# plot_grad_flows


def test_plot_grad_flows_shows_the_gradients_of_weights():
    model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.BatchNorm1d(1), torch.nn.Linear(1, 1)).double().eval()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 2.0]]))
        model[2].weight.fill_(4.0)
        for layer in (model[0], model[2]):
            layer.bias.zero_()
    model[1].eps = 0.0
    model(torch.tensor([[3.0, -5.0]]).double()).sum().backward()
    # y = 4 (1 * 3 + 2 * -5): dy/dw0 = 4 (3, -5), of which the mean magnitude is 16; dy/dw2 = 3 - 10 = -7
    (line,) = [
        line for line in grad_flow.plot_grad_flows(model.named_parameters()).axes[0].lines if line.get_marker() == "o"
    ]
    assert line.get_ydata() == pytest.approx([16.0, 7.0])


def test_plot_grad_flows_without_gradients_says_what_to_do():
    model = torch.nn.Linear(2, 1)
    with pytest.raises(ValueError, match="call loss.backward"):
        grad_flow.plot_grad_flows(model.named_parameters())
    with pytest.raises(ValueError, match="found none"):
        grad_flow.plot_grad_flows(torch.nn.BatchNorm1d(2).named_parameters())


# Table 1


def test_the_table_says_what_the_rows_say(folder, run):
    out = run(make_table, folder, out="table1.csv")
    table, text, tex = (out.with_suffix(suffix) for suffix in (".csv", ".txt", ".tex"))
    numbers = pd.read_csv(table)
    assert numbers.loc[numbers["best"], "label"].tolist() == ["VGG08 BN+RC"]  # equal to VGG38 BN+RC, which is later
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
    assert words["Val. acc. (%)"].tolist() == ["10.00", "–"]
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
    out = tmp_path / "out" / "figure.csv"
    name, *arguments = (word.format(folder=folder) for word in words)
    result = command(name, *arguments, "--out", out, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.parent.exists()


def test_a_command_on_a_summary_asks_for_what_it_needs(refused):
    assert "the following arguments are required: --summary, --out" in refused("plot_curves")
