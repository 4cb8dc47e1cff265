"""Intervals, differences and corrections compared with published examples and with closed forms."""

import math

import numpy as np
import pytest
from scipy import stats

from tests import student
from workflow_scripts.engine.tables import statistics

GAINS = (0.05, 0.0, -0.05)
FIVE = np.random.default_rng(5).normal(0.6, 0.02, 5)

# Student's (1908) own example: hours of sleep that ten patients gained by each of two drugs
SLEEP = ((0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0), (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4))


def by_seed(values, first=0):
    return {first + seed: value for seed, value in enumerate(values)}


def test_chance_by_hand():
    assert statistics.chance(0.1, 900) == pytest.approx(0.1 + 3 * 0.01)  # sqrt(0.1 x 0.9 / 900) = 0.01


def test_an_interval_by_hand():
    # for the differences 1, 2, 3: mean 2, deviation 1, standard error 1 / sqrt(3), t(0.975; 2) = 4.302653
    found = statistics.difference(by_seed([1, 2, 3]), by_seed([0, 0, 0]))
    ends = (2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3))
    assert (found.gap, found.low, found.high, found.pairs) == pytest.approx((2, *ends, 3))


@pytest.mark.parametrize("values", [(0.02, 0.05), (-0.01, 0.002), (0.03, 0.01, 0.04), (-0.3, -0.29, -0.25)])
def test_a_difference_over_the_same_seeds_is_paired(values):
    found = statistics.difference(by_seed(values), by_seed([0.0] * len(values)))
    *ends, p = student.paired(values, [0] * len(values))
    assert found[:3] == pytest.approx(ends, rel=1e-12) and found.pairs == len(values)
    if len(values) < 3:
        assert math.isnan(found.p) and found.verdict == "alike"
    else:
        assert found.p == pytest.approx(p, rel=1e-12)
        assert (found.p < 0.05) == (found.verdict != "alike") == (not found.low <= 0 <= found.high)


@pytest.mark.parametrize(("second", "excluded"), [(0.0234, True), (0.0235, False), (0.2, False)])
def test_two_seeds_are_no_evidence_however_alike_they_are(second, excluded):
    """By Student's t with one degree of freedom, |a - b| < 2 |mean| / 12.706 would do: differences 16 % apart."""
    found = statistics.difference(by_seed([0.02, second]), by_seed([0.0, 0.0]))
    assert (found.low > 0) == excluded and found.verdict == "alike"
    of_each = statistics.difference(by_seed([0.9, 0.9001, 0.9]), by_seed([0.1, 0.1001], first=3))
    assert of_each.low > 0 and of_each.verdict == "alike"
    three = by_seed([0.02, 0.021, 0.0205])
    family = statistics.compare([(by_seed([0.02, second]), by_seed([0.0, 0.0])), (three, dict.fromkeys(three, 0.0))])
    assert family[1] == statistics.difference(three, dict.fromkeys(three, 0.0))  # nor do they count in a family


@pytest.mark.parametrize(
    ("start", "ends", "p", "pairs"),
    [
        (0, (-2.4598858, -0.7001142), 0.002833, 10),  # R 4: t.test(extra ~ group, data = sleep, paired = TRUE)
        (10, (-3.3654832, 0.2054832), 0.07939, 0),  # and without `paired`, Welch's
        (9, (-3.3654832, 0.2054832), 0.07939, 0),  # one shared seed makes no pairs with a spread
    ],
)
def test_the_example_of_student_as_r_computes_it(start, ends, p, pairs):
    first, second = SLEEP
    found = statistics.difference(by_seed(first), by_seed(second, first=start))
    assert (found.gap, found.pairs) == (pytest.approx(-1.58), pairs)
    assert (found.low, found.high) == pytest.approx(ends, abs=5e-8) and found.p == pytest.approx(p, rel=5e-4)


