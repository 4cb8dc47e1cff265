"""Figures of loss surfaces, from bowls in closed form."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from tests.conftest import inside
from tests.made_landscapes import records
from tests.made_summaries import write_summary
from workflow_scripts.engine.landscape import names, surface_figures


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_summary(tmp_path_factory.mktemp("study") / "summary", records())


def test_the_workflow_knows_all_figures():
    assert tuple(surface_figures.FIGURES) == names.SURFACES


def write_surface(path, scale, points=9, broken=0):
    """Write a bowl with loss scale * (0.1 + alpha^2 + 2 beta^2), and NaN in the last `broken` rows of the plane."""
    axis = np.linspace(-1, 1, points)
    line = pd.DataFrame({"kind": "line", "alpha": axis, "beta": math.nan, "loss": scale * (0.1 + axis**2), "acc": 0.5})
    alpha, beta = (grid.ravel() for grid in np.meshgrid(axis, axis))
    height = scale * (0.1 + alpha**2 + 2 * beta**2)
    height[len(height) - broken * points :] = math.nan
    plane = pd.DataFrame({"kind": "plane", "alpha": alpha, "beta": beta, "loss": height, "acc": 0.5})
    path.parent.mkdir(exist_ok=True)
    pd.concat([line, plane]).to_csv(path, index=False)
    return path


@pytest.fixture
def bowls(tmp_path):
    """Surfaces for the cells with plain and bn blocks at the first rate."""
    return [write_surface(tmp_path / "s" / f"{cell}.csv", scale) for cell, scale in (("cell0", 4), ("cell3", 1))]


def test_a_plane_is_read_as_it_was_written(folder, bowls):
    (surface, _) = surface_figures.load(folder, bowls)
    alphas, betas, losses = surface.plane()
    assert surface.label == "VGG-A" and losses.shape == (9, 9)
    assert losses == pytest.approx(4 * (0.1 + alphas**2 + 2 * betas[:, None] ** 2))


@pytest.mark.parametrize("name", names.SURFACES)
@pytest.mark.parametrize("broken", [0, 2, 9], ids=["finite", "partly", "nothing finite"])
def test_surfaces_are_drawn(folder, tmp_path, bowls, name, broken):
    write_surface(bowls[0], 4, broken=broken)
    out = tmp_path / "figure.pdf"
    inside("plot_surfaces", "--figure", name, "--summary", folder, "--out", out, "--surfaces", *bowls)
    assert out.read_bytes().startswith(b"%PDF-") and out.stat().st_size < 300_000
    table = pd.read_csv(out.with_suffix(".csv"))
    assert table["network"].unique().tolist() == ["VGG-A", "VGG-A BN"]
    assert len(table) == 2 * (9 if name == "surface_lines" else 81)


def test_contours_of_all_networks_have_the_same_levels(folder, bowls):
    figure, _ = surface_figures.contours(surface_figures.load(folder, bowls))
    filled = [axes.collections[0] for axes in figure.axes[:2]]
    assert filled[0].levels.tolist() == filled[1].levels.tolist()
    assert (filled[0].norm.vmin, filled[0].norm.vmax) == pytest.approx((0.1, 4 * 3.1))
    axes = figure.axes[0]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [text.get_text() for text in labels] == ["−1", "0", "1"]


@pytest.mark.parametrize(("points", "dots", "levels"), [(9, 81, 4), (31, 0, 7)], ids=["few", "many"])
def test_contours_say_how_many_points_they_come_from_and_show_few(folder, bowls, points, dots, levels):
    """Between few points contours are polygons, which say nothing of the surface."""
    for path in bowls:
        write_surface(path, 4, points=points)
    figure, _ = surface_figures.contours(surface_figures.load(folder, bowls))
    assert f"{points} × {points} points at which" in figure.legends[0].texts[1].get_text()
    for axes in figure.axes[:2]:
        assert len(axes.collections[0].levels) == levels
        assert sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() == ".") == dots


@pytest.mark.parametrize("count", [1, 2])
def test_what_is_said_below_contours_is_as_wide_as_the_figure_at_most(folder, bowls, count):
    write_surface(bowls[0], 4, broken=2)
    figure, _ = surface_figures.contours(surface_figures.load(folder, bowls[:count]))
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
    assert " ".join(legend.texts[1].get_text().split()).endswith("points at which the loss was measured")


@pytest.mark.parametrize("losses", [(2.3, 2.31), (1.8, 79), (0.01, 300)], ids=["flat", "one power of ten", "many"])
def test_losses_stand_at_their_heights_and_beside_their_colours(losses):
    """Loss surfaces on photographs span few powers of ten, of which an axis may show one or none."""
    alpha, beta = (grid.ravel() for grid in np.meshgrid([-1, 0, 1], [-1, 0, 1]))
    table = pd.DataFrame({"kind": "plane", "alpha": alpha, "beta": beta, "loss": np.geomspace(*losses, 9), "acc": 0.5})
    figure, _ = surface_figures.view_3d([surface_figures.Surface("A", (0, 0, 0), table)])
    figure.draw_without_rendering()
    space, bar = figure.axes
    assert [text.get_text() for text in space.texts] == ["loss"]
    for axis, found in (space.zaxis, lambda place: 10.0**place), (bar.yaxis, float):
        shown = {found(tick.get_loc()): tick.label1.get_text() or tick.label2.get_text() for tick in axis.majorTicks}
        assert len(shown) > 1
        for loss, label in shown.items():
            power = re.fullmatch(r"\$10\^\{(.*)\}\$", label)
            assert (10.0 ** float(power[1]) if power else float(label)) == pytest.approx(loss, rel=5e-3)


@pytest.mark.parametrize("losses", [(2.2502, 2.2541), (2.3, 2.31), (0.5, 3)], ids=["flat", "nearly", "deep"])
def test_ticks_beside_a_line_differ_and_say_where_they_are(losses):
    alphas = np.linspace(-1, 1, 9)
    table = pd.DataFrame({"kind": "line", "alpha": alphas, "beta": 0.0, "loss": np.geomspace(*losses, 9), "acc": 0.5})
    figure, _ = surface_figures.lines([surface_figures.Surface("A", (0, 0, 0), table)])
    figure.draw_without_rendering()
    axis = figure.axes[0].yaxis
    low, high = axis.get_view_interval()
    ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    places, said = [tick.get_loc() for tick in ticks], [float(tick.label1.get_text()) for tick in ticks]
    assert len(set(said)) == len(said) > 1
    assert said == pytest.approx(places, abs=0.1 * np.diff(places).min())


def test_surfaces_of_nothing_known_are_refused(folder, bowls, tmp_path, refused):
    words = ["--figure", "surface_lines", "--summary", folder, "--out", tmp_path / "f.pdf", "--surfaces"]
    assert "nowhere.csv: expected a file" in refused("plot_surfaces", *words, "nowhere.csv")
    assert "expected the cell other" in refused("plot_surfaces", *words, bowls[0].rename(tmp_path / "other.csv"))
    pd.read_csv(bowls[1]).drop(columns="acc").to_csv(bowls[1], index=False)
    assert "expected the columns acc" in refused("plot_surfaces", *words, bowls[1])
