import math

import numpy as np
import pytest
from scipy import stats

from pipeline.core.abtest.confseq import standard_errors, tightest_at
from pipeline.core.abtest.crossing import crossing_probabilities, look_times
from pipeline.core.abtest.power import (
    fixed_information,
    min_detectable_effect,
    pairs_per_unit,
    plan_sample,
    rho_squared,
    sequential_information,
    tau_squared,
)
from tests.core.ab_tests import SPENT, config


def test_one_look_needs_what_the_textbook_says():
    """Chow, Shao and Wang: two means, equal arms, sd 1, difference 0.1: 1,570 each."""
    test = config(primary=SPENT)
    assert plan_sample(test).fixed == pytest.approx(2 * 1_570, abs=2)


def test_one_look_crosses_as_often_as_its_normal_tail():
    found = crossing_probabilities(2.0, [1.0], np.array([1.96]))
    assert float(found[0]) == pytest.approx(stats.norm.sf(-0.04) + stats.norm.cdf(-3.96), abs=0.002)


def test_repeated_looks_cross_as_armitage_and_others_tabled_them():
    """At the 5 % limit of one look: 0.142 after 5 looks, 0.248 after 20 (their table 2)."""
    for looks, rate in ((5, 0.142), (20, 0.248)):
        found = crossing_probabilities(0.0, look_times(looks), np.full(looks, 1.96))
        assert float(found[-1]) == pytest.approx(rate, abs=0.003)


def test_equal_models_cross_less_often_than_alpha():
    times = look_times(100)
    limits = standard_errors(np.array(times) * tightest_at(0.05) / 0.75, 0.05)
    assert float(crossing_probabilities(0.0, times, limits)[-1]) < 0.05


def test_looking_costs_something_on_average_little():
    need = plan_sample(config())
    assert need.fixed < need.average < 1.3 * need.fixed < need.sequential < 2 * need.fixed


def test_the_smallest_effect_that_is_seen_goes_with_the_root_of_the_units():
    test = config()
    need = plan_sample(test)
    assert min_detectable_effect(test, need.sequential) == pytest.approx(0.02, rel=1e-3)
    assert min_detectable_effect(test, 4 * need.sequential) == pytest.approx(0.01, rel=1e-3)
    assert math.isinf(min_detectable_effect(test, 0))


def test_an_uneven_split_needs_more():
    even, uneven = config(), config(split={"model_a": 90, "model_b": 10})
    assert pairs_per_unit(uneven) == pytest.approx(0.09)
    ratio = plan_sample(uneven).fixed / plan_sample(even).fixed
    assert ratio == pytest.approx(0.25 / 0.09, rel=1e-3)


def test_the_sequence_is_tightest_at_three_quarters_of_the_fixed_sample():
    test = config()
    pairs = 0.75 * plan_sample(test).fixed * pairs_per_unit(test)
    assert rho_squared(test) * pairs == pytest.approx(tightest_at(0.05), rel=1e-3)
    variance = test.primary.variance / pairs
    assert tau_squared(test) / variance == pytest.approx(tightest_at(0.05), rel=1e-3)


def test_more_power_needs_more():
    assert fixed_information(0.05, 0.9) > fixed_information(0.05, 0.8)
    assert sequential_information(0.05, 0.9, 0.75) > sequential_information(0.05, 0.8, 0.75)