def test_a_difference_without_two_shared_seeds_is_that_of_welch():
    # of two counts and deviations that are equal: Student's with 2 + 2 - 2 degrees of freedom
    found = statistics.difference(by_seed([0.5, 0.75]), by_seed([0.0, 0.25], first=2))
    error = math.sqrt(0.25**2 / 2 / 2 * 2)  # the variance of two values, over their count, twice
    assert found[:3] == pytest.approx(student.from_error(0.5, error, 2)[:3], rel=1e-12) and found.pairs == 0


@pytest.mark.parametrize("lost", [(0,), (4,), (1, 3)])
def test_seeds_that_one_side_lacks_play_no_part(lost):
    first, second = FIVE, FIVE + np.random.default_rng(7).normal(0.01, 0.01, 5)
    kept = [seed for seed in range(5) if seed not in lost]
    expected = statistics.difference(by_seed(first[kept]), by_seed(second[kept]))
    there = {seed: value for seed, value in by_seed(second).items() if seed not in lost}
    for sign, pair in ((1, (by_seed(first), there)), (-1, (there, by_seed(first)))):
        found = statistics.difference(*pair)
        assert (found.gap, found.pairs) == (pytest.approx(sign * np.mean(first[kept] - second[kept])), len(kept))
        assert found.p == pytest.approx(expected.p)


def test_the_order_of_the_seeds_does_not_matter():
    first, second = {0: 0.5, 1: 0.6, 2: 0.7}, {2: 0.6, 0: 0.45, 1: 0.5}
    assert statistics.difference(first, second).p == statistics.difference(first, dict(sorted(second.items()))).p


@pytest.mark.parametrize(
    ("first", "second"), [({0: 0.5}, {0: 0.6}), ({0: 0.5}, {1: 0.6}), ({0: 0.5}, {0: 0.6, 1: 1.0})]
)
def test_one_seed_cannot_tell(first, second):
    found = statistics.difference(first, second)
    assert math.isfinite(found.gap) and math.isnan(found.low) and math.isnan(found.high) and math.isnan(found.p)
    assert found.verdict == "single"


@pytest.mark.parametrize(("first", "second"), [({}, {}), ({}, {0: 0.5}), ({0: 0.5, 1: 0.6}, {})])
def test_without_values_there_is_nothing_to_compare(first, second):
    assert statistics.difference(first, second).verdict == "none"


def test_differences_without_spread():
    same = {0: 0.5, 1: 0.5}
    for one in (same, {**same, 2: 0.5}):
        assert statistics.difference(one, one).verdict == "alike"
    for value in (0.1, 0.2, 0.7):  # the mean of three of these is not the mean of four, to the last bit
        three, four = (dict.fromkeys(seeds, value) for seeds in (range(3), range(3, 7)))
        assert statistics.difference(three, four).verdict == "alike"
    # three seeds that differ by the same number of images, even where rounding makes their differences unequal
    found = statistics.difference(*({seed: count / 150 for seed in range(3)} for count in (114, 113)), images=150)
    assert found.verdict == "alike"
    three = {seed: 0.75 for seed in range(3)}
    for seeds in (three, (3, 4, 5)):
        assert statistics.difference(three, dict.fromkeys(seeds, 0.5)).verdict == "higher"


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_spread_below_a_step_of_an_accuracy_is_not_seen(seeds):
    """The error by hand, for equal differences of 4 of 300 images: rounded to a 300th, a value is off by 1/sqrt(12)."""
    first = {seed: (200 + 3 * seed) / 300 for seed in range(seeds)}
    second = {seed: value - 4 / 300 for seed, value in first.items()}
    error = math.sqrt(2 / seeds / 12) / 300
    for other, pairs in ((second, seeds), ({seeds + seed: value for seed, value in enumerate([0.5] * seeds)}, 0)):
        mine = first if pairs else dict.fromkeys(first, 0.52)
        found = statistics.difference(mine, other, images=300)
        freedom = seeds - 1 if pairs else 2 * seeds - 2
        reach = error * stats.t.ppf(0.975, freedom)
        assert (found.high - found.gap, found.gap - found.low) == pytest.approx((reach, reach))
        p = 2 * stats.t.sf(found.gap / error, freedom) if seeds > 2 else math.nan
        assert found.p == pytest.approx(p, nan_ok=True) and found.pairs == pairs


