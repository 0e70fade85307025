import math

import numpy as np
import pytest
from scipy import stats

from pipeline.core.abtest.fixed_horizon import mann_whitney_of_proportions, welch
from pipeline.core.abtest.sums import Sums, counts, sums_of


def test_welch_from_sums_is_welch_from_the_outcomes():
    generator = np.random.default_rng(0)
    a, b = generator.normal(0, 1, 400), generator.normal(0.1, 3, 90)
    expected = stats.ttest_ind(a, b, equal_var=False).pvalue
    assert welch(sums_of(a), sums_of(b)) == pytest.approx(expected)


def test_mann_whitney_from_counts_is_mann_whitney_from_the_outcomes():
    a, b = np.repeat([0.0, 1.0], [300, 500]), np.repeat([0.0, 1.0], [150, 320])
    expected = stats.mannwhitneyu(a, b, alternative="two-sided").pvalue
    found = mann_whitney_of_proportions(counts(800, 500), counts(470, 320))
    assert found == pytest.approx(expected)


def test_too_little_is_no_p_value():
    flat = sums_of([1.0, 1.0, 1.0])
    assert math.isnan(welch(flat, flat))
    assert math.isnan(welch(sums_of([1.0]), sums_of([1.0, 2.0])))
    assert math.isnan(mann_whitney_of_proportions(Sums(), counts(5, 2)))
    assert math.isnan(mann_whitney_of_proportions(counts(5, 5), counts(5, 5)))
