"""Figures from summaries made from closed forms; what is drawn is read back from the CSV files next to them."""

import dataclasses
import itertools
import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from tests.conftest import command
from tests.made_summaries import CLASSES, EPOCHS, LAYERS, accuracy, record, study, write_summary
from workflow_scripts import plot_curves, plot_grad_flow, plot_gradient_heatmap
from workflow_scripts.engine import commands
from workflow_scripts.engine.figures import curves, grad_flow, style
from workflow_scripts.engine.tables import summary


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_summary(tmp_path_factory.mktemp("full") / "summary", study())


PROBLEM = ["--select", "model=vgg08", "block=plain", "lr=0.001", "--select", "model=vgg38", "block=plain", "lr=0.001"]
FIGURES = {
    "curves_problem": (plot_curves, PROBLEM),
    "curves_best": (plot_curves, ["--best"]),
    "grad_flow": (plot_grad_flow, ["--select", "model=vgg38", "block=plain"]),
    "grad_flow_best": (plot_grad_flow, ["--best"]),
    "heatmap": (plot_gradient_heatmap, ["--select", "model=vgg38", "lr=0.001"]),
    # as for a study whose `compare` selects only by the block, or by nothing
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


def test_unknown_formats(folder, tmp_path, refused):
    message = refused("plot_curves", "--summary", folder, "--best", "--out", tmp_path / "figure.doc")
    assert f"--out: expected a name that ends in .pdf, .svg, .png, found '{tmp_path}/figure.doc'" in message


def test_every_format_that_is_offered_can_be_written():
    assert set(commands.FORMATS) == set(style.UNDATED)


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
        assert guess.get_zorder() > max(train.get_zorder(), val.get_zorder())  # or a network at chance hides it
        ends = axes.collections[1].get_paths()[0].get_extents().get_points()[:, 1]
        mean, std = table[f"val_{panel}"], table[f"val_{panel}_std"]
        assert ends.tolist() == pytest.approx([(mean - std).min(), (mean + std).max()])
    (legend,) = figure.legends
    said = {text.get_text(): line.get_linestyle() for text, line in zip(legend.texts, legend.get_lines(), strict=True)}
    assert (said["training"], said["validation"], said["chance"]) == ("--", "-", ":")


def test_the_band_of_an_accuracy_ends_at_100_percent():
    line = pd.DataFrame({"epoch": [0, 1], **{name: [0.9, 1.0] for name in ("val_acc", "val_loss")}})
    line = line.assign(val_acc_std=0.2, val_loss_std=0.2)
    axes = style.figure(2, 2).subplots()
    for metric, top in (("val_acc", 1), ("val_loss", 1.2)):
        curves.draw_line(axes, line, metric, "black", "-")
        assert axes.collections[-1].get_datalim(axes.transData).y1 == pytest.approx(top)


def test_the_best_is_drawn_once_even_if_it_is_selected_too(folder, run):
    out = run(plot_curves, folder, "--select", "model=vgg08", "block=bn_rc", "--best")
    assert pd.read_csv(out.with_suffix(".csv"))["line"].tolist() == ["VGG08 BN+RC (best of all)"] * EPOCHS


def test_the_best_is_that_of_the_study_and_is_called_so_with_all_that_differs(tmp_path, run):
    """Not the best of the rows like the deep network: the report's text, too, refers to the study's best."""
    records = [record("plain", growth_rate=8), record("bn", growth_rate=8), record("bn_rc", growth_rate=2)]
    source = write_summary(tmp_path / "summary", records)
    table = pd.read_csv(run(plot_curves, source, "--select", "block=plain", "--best").with_suffix(".csv"))
    assert table["line"].unique().tolist() == ["VGG38, growth rate 8", "VGG38 BN+RC, growth rate 2 (best of all)"]


def test_a_cell_that_diverged_has_its_own_line_which_ends(tmp_path, run):
    source = write_summary(tmp_path / "summary", study(["vgg38"], ["rc"]), diverged={1})
    table = pd.read_csv(run(plot_curves, source, "--best").with_suffix(".csv"))
    assert table[table["diverged"].isna()]["seeds"].unique() == [2]
    assert table[table["diverged"] == "cell1"]["epoch"].tolist() == [0]  # it diverged in epoch 1


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("name", [name for name in FIGURES if "best" not in name])
def test_figures_of_nothing_but_divergence(tmp_path, run, name, end):
    module, words = FIGURES[name]
    source = write_summary(tmp_path / "summary", study(blocks=["plain"], seeds=1), diverged={0, 1}, end=end)
    table = pd.read_csv(run(module, source, *words).with_suffix(".csv"))
    assert table["epoch"].unique().tolist() == list(range(end))


def test_grad_flow_shows_the_geometric_mean_over_the_seeds(folder, run):
    table = pd.read_csv(run(plot_grad_flow, folder, "--best").with_suffix(".csv"))
    assert table["layer"].tolist() == list(LAYERS) * EPOCHS
    of_one = [10.0 ** (depth - len(LAYERS) - epoch) for epoch in range(EPOCHS) for depth in range(len(LAYERS))]
    for column, seeds in (("mean_abs", (1 * 2 * 5) ** (1 / 3)), ("mean_abs_min", 1), ("mean_abs_max", 5)):
        assert table[column].to_numpy() == pytest.approx(seeds * np.array(of_one), rel=1e-12)


def test_grad_flow_has_bands_over_the_seeds_of_the_first_and_the_last_epoch(folder):
    found = summary.load(folder)
    table = summary.gradients_of(found, summary.best(summary.over_seeds(found.cells)))
    axes = grad_flow.draw_epochs(table, "title").axes[0]
    bands = [band.get_datalim(axes.transData).intervaly for band in axes.collections]
    ends = [table[table["epoch"] == epoch] for epoch in (0, EPOCHS - 1)]
    assert len(bands) == 2
    for band, end in zip(bands, ends, strict=True):
        assert band == pytest.approx([end["mean_abs_min"].min(), end["mean_abs_max"].max()])
    low, high = axes.get_ylim()
    assert low <= table["mean_abs_min"].min() and table["mean_abs_max"].max() <= high


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


@pytest.mark.parametrize(("epochs", "marks", "ticks"), [(1, ["o", "o"], [0]), (2, ["None", "None"], [0, 1])])
def test_curves_of_one_epoch_are_points_on_an_axis_of_whole_epochs(folder, epochs, marks, ticks):
    found = summary.load(folder)
    found = dataclasses.replace(found, history=found.history[found.history["epoch"] < epochs])
    rows = summary.over_seeds(found.cells)[:1]
    figure = curves.draw(curves.learning_curves(found, rows), rows)
    for axes in figure.axes:
        low, high = axes.get_xlim()
        assert [line.get_marker() for line in axes.lines[:2]] == marks
        assert [tick for tick in axes.get_xticks() if low <= tick <= high] == ticks
    said = {line.get_label(): line.get_marker() for line in figure.legends[0].legend_handles}
    assert [said["training"], said["validation"]] == marks


@pytest.mark.parametrize("many", [2, 3, 5])
def test_a_legend_of_long_names_stays_within_the_figure(tmp_path, many):
    records = [record("bn_rc", growth_rate=2 + place, weight_decay=place / 1000) for place in range(many)]
    found = summary.load(write_summary(tmp_path, records))
    rows = summary.over_seeds(found.cells).assign(best=[True] + [False] * (many - 1))
    figure = curves.draw(curves.learning_curves(found, rows), rows)
    with style.look():
        figure.draw_without_rendering()
        (legend,) = figure.legends
        box = legend.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
    assert all(axes.bbox.height > 0.8 * figure.dpi for axes in figure.axes)


@pytest.mark.parametrize("draw", ["draw_epochs", "draw_heatmap"])
def test_a_long_title_stands_on_several_lines_within_the_figure(folder, draw):
    found = summary.load(folder)
    table = summary.gradients_of(found, summary.over_seeds(found.cells).iloc[0])
    title = "VGG38 BN+RC, lr 0.001, growth_rate network's own, weight_decay 0.0005, optimizer adamw"
    many = ([table] * 4, [title] * 4, ["black"] * 4)
    figure = grad_flow.draw_epochs(table, title) if draw == "draw_epochs" else grad_flow.draw_heatmap(*many)
    with style.look():
        figure.draw_without_rendering()
        boxes = [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]
    assert len(boxes) in (1, 4) and all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert not any(left.overlaps(right) for left, right in itertools.pairwise(boxes))


def test_own_blocks_have_their_colours_of_the_study_in_figures_of_few_of_them(tmp_path):
    blocks = ["plain", *(f"own_{place}" for place in range(5))]
    found = summary.load(write_summary(tmp_path, study(["vgg38"], blocks, 1)))
    rows, of_block = summary.over_seeds(found.cells), style.colours(blocks)
    few = rows[rows["block"].isin(["plain", "own_3"])].reset_index(drop=True)
    figure = curves.draw(curves.learning_curves(found, few), few, found.cells["block"])
    drawn = [to_hex(line.get_color()).upper() for line in figure.legends[0].get_lines()[:2]]
    assert drawn == [of_block["plain"], of_block["own_3"]] and len(set(drawn)) == 2


def test_ticks_are_round():
    assert style.counts(6).tick_values(1, 20).tolist() == [0, 5, 10, 15, 20]
    assert style.Percent().format_ticks([1.0, 0.5, -0.0]) == ["100", "50", "0"]
    assert style.Percent().format_ticks([1.0, 0.995, 0.99]) == ["100.0", "99.5", "99.0"]
