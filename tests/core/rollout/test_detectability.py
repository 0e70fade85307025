"""Whether traffic can show a harm: exact powers, and what a plan is told."""

import math
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from pipeline.core.proportions import MIN_BAD, excess_tail
from pipeline.core.rollout.detectability import (
    POWER,
    Today,
    assess_detectability,
    needed_for_excess,
    needed_for_quantile,
    needed_for_rate,
)
from pipeline.rollout_config import load_rollout_plan
from tests.rollouts import plan

ROOT = Path(__file__).parents[3]
BUSY = Today(60.0, 0.01, 0.78)


def power_of_rate(n: int, limit: float, harm: float, alpha: float) -> float:
    critical = stats.binom.isf(alpha, n, limit) + 1
    return float(stats.binom.sf(critical - 1, n, harm))


@pytest.mark.parametrize(("limit", "harm"), [(0.02, 0.05), (0.02, 0.03), (0.2, 0.3)])
def test_the_needed_samples_have_the_power_and_few_less_have_not(limit: float, harm: float) -> None:
    n = needed_for_rate(limit, harm, 0.01, 0.99)
    assert power_of_rate(n, limit, harm, 0.01) >= 0.985
    assert power_of_rate(int(0.8 * n), limit, harm, 0.01) < 0.985


def test_the_needed_samples_show_an_excess_in_simulated_traffic() -> None:
    n = needed_for_excess(0.01, 0.01, 0.00001, 0.99, 19)
    rng = np.random.default_rng(1)
    bad, base = rng.binomial(n, 0.03, 2_000), rng.binomial(19 * n, 0.01, 2_000)
    shown = [
        x / n - y / (19 * n) >= 0.01 and excess_tail(x, n, y, 19 * n) <= 0.00001
        for x, y in zip(bad, base, strict=True)
    ]
    assert 0.98 <= np.mean(shown) <= 1


@pytest.mark.parametrize(("limit", "harm"), [(0.9, 1.0), (0.5, 0.99), (0.02, 0.3), (0.02, 0.05)])
def test_the_needed_samples_of_a_rate_are_the_least(limit: float, harm: float) -> None:
    n = needed_for_rate(limit, harm, 0.01, POWER)
    assert power_of_rate(n, limit, harm, 0.01) >= POWER > power_of_rate(n - 1, limit, harm, 0.01)


def power_of_excess(n: int, base: float, excess: float, alpha: float, ratio: float) -> float:
    """The chance that Fisher's test and the difference both show it, if it is twice as much."""
    m = round(ratio * n)
    spread = 6 * math.sqrt(m * base * (1 - base))
    counts = range(max(0, int(m * base - spread)), min(m, int(m * base + spread)) + 1)
    quiet = n
    found = 0.0
    for count in reversed(counts):  # the fewer fail of the champion's, the sooner it is seen
        while quiet > 2 and quiet / n - count / m >= excess - 1e-12:
            if excess_tail(quiet, n, count, m) > alpha:
                break
            quiet -= 1
        found += stats.binom.pmf(count, m, base) * stats.binom.sf(quiet, n, base + 2 * excess)
    return float(found)


@pytest.mark.parametrize(
    ("base", "excess", "alpha", "ratio"),
    [(0.01, 0.01, 0.00001, 19), (0.22, 0.05, 0.00001, 1), (0.3, 0.1, 0.2, 1 / 3)],
)
def test_the_needed_samples_of_an_excess_are_nearly_the_least(base, excess, alpha, ratio) -> None:
    n = needed_for_excess(base, excess, alpha, POWER, ratio)
    assert power_of_excess(n, base, excess, alpha, ratio) >= POWER - 0.0005
    assert power_of_excess(int(n * 0.93), base, excess, alpha, ratio) < POWER


