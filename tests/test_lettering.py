"""How names are broken into lines, and how many columns a legend has: compared with what Matplotlib draws."""

import itertools

import pytest
from matplotlib.lines import Line2D

from workflow_scripts.engine.figures import lettering, style

NAME = "LEARNED-SCALE-SKIP-INIT-0.01-WITHOUT-BIAS+RC, lr 0.01, wd 0.05; width 2"
WORD = "a" + "wordthatnothingdivides" * 9
WIDTHS = (0.6, 0.9, 1.3, 2, 9)
LONG = "; ".join(f"supervision 0.{place}, lr 0.01" for place in range(9))


def drawn_width(text, size=lettering.LARGE):
    """The width in inches of a text as a figure shows it."""
    with style.look():
        figure = style.figure(9, 3)
        figure.set_dpi(720)  # letters are not moved to whole pixels, as in a PDF
        box = figure.text(0, 0.5, text, fontsize=size).get_window_extent()
    return box.width / figure.dpi


@pytest.mark.parametrize("text", ["VGG38", NAME, "one\nand the other, which is wider\nthree"])
@pytest.mark.parametrize("size", [style.SMALL, lettering.LARGE])
def test_a_text_is_as_wide_as_it_is_drawn(text, size):
    assert lettering.width_of(text, size) == pytest.approx(drawn_width(text, size), rel=0.02)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [NAME, WORD, "VGG38"], ids=["seams", "word", "short"])
def test_a_wrapped_name_loses_no_letter_and_no_line_could_take_the_start_of_the_next(name, width):
    lines = lettering.wrapped(name, width, most=99).split("\n")
    assert max(map(lettering.width_of, lines)) <= width
    assert "".join(lines).replace(" ", "") == name.replace(" ", "")
    if name == WORD:
        fuller = [line + after[0] for line, after in itertools.pairwise(lines)]
        assert all(lettering.width_of(line) > width for line in fuller)


def test_a_name_is_broken_at_the_first_seam_that_suffices():
    """At semicolons before commas, commas before spaces, spaces before signs, and within words only at last."""
    wide = lettering.width_of
    for text, lines in {
        "a b, c d; e f": ["a b, c d;", "e f"],
        "a b, c d": ["a b,", "c d"],
        "a+b c_d": ["a+b", "c_d"],
        "aa+bb": ["aa+", "bb"],
        "aab": ["aa", "b"],
    }.items():
        assert lettering.wrapped(text, max(map(wide, lines)) + 1e-9).split("\n") == lines


@pytest.mark.parametrize("most", [1, 2, 4])
@pytest.mark.parametrize("width", [0.7, 1, 1.6])
@pytest.mark.parametrize("name", [LONG, WORD], ids=["seams", "word"])
def test_of_a_name_too_long_for_its_lines_as_much_as_fits_is_kept_of_both_ends(name, width, most):
    lines = lettering.wrapped(name, width, most=most).split("\n")
    assert len(lines) <= most and max(map(lettering.width_of, lines)) <= width
    start, end = "".join(lines).replace(" ", "").split("…")
    whole = name.replace(" ", "")
    assert start and end and whole.startswith(start) and whole.endswith(end)
    if name == WORD:  # in which nothing but the width decides
        assert len(start) - len(end) in (0, 1)
        more = len(start) + len(end) + 1
        longer = f"{name[: -(-more // 2)]}…{name[len(name) - more // 2 :]}"
        assert len(lettering.wrapped(longer, width, most=99).split("\n")) > most


def test_where_nothing_fits_a_name_is_left_out():
    assert lettering.wrapped("VGG38", 0.06, most=1) == "…"


@pytest.mark.parametrize(
    "labels", [["BN", "RC", "BN+RC", "plain"], [NAME, "BN", "RC"], ["one", "a much longer label"] * 4]
)
@pytest.mark.parametrize("most", [1, 3, 9])
def test_a_legend_has_as_many_columns_as_fit(labels, most):
    """And its lines are counted: Matplotlib, which lays it out anew, needs no more room."""

    def drawn(columns):
        with style.look():
            figure = style.figure(9, 3)
            handles = [Line2D([], [], label=label) for label in fit.labels]
            box = figure.legend(handles=handles, ncols=columns, columnspacing=1.2).get_window_extent()
        return box.width / figure.dpi

    for width in (style.COLUMN, style.PAGE):
        fit = lettering.fitted(labels, width, most)
        assert fit.columns <= min(most, len(labels)) and drawn(fit.columns) <= width
        if fit.columns < min(most, len(labels)):
            assert drawn(fit.columns + 1) > width - 0.2
        rows = -(-len(labels) // fit.columns)
        assert rows <= fit.lines <= rows + sum(label.count("\n") for label in fit.labels)


@pytest.mark.parametrize(("names", "most"), [(["BN", NAME, "RC"], 3), ([NAME] * 4, 2), ([WORD, "BN"], 9)])
def test_axes_do_not_shrink_below_a_legend_of_long_names(names, most):
    def heights(labels):
        with style.look():
            figure = style.figure(style.COLUMN, 2.5)
            axes = figure.subplots()
            lettering.legend(figure, [Line2D([], [], label=label) for label in labels], most)
            figure.draw_without_rendering()
        return axes.get_position().height * figure.get_figheight(), figure.get_figheight()

    (short, of_short), (long, of_long) = heights(["BN"] * len(names)), heights(names)
    assert short - 0.05 < long < short + 0.2 and of_short == 2.5 < of_long


def test_texts_that_lie_on_one_before_them_are_hidden():
    figure = style.figure(9, 2)
    places = {
        "first": 0.1,
        "on the first": 0.12,
        "on the second alone": 0.16,
        "": 0.7,
        "far": 0.69,
        "on the far one": 0.71,
    }
    texts = {name: figure.text(place, 0.5, name) for name, place in places.items()}
    unseen = figure.text(0.4, 0.5, "unseen", visible=False)
    beside = figure.text(0.42, 0.5, "on the unseen")
    of_another_group = figure.text(0.1, 0.5, "of another group")
    lettering.thin(figure, [*texts.values(), unseen, beside], [of_another_group])
    assert [name for name, text in texts.items() if text.get_visible()] == ["first", "on the second alone", "", "far"]
    assert beside.get_visible() and of_another_group.get_visible() and not unseen.get_visible()
