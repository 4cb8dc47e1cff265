"""The look of figures: colours of blocks, and numbers in few digits."""

import pytest
from matplotlib.colors import to_hex

from workflow_scripts.engine.figures import style
from workflow_scripts.engine.tables import labels


def test_a_new_block_gets_a_new_colour_and_changes_none():
    known = {block: style.colour(block) for block in labels.BLOCK_LABELS}
    assert len(set(known.values())) == len(known)
    assert style.colour("newest", known) not in known.values()
    assert {block: style.colour(block, ["newest", *known]) for block in known} == known


@pytest.mark.parametrize("known", [(), ("plain", "bn", "rc", "bn_rc"), tuple(labels.BLOCK_LABELS)], ids=len)
def test_own_blocks_have_colours_that_no_other_block_of_the_study_has(known):
    """They are more than the colours that no built-in block has."""
    own = [f"own_{place}" for place in range(9)]
    found = style.colours([*known, *own])
    assert len({to_hex(colour) for colour in found.values()}) == len(known) + len(own)
    assert style.colours([*reversed(own), *known, *own]) == found
    assert {block: found[block] for block in known} == {block: style.colour(block) for block in known}


@pytest.mark.parametrize(
    ("number", "said"), [(59_716, "59.7 k"), (1_020_000, "1.02 M"), (999_700, "1 M"), (999_400, "999 k"), (7, "7")]
)
def test_counts_have_three_digits(number, said):
    assert style.short(number) == said


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((59_716, 59_784), ["59.72 k", "59.78 k"]),
        ((2.25, 2.2525, 2.255), ["2.25", "2.2525", "2.255"]),
        ((59_716, 233_000, 59_716), ["59.7 k", "233 k", "59.7 k"]),
        ((5,), ["5"]),
    ],
)
def test_numbers_beside_each_other_have_the_digits_that_tell_them_apart(numbers, said):
    assert [style.short(number, style.digits(numbers)) for number in numbers] == said