def test_unequal_spreads_below_a_step_keep_the_degrees_of_freedom_of_welch():
    first, second = [0.5, 0.5 + 1e-9, 0.5], [0.4, 0.4 + 1e-6, 0.4]
    freedom = stats.ttest_ind(first, second, equal_var=False).df
    assert freedom == pytest.approx(2, abs=1e-3)  # the second's alone, as the first hardly varies; together they had 4
    found = statistics.difference(by_seed(first), by_seed(second, first=3), images=300)
    reach = math.sqrt((1 / 3 + 1 / 3) / 12) / 300 * stats.t.ppf(0.975, freedom)
    assert (found.high - found.gap, found.gap - found.low) == pytest.approx((reach, reach))


def test_a_spread_above_a_step_of_an_accuracy_is_as_it_is():
    first, second = {0: 0.60, 1: 0.62, 2: 0.61}, {0: 0.55, 1: 0.56, 2: 0.55}
    assert statistics.difference(first, second, images=1000) == statistics.difference(first, second)


@pytest.mark.parametrize("images", [90, 300, 2500])
def test_few_seeds_that_differ_by_chance_are_seldom_found_to_differ(images):
    """12 levels without any effect, 3 seeds: in about 5 % of families anything is found, as Holm promises."""
    random, wrong, trials = np.random.default_rng(images), 0, 200
    for _ in range(trials):
        base = {seed: int(count) for seed, count in enumerate(random.normal(0.8 * images, 2, 3))}
        levels = [{seed: base[seed] + round(random.normal(0, 2)) for seed in base} for _ in range(12)]
        pairs = [
            tuple({seed: count / images for seed, count in one.items()} for one in (level, base)) for level in levels
        ]
        wrong += any(found.verdict in statistics.SURE for found in statistics.compare(pairs, [images] * 12))
    assert wrong / trials < 0.08


@pytest.mark.parametrize(
    ("given", "adjusted"),
    [
        ([0.02], [0.02]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        # Holm (1979) by hand: 4 x 0.005, 3 x 0.01, then 2 x 0.03; 0.04 may not end below the value before it
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        # as statsmodels.stats.multitest.multipletests(method="holm") and R's p.adjust give it
        ([0.001, 0.008, 0.039, 0.041, 0.042], [0.005, 0.032, 0.117, 0.117, 0.117]),
        ([0.9, 0.8], [1.0, 1.0]),
        ([], []),
    ],
)
def test_the_correction_of_holm(given, adjusted):
    assert statistics.holm(given) == pytest.approx(adjusted)


def test_a_comparison_that_cannot_be_made_does_not_count():
    first, unknown, third = statistics.holm([0.01, math.nan, 0.03])
    assert (first, third) == pytest.approx((0.02, 0.03)) and math.isnan(unknown)


def test_comparisons_of_one_family_are_corrected_together():
    base = by_seed(FIVE)
    pairs = [(by_seed(FIVE + np.random.default_rng(n).normal(gain, 0.01, 5)), base) for n, gain in enumerate(GAINS)]
    found = statistics.compare(pairs)
    single = [statistics.difference(*pair) for pair in pairs]
    corrected = statistics.holm([one.p for one in single])
    assert found == [one._replace(p=p) for one, p in zip(single, corrected, strict=True)]
    assert [one.verdict for one in found] == ["higher", "alike", "lower"] and found[2].gap < 0 < found[0].gap
    alone = statistics.compare(pairs[:1])
    assert alone[0].p == single[0].p < found[0].p


def test_a_verdict_needs_the_corrected_value():
    found = statistics.difference({0: 0.60, 1: 0.62, 2: 0.61}, {0: 0.55, 1: 0.56, 2: 0.55})
    assert found.p < 0.05 and found.low > 0
    assert found.verdict == "higher" and found._replace(p=0.06).verdict == "alike"
    assert found._replace(gap=-found.gap, low=-found.high, high=-found.low).verdict == "lower"