def test_where_the_champion_never_fails_or_hardly_serves_an_excess_is_shown_all_the_same() -> None:
    never = needed_for_excess(0.0, 0.01, 0.00001, POWER, 19)
    assert stats.binom.sf(MIN_BAD, never, 0.02) >= POWER
    alone = needed_for_excess(0.0, 0.01, 0.00001, POWER, 0.0001)
    assert alone > 1_000 * never


def test_of_many_failures_the_normal_approximation_is_enough() -> None:
    n = needed_for_excess(0.01, 0.0001, 0.00001, POWER, 19)
    worse, m = 0.0102, 19 * n
    pooled = (n * worse + m * 0.01) / (n + m)
    if_equal = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    if_worse = math.sqrt(worse * (1 - worse) / n + 0.01 * 0.99 / m)
    least = max(0.0001, float(stats.norm.isf(0.00001)) * if_equal)
    assert float(stats.norm.sf((least - 0.0002) / if_worse)) == pytest.approx(POWER, abs=1e-6)


def test_a_quantile_needs_enough_slow_requests() -> None:
    n = needed_for_quantile(0.95, 0.10, 0.99)
    assert float(stats.binom.sf(int(0.05 * n), n, 0.10)) >= 0.985


def test_no_harm_beyond_the_limit_is_shown_by_no_traffic() -> None:
    assert needed_for_rate(0.02, 0.02, 0.01, 0.99) is None
    assert needed_for_quantile(0.95, 0.05, 0.99) is None
    assert needed_for_excess(0.6, 0.3, 0.01, 0.99, 1) is None
    assert needed_for_excess(0.5, 0.25, 0.01, 0.99, 1) is None  # nobody can fail always
    assert needed_for_excess(0.4, 0.25, 0.01, 0.99, 1) is not None
    assert needed_for_excess(0.01, 0.01, 0.01, 0.99, 0) is None  # nobody to compare with


def test_what_a_test_would_show_by_one_or_two_needs_three_all_the_same() -> None:
    n = needed_for_rate(1e-6, 0.05, 0.01, 0.99)
    assert stats.binom.sf(2, n, 0.05) >= 0.99 > stats.binom.sf(2, n - 1, 0.05)


def test_where_no_failure_is_allowed_the_first_one_shows_the_harm() -> None:
    n = needed_for_rate(0.0, 0.05, 0.01, 0.99)
    assert 1 - 0.95**n >= 0.99 > 1 - 0.95 ** (n - 1)


def test_a_harm_that_takes_a_billion_samples_is_shown_by_no_traffic() -> None:
    assert needed_for_rate(0.02, 0.02 + 1e-7, 0.01, 0.99) is None


def test_little_traffic_is_told_which_duration_would_do() -> None:
    found = assess_detectability(plan(), Today(0.1, 0.01, 0.78))
    assert not any(detection.is_detectable for detection in found)
    assert "would show it" in str(found[0])
    needed = found[0]
    seconds = needed.enough.total_seconds()
    assert seconds * 0.1 * 0.05 == pytest.approx(needed.needed, rel=0.01)


def test_much_traffic_shows_everything() -> None:
    found = assess_detectability(plan(), Today(6_000.0, 0.01, 0.78))
    assert all(detection.is_detectable for detection in found)


def test_each_answer_is_one_line_with_its_numbers() -> None:
    (seen, *_) = assess_detectability(plan(), Today(6_000.0, 0.01, 0.78))
    assert str(seen).endswith(f"seen with {seen.needed:,} of {seen.available:,} samples")
    (never, *_) = assess_detectability(plan(), Today(0.0, 0.01, 0.78))
    assert (never.enough, never.available) == (None, 0)
    assert str(never).endswith("no traffic shows it")


def test_nothing_is_promised_of_a_metric_of_ones_own() -> None:
    query = {"value": 'basket{v="{version}"}', "count": 'orders{v="{version}"}'}
    criteria = {"error_rate_max": 0.02, "basket_min": 3.0}
    stage = {"traffic_percentage": 100, "duration": "1h", "success_criteria": criteria}
    own = plan(canary_stages=[stage], metrics={"queries": {"basket": query}})
    assert {d.watches for d in assess_detectability(own, BUSY)} == {"error rate"}


