"""Student's t-test in closed form, which one and two degrees of freedom have: two or three pairs of values."""

import math
import statistics

# degrees of freedom: (the two-sided p-value of |t|, the t whose p-value is 0.05), integrals of the densities
CLOSED = {
    1: (lambda t: 1 - 2 / math.pi * math.atan(t), math.tan(0.95 * math.pi / 2)),
    2: (lambda t: 1 - t / math.sqrt(2 + t**2), 0.95 * math.sqrt(2 / (1 - 0.95**2))),
}


def paired(first, second):
    """Mean difference of two or three pairs, the ends of its 95 % interval, and its p-value."""
    differences = [float(one - other) for one, other in zip(first, second, strict=True)]
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    return from_error(statistics.fmean(differences), error, len(differences) - 1)


def from_error(mean, error, freedom):
    """The same, from the standard error of the mean difference."""
    p_value, reach = CLOSED[freedom]
    return mean, mean - reach * error, mean + reach * error, p_value(abs(mean / error))
