import dataclasses
import math

import numpy as np
import pytest

from pipeline.core.comparison.bootstrap import bootstrap_metrics
from pipeline.core.comparison.improvement import (
    MetricComparison,
    assess_non_inferiority,
    assess_primary,
    compare_metrics,
    improvement_interval,
)
from pipeline.core.comparison.intervals import percentile_interval
from pipeline.core.comparison.resampling import DrawPlan
from pipeline.core.comparison.scoring import METRICS, score
from pipeline.domain import Interval, Verdict
from tests.core.simulated import holdout, policy

NAN = float("nan")
UNKNOWN = Interval(NAN, NAN, 0.95)
POLICY = policy()  # f1_weighted, min_improvement 0.01
PLAN = DrawPlan(draws=100, seed=3, confidence=0.95)


def found(difference, low, high, metric="f1_weighted", champion=0.70):
    """A comparison with this raw difference and raw interval."""
    interval = Interval(low, high, 0.95)
    sign = -1 if metric == "log_loss" else 1
    return MetricComparison(
        metric=metric,
        higher_is_better=sign > 0,
        champion=champion,
        challenger=champion + difference,
        difference=difference,
        interval=interval,
        improvement=sign * difference,
        improvement_interval=improvement_interval(metric, interval),
        champion_interval=UNKNOWN,
        challenger_interval=UNKNOWN,
    )


@pytest.mark.parametrize(
    ("difference", "low", "high", "verdict"),
    [
        (0.02, 0.001, 0.04, Verdict.PASS),
        (0.02, 0.0, 0.04, Verdict.INCONCLUSIVE),  # an interval that touches 0 is not above it
        (0.02, -0.01, 0.05, Verdict.INCONCLUSIVE),
        (0.02, NAN, NAN, Verdict.INCONCLUSIVE),  # too few days for an interval
        (0.01, 0.005, 0.02, Verdict.FAIL),  # exactly min_improvement is not more than it
        (0.71 - 0.70, 0.005, 0.02, Verdict.FAIL),  # 0.010000000000000009: rounding must not win
        (0.005, 0.004, 0.006, Verdict.FAIL),
        (0.0, 0.0, 0.0, Verdict.FAIL),
        (-0.02, -0.03, -0.01, Verdict.FAIL),
        (NAN, NAN, NAN, Verdict.FAIL),
    ],
)
def test_the_primary_metric_must_improve_enough_and_surely(difference, low, high, verdict):
    assert assess_primary(found(difference, low, high), POLICY, 100).verdict is verdict


def test_an_exact_tie_keeps_the_champion_and_says_so():
    gate = assess_primary(found(0.0, 0.0, 0.0), policy(min_improvement=0.0), 100)
    assert gate.verdict is Verdict.FAIL
    assert gate.reason.endswith("That is not more than 0: the champion stays.")


def test_a_falling_log_loss_is_an_improvement_but_stays_a_raw_difference():
    rules = policy(primary_metric="log_loss")
    gate = assess_primary(found(-0.02, -0.03, -0.01, "log_loss"), rules, 100)
    assert gate.verdict is Verdict.PASS
    assert (gate.difference, gate.interval) == (-0.02, Interval(-0.03, -0.01, 0.95))
    assert gate.rule.startswith("log_loss (lower is better) improves by more than 0.01")
    assert gate.reason == (
        "log_loss goes from 0.7000 to 0.6800, an improvement of 0.0200 "
        "(95 % interval 0.0100 to 0.0300 of the improvement). The challenger is better."
    )
    worse = assess_primary(found(0.02, 0.01, 0.03, "log_loss"), rules, 100)
    assert worse.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.0199, 0.01, Verdict.PASS),
        (-0.02, 0.01, Verdict.INCONCLUSIVE),  # a loss of the margin itself is not ruled out
        (-0.03, 0.01, Verdict.INCONCLUSIVE),
        (-0.03, -0.02, Verdict.INCONCLUSIVE),
        (-0.03, -0.0201, Verdict.FAIL),
        (NAN, NAN, Verdict.INCONCLUSIVE),
    ],
)
def test_non_inferiority_is_what_the_interval_shows(low, high, verdict):
    assert assess_non_inferiority(found(-0.01, low, high), 0.02, 100).verdict is verdict
    turned = found(0.01, -high, -low, "log_loss")
    assert assess_non_inferiority(turned, 0.02, 100).verdict is verdict


def test_non_inferiority_of_what_is_not_a_number_fails():
    assert assess_non_inferiority(found(NAN, NAN, NAN), 0.02, 100).verdict is Verdict.FAIL


def test_every_metric_is_compared_with_the_figures_and_draws_of_its_own():
    data = holdout(500, challenger_noise=2)
    models = [data.champion, data.challenger]
    drawn = bootstrap_metrics(data.y, models, 0.5, draws=100, seed=3)
    compared = compare_metrics(data, PLAN)
    assert [one.metric for one in compared] == list(METRICS)
    for one in compared:
        before, after = (score(data.y, model, 0.5)[one.metric] for model in models)
        assert (one.champion, one.challenger, one.difference) == (before, after, after - before)
        values = drawn[one.metric]
        assert one.interval == percentile_interval(values[1] - values[0], 0.95, units=500)
        assert one.champion_interval == percentile_interval(values[0], 0.95, units=500)
        assert one.challenger_interval == percentile_interval(values[1], 0.95, units=500)
        sign = 1 if one.higher_is_better else -1
        assert one.improvement == sign * one.difference
        ends = sorted([sign * one.interval.low, sign * one.interval.high])
        assert [one.improvement_interval.low, one.improvement_interval.high] == ends


def test_swapping_the_models_negates_every_difference():
    data = holdout(500, challenger_noise=2)
    swapped = dataclasses.replace(data, champion=data.challenger, challenger=data.champion)
    for one, other in zip(compare_metrics(data, PLAN), compare_metrics(swapped, PLAN), strict=True):
        assert other.difference == -one.difference
        assert (other.interval.low, other.interval.high) == (-one.interval.high, -one.interval.low)
        assert other.champion_interval == one.challenger_interval


def test_without_a_champion_only_the_challengers_figures_are_known():
    alone = dataclasses.replace(holdout(500), champion=None)
    for one in compare_metrics(alone, PLAN):
        unknown = (one.champion, one.difference, one.improvement, one.interval.low)
        assert all(math.isnan(value) for value in unknown)
        assert one.challenger == score(alone.y, alone.challenger, 0.5)[one.metric]
        assert one.challenger_interval.low < one.challenger_interval.high


def test_days_that_are_too_few_leave_the_interval_unknown():
    data = dataclasses.replace(holdout(500), blocks=np.arange(500) % 6)
    assert all(math.isnan(one.interval.low) for one in compare_metrics(data, PLAN))