def stage_with(percent: float, **criteria) -> dict:
    return {"traffic_percentage": percent, "duration": "1h", "success_criteria": criteria}


BOTH = [{"error_rate_spike": 0.01}, {"accuracy_drop": 0.05}]


@pytest.mark.parametrize(
    ("stage", "ratio"),
    [({"percent": 0.5}, 199.0), ({"percent": 5}, 19.0), ({"percent": 60}, 2 / 3)],
)
def test_a_condition_needs_what_the_shares_of_both_versions_ask_for(stage, ratio) -> None:
    stages = [stage_with(**stage, error_rate_max=0.02), stage_with(100, error_rate_max=0.02)]
    split = plan(canary_stages=stages, rollback_conditions=BOTH)
    found = [d for d in assess_detectability(split, BUSY) if "champion" in d.harm]
    assert [(d.stage, d.watches, d.harm) for d in found] == [
        (1, "error rate", "worse by 2 % than the champion"),
        (1, "accuracy", "worse by 10 % than the champion"),
    ]  # in stage 2 the champion has nobody to compare with
    errors = needed_for_excess(0.01, 0.01, 0.00001, POWER, ratio)
    labels = needed_for_excess(1 - 0.78, 0.05, 0.00001, POWER, ratio)
    assert [d.needed for d in found] == [max(errors, 300), max(labels, 300)]


def test_a_mirror_compares_as_many_requests_of_either_version() -> None:
    mirror = {"duration": "1h", "success_criteria": {"error_rate_max": 0.02}}
    found = assess_detectability(plan(mirror=mirror), BUSY)
    spike = next(d for d in found if d.stage == 1 and "champion" in d.harm)
    assert spike.needed == needed_for_excess(0.01, 0.01, 0.00001, POWER, 1.0)


@pytest.mark.parametrize(
    ("criterion", "watches", "harm", "needed"),
    [
        (
            {"error_rate_max": 0.02},
            "error rate",
            "at 3 %",
            needed_for_rate(0.02, 0.03, 0.01, POWER),
        ),
        ({"error_rate_max": 0.005}, "error rate", "at 0.5 %", None),  # the champion is over it
        ({"accuracy_min": 0.7}, "accuracy", "at 62 %", needed_for_rate(0.3, 0.38, 0.01, POWER)),
        ({"accuracy_min": 0.4}, "accuracy", "at 2 %", 300),  # fewer than a metric must rest on
        ({"accuracy_min": 0.3}, "accuracy", "at 0 %", 300),  # it cannot be worse than that
        (
            {"error_rate_max": 0.01234},
            "error rate",
            "at 1.47 %",
            needed_for_rate(0.01234, 0.01468, 0.01, POWER),
        ),
        (
            {"latency_p95_max": "150ms"},
            "latency p95",
            "over its limit for 10 % of requests",
            max(needed_for_quantile(0.95, 0.1, POWER), 300),
        ),
    ],
)
def test_a_criterion_is_asked_for_a_harm_as_far_beyond_its_limit_as_the_champion_is_within(
    criterion, watches, harm, needed
) -> None:
    alone = plan(canary_stages=[stage_with(100, **criterion)], rollback_conditions=[])
    (found,) = assess_detectability(alone, BUSY)
    assert (found.watches, found.harm, found.needed) == (watches, harm, needed)
    assert str(found).startswith(f"stage 1: {watches} {harm}: ")


@pytest.mark.parametrize(
    ("criterion", "said"),
    [
        (
            {"error_rate_max": 0.005},
            "error rate at 0.5 %: {}, at 1 %",
        ),
        ({"accuracy_min": 0.8}, "accuracy at 80 %: {}, at 78 %"),
        ({"error_rate_max": 0.01}, "error rate at 1 %: no traffic shows it"),
    ],
)
def test_a_criterion_that_the_champion_itself_fails_is_called_that(criterion, said) -> None:
    fails = "the champion itself fails this criterion"
    alone = plan(canary_stages=[stage_with(100, **criterion)], rollback_conditions=[])
    (found,) = assess_detectability(alone, BUSY)
    assert str(found) == f"stage 1: {said.format(fails)}"


