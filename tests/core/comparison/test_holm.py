import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.comparison.holm import holm

P_VALUES = st.lists(st.floats(0, 1), max_size=12)


def test_a_known_family():
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


@given(P_VALUES)
def test_adjusting_never_makes_a_p_value_smaller_nor_larger_than_bonferroni(p_values):
    for raw, adjusted in zip(p_values, holm(p_values), strict=True):
        assert raw <= adjusted <= min(1.0, raw * len(p_values)) + 1e-15


@given(P_VALUES)
def test_adjusting_keeps_the_order(p_values):
    adjusted = holm(p_values)
    order = sorted(range(len(p_values)), key=lambda i: (p_values[i], adjusted[i]))
    assert [adjusted[i] for i in order] == sorted(adjusted)


@given(P_VALUES, st.randoms(use_true_random=False))
def test_the_order_given_never_matters(p_values, random):
    order = random.sample(range(len(p_values)), len(p_values))
    shuffled = holm([p_values[i] for i in order])
    assert shuffled == tuple(holm(p_values)[i] for i in order)


def test_one_true_hypothesis_in_a_family_is_rejected_no_more_often_than_alpha():
    families = np.random.default_rng(0).random((2_000, 8))
    rejected = [min(holm(family)) < 0.05 for family in families.tolist()]
    assert np.mean(rejected) == pytest.approx(0.05, abs=0.015)


def test_a_test_that_could_not_be_made_stays_unknown_and_costs_the_others_nothing():
    adjusted = holm([math.nan, 0.01, 0.04])
    assert math.isnan(adjusted[0])
    assert adjusted[1:] == pytest.approx(holm([0.01, 0.04]))


def test_no_tests_are_no_p_values():
    assert holm([]) == ()


@pytest.mark.parametrize("p", [-0.1, 1.5, math.inf])
def test_what_is_no_p_value_is_refused(p):
    with pytest.raises(ValueError, match="expected numbers from 0 to 1"):
        holm([0.5, p])
