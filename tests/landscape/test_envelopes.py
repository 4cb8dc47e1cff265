"""The range of curves over the learning rates."""

import math

import numpy as np

from workflow_scripts.engine.landscape import envelopes


def test_the_envelope_of_curves_that_end_early():
    curves = [[3.0, 2.0, 1.0, 0.5], [4.0, 1.0], [5.0, math.nan, 0.1, 0.1], [1.0, 3.0, math.inf, 0.0]]
    found = envelopes.envelope([np.array(curve) for curve in curves])
    assert found.min_curve.tolist() == [1, 1, 1, 0.5]
    assert found.max_curve.tolist() == [5, 3, 1, 0.5]
    assert found.runs.tolist() == [4, 3, 1, 1]


def test_the_envelope_of_lagged_distances_begins_with_their_first():
    found = envelopes.envelope([[math.nan, 2.0, 3.0], [math.nan, 1.0, math.nan]])
    np.testing.assert_array_equal(found.min_curve, [math.nan, 1, 3])
    np.testing.assert_array_equal(found.max_curve, [math.nan, 2, 3])
    assert found.runs.tolist() == [0, 2, 1]


def test_the_envelope_of_nothing():
    assert [len(curve) for curve in envelopes.envelope([])] == [0, 0, 0]
    assert [len(curve) for curve in envelopes.envelope([[], []])] == [0, 0, 0]
