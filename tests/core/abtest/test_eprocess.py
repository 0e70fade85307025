import json
import math

import pytest
from scipy import stats

from pipeline.core.abtest.eprocess import (
    RATIOS,
    Failures,
    add_failures,
    failures_from_json,
    failures_p,
    failures_to_json,
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


def test_evidence_carries_across_weights_and_restarts_to_the_last_digit():
    steps = [Failures(100, 2, 1), Failures(500, 1, 1), Failures(100, 0, 1), Failures(2_500, 3, 4)]
    straight: tuple[Failures, ...] = ()
    restarted: tuple[Failures, ...] = ()
    for step in steps:
        straight = add_failures(straight, step)
        saved = json.dumps(failures_to_json(restarted))
        restarted = add_failures(failures_from_json(json.loads(saved)), step)
    assert restarted == straight
    assert straight[0] == Failures(100, 2, 2)
    assert log_e_value(restarted) == log_e_value(steps)
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
