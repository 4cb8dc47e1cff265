"""Gradients drawn by layer: the axes, the names of the layers' sections, what is zero, and `plot_grad_flows`."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.text import Text

from tests.lettered_figures import faults, texts
from tests.made_summaries import EPOCHS, LAYERS, study, write_summary
from workflow_scripts.engine.figures import grad_flow, style
from workflow_scripts.engine.tables import summary


def test_layers_beside_the_main_path_are_set_apart():
    layers = ["entry.conv", "stages.0.reduction.conv0", "stages.0.companion", "classifier"]
    rows = [(epoch, depth, layer, 10.0 ** (depth - 4)) for epoch in (0, 1) for depth, layer in enumerate(layers)]
    table = pd.DataFrame(rows, columns=["epoch", "depth", "layer", "mean_abs"])
    table = table.assign(mean_abs_min=table["mean_abs"], mean_abs_max=table["mean_abs"])
    axes = grad_flow.draw_epochs(table, "title").axes[0]
    drawn = [(list(line.get_xdata()), line.get_linestyle()) for line in axes.lines]
    assert drawn.count(([0, 1, 3], "-")) == drawn.count(([2], "None")) == 2
    mesh = grad_flow.draw_heatmap([table], ["title"], ["black"]).axes[0].collections[0]
    assert mesh.get_array().filled().tolist() == [[10.0 ** (depth - 4)] * 2 for depth in (0, 1, 3)]


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


STAGES = ["entry.conv", *(f"stages.0.conv{place}" for place in range(6)), "stages.1.conv0", "fc"]


@pytest.mark.parametrize(
    ("paths", "named", "tops"),
    [
        ([LAYERS, LAYERS], [["entry", "stage 1", "classifier"], []], [3.5, 3.5]),
        ([LAYERS, STAGES], [["entry", "stage 1", "classifier"], ["entry", "stage 1", "stage 2", "fc"]], [3.5, 8.5]),
        ([LAYERS, [], LAYERS], [["entry", "stage 1", "classifier"], [], []], [3.5, 3.5, 3.5]),
    ],
    ids=["alike", "differ", "one has nothing"],
)
def test_panels_of_the_heatmap_share_their_labels_where_they_share_their_layers(paths, named, tops):
    columns = ["epoch", "depth", "layer", "mean_abs"]
    tables = [
        pd.DataFrame([(0, depth, layer, 0.1) for depth, layer in enumerate(layers)], columns=columns).astype(
            {"mean_abs": float}
        )
        for layers in paths
    ]
    panels = grad_flow.draw_heatmap(tables, ["title"] * len(paths), ["black"] * len(paths)).axes[: len(paths)]
    shown = [[label.get_text() for label in axes.get_yticklabels() if label.get_visible()] for axes in panels]
    assert [[text for text in labels if not text.startswith("$")] for labels in shown] == named
    assert [axes.get_ylim()[1] for axes in panels] == tops


@pytest.mark.parametrize(
    "layers",
    [
        ["entry.conv", *(f"stages.0.conv{place}" for place in range(36)), "classifier"],
        [*(f"conv{place}" for place in range(1, 14)), "classifier"],
        ["stem", *(f"stages.{place // 2}.conv" for place in range(22)), "head"],
        ["0", "2", "a_first_layer_with_a_very_long_name.conv", "fc"],
    ],
    ids=["as they are", "each its own", "eleven stages", "long"],
)
def test_the_names_of_sections_do_not_overlap(layers):
    means = np.geomspace(1e-9, 1e-3, len(layers))
    rows = [(epoch, depth, layer, 0.1) for epoch in (0, 1) for depth, layer in enumerate(layers)]
    table = pd.DataFrame(rows, columns=["epoch", "depth", "layer", "mean_abs"])
    table = table.assign(mean_abs_min=table["mean_abs"], mean_abs_max=table["mean_abs"])
    figures = [grad_flow.draw_flow(layers, means), grad_flow.draw_epochs(table, "title")]
    for figure in [*figures, grad_flow.draw_heatmap([table] * 3, ["title"] * 3, ["black"] * 3)]:
        assert faults(figure) == []
        found = grad_flow.sections(layers)
        said = {text for text, _ in texts(figure)}
        assert sum(name in said or not name for name, _, _ in found) >= 2  # only what does not fit is left out


def test_the_name_of_the_first_layer_keeps_off_the_axis():
    figure = grad_flow.draw_flow(["entry.conv", *(f"stages.0.conv{place}" for place in range(37))], np.full(38, 0.1))
    with style.look():
        figure.draw_without_rendering()
        names = [text for text in figure.findobj(Text) if text.get_text() == "entry" and text.get_visible()]
        assert names and all(name.get_window_extent().x0 >= figure.axes[0].bbox.x0 for name in names)


def test_sections_of_layer_names():
    assert grad_flow.sections(LAYERS) == [("entry", 0, 0), ("stage 1", 1, 2), ("classifier", 3, 3)]
    assert grad_flow.sections(["0", "2", "fc.0", "fc.2"]) == [("", 0, 1), ("fc", 2, 3)]


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