def test_a_p95_needs_its_slow_requests_where_its_metric_asks_for_fewer() -> None:
    query = {"value": "p95({version})", "count": "n({version})", "unit": "s", "min_samples": 1}
    alone = plan(
        canary_stages=[stage_with(100, latency_p95_max="150ms")],
        metrics={"queries": {"latency_p95": query}},
        rollback_conditions=[],
    )
    (found,) = assess_detectability(alone, BUSY)
    assert found.needed == needed_for_quantile(0.95, 0.1, POWER)


def test_labels_are_waited_for_longer_and_there_are_fewer() -> None:
    criteria = {"error_rate_max": 0.02, "accuracy_min": 0.7}
    stages = [stage_with(5, **criteria), stage_with(100, error_rate_max=0.02)]
    slow = Today(0.1, 0.01, 0.78, label_share=0.5, label_delay=timedelta(hours=24))
    found = assess_detectability(plan(canary_stages=stages, rollback_conditions=[]), slow)
    errors, labels = (next(d for d in found if d.watches == n) for n in ("error rate", "accuracy"))
    a_minute = timedelta(minutes=1)
    without_delay = timedelta(seconds=labels.needed / (0.1 * 0.05 * 0.5))
    assert timedelta(0) <= labels.enough - without_delay - timedelta(hours=24) < a_minute
    assert (errors.available, labels.available) == (1, 0)
    of_requests = timedelta(seconds=errors.needed / (0.1 * 0.05))
    assert timedelta(0) <= errors.enough - of_requests < a_minute


def test_a_stage_without_traffic_is_asked_nothing() -> None:
    switch = {"warm_up": "10m", "hold": "1h", "success_criteria": {"error_rate_max": 0.02}}
    found = assess_detectability(plan(type="blue_green", canary_stages=[], blue_green=switch), BUSY)
    assert {detection.stage for detection in found} == {2}


@pytest.mark.parametrize("slow_share", [0.1, 0.2])
def test_a_quantile_is_shown_by_just_the_needed_samples(slow_share: float) -> None:
    def power(n: int) -> float:
        return float(stats.binom.sf(math.floor((1 - 0.95) * n), n, slow_share))

    n = needed_for_quantile(0.95, slow_share, POWER)
    assert power(n) >= POWER > power(n - 1)


def test_labels_that_come_late_are_of_the_stages_before() -> None:
    shipped = load_rollout_plan(ROOT)
    late = Today(60.0, 0.01, 0.78, label_share=0.5, label_delay=timedelta(hours=24))
    found = {(d.stage, d.watches): d for d in assess_detectability(shipped, late)}
    assert found[1, "accuracy"].available == 0
    # The day before the last one: the hours 20 to -4 of the plan, so all of stages 1 to 3.
    share = 2 * 0.05 + 6 * 0.25 + 12 * 0.5
    assert found[4, "accuracy"].available == pytest.approx(share * 3_600 * 60 * 0.5, rel=1e-6)


def test_a_mirror_stage_sees_all_of_the_requests_and_no_label() -> None:
    mirror = {"duration": "1h", "success_criteria": {"error_rate_max": 0.02, "accuracy_min": 0.7}}
    found = assess_detectability(plan(mirror=mirror), Today(0.5, 0.01, 0.78))
    errors, labels = (
        next(one for one in found if one.stage == 1 and one.watches == name)
        for name in ("error rate", "accuracy")
    )
    assert errors.available == 0.5 * 300
    assert labels.available == 0
    assert "no traffic shows it" in str(labels)
    assert {one.stage for one in found} == {1, 2, 3, 4}
