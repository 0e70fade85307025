import math

import pytest
from scipy import stats

from pipeline.core.abtest.eprocess import (
    RATIOS,
    Failures,
    add_failures,
    failures_p,
    log_e_value,
)


def test_it_is_the_mean_of_the_likelihood_ratios():
    period, share = Failures(2_500, champion=3, challenger=7), 0.25
    expected = 0.0
    for ratio in RATIOS:
        q = ratio * share / (ratio * share + 1 - share)
        new, null = (stats.binom.pmf(7, 10, p) for p in (q, share))
        expected += new / null / len(RATIOS)
    assert math.exp(log_e_value([period])) == pytest.approx(expected)


def test_its_mean_under_the_null_is_one_at_every_weight():
    """What makes it an e-value: no bet on a fair game wins on average."""
    for points in (100, 2_500, 5_000):
        for failures in (1, 5, 20):
            total = sum(
                stats.binom.pmf(k, failures, points / 10_000)
                * math.exp(log_e_value([Failures(points, failures - k, k)]))
                for k in range(failures + 1)
            )
            assert total == pytest.approx(1.0)


def test_a_challenger_that_may_fail_twice_as_often_is_judged_from_there_on():
    period, share = Failures(2_500, champion=3, challenger=7), 2 * 0.25 / (2 * 0.25 + 0.75)
    expected = 0.0
    for ratio in RATIOS:
        q = ratio * share / (ratio * share + 1 - share)
        new, null = (stats.binom.pmf(7, 10, p) for p in (q, share))
        expected += new / null / len(RATIOS)
    assert math.exp(log_e_value([period], max_ratio=2)) == pytest.approx(expected)
    twice = [Failures(5_000, 100, 200)]
    assert failures_p(twice) < 1e-6
    assert failures_p(twice, max_ratio=2) == 1.0


@pytest.mark.parametrize("times", [0.5, 1.0, 1.9, 2.0])
def test_its_mean_is_one_at_most_for_every_ratio_that_is_allowed(times):
    truth = times * 0.25 / (times * 0.25 + 0.75)
    total = sum(
        stats.binom.pmf(k, 20, truth)
        * math.exp(log_e_value([Failures(2_500, 20 - k, k)], max_ratio=2))
        for k in range(21)
    )
    assert total <= 1 + 1e-12


def test_evidence_carries_across_changes_of_weight_to_the_last_digit():
    steps = [Failures(100, 2, 1), Failures(500, 1, 1), Failures(100, 0, 1), Failures(2_500, 3, 4)]
    so_far: tuple[Failures, ...] = ()
    for step in steps:
        so_far = add_failures(so_far, step)
    assert so_far[0] == Failures(100, 2, 2)
    assert log_e_value(so_far) == log_e_value(steps)
    assert log_e_value(steps) > log_e_value(steps[:1])


def test_few_failures_that_are_all_the_canary_s_are_enough():
    assert failures_p([Failures(500, 0, 3)]) < 0.01  # three of three at 5 % of the traffic
    assert failures_p([Failures(500, 57, 3)]) == 1.0  # three of sixty are what 5 % gives


def test_no_failures_and_no_choice_say_nothing():
    assert failures_p([]) == failures_p([Failures(500, 0, 0)]) == 1.0
    assert failures_p([Failures(0, 100, 0), Failures(10_000, 0, 100)]) == 1.0


@pytest.mark.parametrize("values", [(-1, 0, 0), (10_001, 0, 0), (500, -1, 0), (500, 0, -1)])
def test_counts_that_cannot_be_are_refused(values):
    with pytest.raises(ValueError, match="found"):
        Failures(*values)
