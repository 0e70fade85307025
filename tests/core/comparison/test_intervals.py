import math

import numpy as np
import pytest
from scipy import stats

from pipeline.core.comparison.intervals import expanded_tail, p_value_of_harm, percentile_interval

NAN = float("nan")


def bootstrap_means(sample, draws, rng):
    return rng.choice(sample, (draws, len(sample))).mean(axis=1)


def test_with_many_units_the_interval_is_the_plain_percentile_interval():
    values = np.random.default_rng(0).normal(size=5_000)
    found = percentile_interval(values, 0.95, units=1_000_000)
    plain = np.quantile(values, [0.025, 0.975])
    assert [found.low, found.high] == pytest.approx(plain, abs=0.01)
    assert found.confidence == 0.95


def test_few_units_read_percentiles_further_out_as_student_would():
    assert expanded_tail(0.025, 10) == pytest.approx(
        stats.norm.cdf(stats.t.ppf(0.025, 9) * math.sqrt(10 / 9))
    )


def test_the_interval_of_eight_units_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = {"ours": 0, "plain": 0}
    for _ in range(400):
        means = bootstrap_means(rng.normal(size=8), 400, rng)
        found = percentile_interval(means, 0.95, units=8)
        hits["ours"] += found.low < 0 < found.high
        low, high = np.quantile(means, [0.025, 0.975])
        hits["plain"] += low < 0 < high
    assert hits["ours"] / 400 >= 0.93
    assert hits["plain"] / 400 < 0.92  # what the expansion is for


def test_ends_are_draws_that_happened():
    found = percentile_interval(np.array([1.0, 2.0, 4.0]), 0.9, units=1_000)
    assert (found.low, found.high) == (1.0, 4.0)


def test_a_few_nan_draws_widen_the_interval_and_many_make_it_unknown():
    values = np.arange(1_000.0)
    few, many = values.copy(), values.copy()
    few[::100], many[::10] = NAN, NAN
    whole = percentile_interval(values, 0.9, units=1_000)
    wider = percentile_interval(few, 0.9, units=1_000)
    assert wider.low < whole.low
    assert wider.high > whole.high
    unknown = percentile_interval(many, 0.9, units=1_000)
    assert math.isnan(unknown.low)
    assert math.isnan(unknown.high)


def test_six_units_show_nothing():
    values = np.full(100, 0.3)
    assert math.isnan(percentile_interval(values, 0.95, units=6).low)
    assert math.isnan(p_value_of_harm(values, 0.3, 0.0, units=6))
    assert percentile_interval(values, 0.95, units=7).low == 0.3


def test_harm_at_the_margin_is_accused_as_often_as_alpha_says():
    rng = np.random.default_rng(1)
    p_values = []
    for _ in range(500):
        sample = rng.normal(0.05, 1, 10)
        means = bootstrap_means(sample, 200, rng)
        p_values.append(p_value_of_harm(means, sample.mean(), 0.05, units=10))
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.05)


def test_harm_far_beyond_the_margin_has_a_p_value_below_what_draws_alone_could_give():
    losses = np.random.default_rng(0).normal(0.2, 0.01, 100)
    assert p_value_of_harm(losses, 0.2, 0.05, units=1_000) < 1e-6


def test_p_is_a_half_at_the_margin_and_above_it_below():
    losses = np.random.default_rng(0).normal(0.05, 0.01, 500)
    assert p_value_of_harm(losses, 0.05, 0.05, units=100) == 0.5
    assert p_value_of_harm(losses, 0.04, 0.05, units=100) > 0.8
    assert p_value_of_harm(losses, 0.06, 0.05, units=100) < 0.2


def test_draws_that_all_agree_are_certain():
    same = np.full(50, 0.1)
    assert p_value_of_harm(same, 0.1, 0.05, units=100) == 0.0
    assert p_value_of_harm(same, 0.1, 0.1, units=100) == 1.0


def test_what_is_not_a_number_shows_no_harm():
    losses = np.array([0.1, NAN, 0.2])
    assert math.isnan(p_value_of_harm(losses, 0.1, 0.0, units=100))
    assert math.isnan(p_value_of_harm(np.array([0.1, 0.2]), NAN, 0.0, units=100))
