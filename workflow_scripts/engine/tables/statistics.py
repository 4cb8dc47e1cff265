"""What can be concluded from a few seeds: chance, differences of two configurations with intervals, corrections.

All of it uses Student's t (scipy.stats), for values that are assumed to be normal. Where there are too few values for a
spread, what would need one is NaN, and the verdict is that it cannot be told. Two are never evidence of a difference.
"""

import math
import statistics
import warnings
from typing import NamedTuple

CONFIDENCE = 0.95
SURE = ("higher", "lower")  # verdicts that there is a difference
# Values (or pairs of them) from which on there is a p-value. That of two differences is below 0.05 where they happen to
# be within 16 % of each other, however small they are, and above it where both are large but less alike.
ENOUGH = 3


class Difference(NamedTuple):
    """How far the first mean lies above the second, the ends of its 95 % interval, and the p-value of no difference.

    `pairs` is the number of seeds over which it is paired; 0 where it is not. `p` is NaN below `ENOUGH` values.
    """

    gap: float
    low: float
    high: float
    p: float
    pairs: int

    @property
    def verdict(self):
        """What can be concluded.

        "higher" or "lower" where the p-value is below 0.05 (then the interval excludes 0), else "alike": no difference
        that these seeds could show. "single" where there were too few values for a spread, "none" where there was
        nothing to compare.
        """
        if math.isnan(self.gap):
            return "none"
        if math.isnan(self.low):
            return "single"
        if self.p < 1 - CONFIDENCE:
            return "higher" if self.gap > 0 else "lower"
        return "alike"


def guess(largest_class, num_classes):
    """The accuracy of guessing: of always naming the largest class of the training images, which is this share of them.

    Where the share is not known, NaN, classes are taken to be equally frequent.
    """
    return 1 / num_classes if math.isnan(largest_class) else largest_class


def chance(guess, images):
    """The largest accuracy on `images` images that counts as guessing: three standard deviations above `guess`, the
    share of them that a guess names right."""
    return guess + 3 * math.sqrt(guess * (1 - guess) / images)


def compare(pairs, images=None):
    """The `Difference` of each pair of configurations, given as {seed: value} each; `p` is corrected for their number.

    `images`, one number for each pair, is as for `difference`.
    """
    pairs = list(pairs)
    found = [difference(*pair, images=count) for pair, count in zip(pairs, images or [None] * len(pairs), strict=True)]
    corrected = holm([one.p for one in found])
    return [one._replace(p=p) for one, p in zip(found, corrected, strict=True)]


def difference(first, second, images=None):
    """The `Difference` of two configurations, each given as {seed: value}.

    It is paired over the seeds that both have: these share initial weights and the order of the images, and a seed that
    is missing on one side (it diverged) may well be an unlucky one, whose value on the other side would be compared
    with nothing. Where fewer than two seeds are shared there is no spread of pairs, so it is Welch's (1947) over all
    values, which does not assume equal deviations. The interval is NaN where either has fewer than two values, the
    p-value where it has fewer than `ENOUGH`.

    Accuracies on `images` images are multiples of 1 / images. A few seeds may well differ by the same count of images,
    so a spread too small to be seen is not taken to be 0: the standard error is at least what rounding to such a
    multiple contributes. Where `images` is None, values without a spread are taken as they are.
    """
    from scipy import stats  # takes a second to import, and most commands that import this file compare nothing

    shared = [seed for seed in first if seed in second]
    if paired := len(shared) > 1:
        first, second = ({seed: values[seed] for seed in shared} for values in (first, second))
    one, other = ([float(value) for value in values.values()] for values in (first, second))
    if not (one and other):
        return Difference(math.nan, math.nan, math.nan, math.nan, 0)
    pairs, mean = len(shared) if paired else 0, statistics.fmean(one) - statistics.fmean(other)
    with warnings.catch_warnings(action="ignore"):  # about few values or no spread, which have rules here
        found = stats.ttest_rel(one, other) if paired else stats.ttest_ind(one, other, equal_var=False)
    low, high = map(float, found.confidence_interval(CONFIDENCE))
    # without any spread, Welch's formula of the degrees of freedom has none to go by
    freedom = found.df if paired or low != high else len(one) + len(other) - 2
    least, times = _rounding(images, one, other), float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom))
    p = float(mean == 0) if low == high else float(found.pvalue)
    if (high - low) / 2 < least * times:
        low, high = mean - least * times, mean + least * times
        p = 2 * float(stats.t.sf(abs(mean) / least, freedom))
    return Difference(mean, low, high, p if min(len(one), len(other)) >= ENOUGH else math.nan, pairs)


def _rounding(images, one, other):
    """The standard error of a difference of means that rounding each value to a multiple of 1 / images contributes."""
    return math.sqrt((1 / len(one) + 1 / len(other)) / 12) / images if images else 0.0


def holm(p_values):
    """The p-values of a family of comparisons, adjusted by Holm's method (1979), in the given order.

    The chance of any false finding among all of them is then at most the level used for each. A NaN stays NaN, and does
    not count.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    known = sorted((p, index) for index, p in enumerate(p_values) if not math.isnan(p))
    adjusted, largest = [math.nan] * len(p_values), 0.0
    for place, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - place)))
        adjusted[index] = largest
    return adjusted
