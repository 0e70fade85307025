"""The gates of one look: limits, chance, and what is no figure at all."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.core.proportions import binomial_tail, excess_tail
from pipeline.core.rollout.assess import assess_criterion
from pipeline.core.rollout.conditions import assess_difference, assess_latency_spike
from pipeline.core.rollout.samples import Reading, Unread
from pipeline.domain import Verdict
from pipeline.rollout_config import Criterion
from pipeline.rollout_metrics import DEFAULT_METRICS

ERRORS = Criterion("error_rate", "max", 0.02, "number")
ACCURACY = Criterion("accuracy", "min", 0.8, "number")
P95 = Criterion("latency_p95", "max", 150.0, "ms")


def verdict(criterion: Criterion, value: float, n: float) -> Verdict:
    metric = DEFAULT_METRICS[criterion.metric]
    return assess_criterion(criterion, metric, Reading(value, n), 0.01).verdict


@pytest.mark.parametrize(
    ("criterion", "value", "n", "expected"),
    [
        (ERRORS, 0.02, 1_000, Verdict.PASS),  # the limit itself is allowed
        (ERRORS, 0.0, 300, Verdict.PASS),
        (ERRORS, 0.0, 299, Verdict.INCONCLUSIVE),
        (ERRORS, 0.021, 1_000, Verdict.INCONCLUSIVE),  # 21 against 20: chance
        (ERRORS, 0.04, 1_000, Verdict.FAIL),
        (ERRORS, 1.0, 3, Verdict.FAIL),  # three of three are no chance either
        (ERRORS, 1.0, 1, Verdict.INCONCLUSIVE),
        (ERRORS, 1.5, 1_000, Verdict.ERROR),
        (ERRORS, -0.1, 1_000, Verdict.ERROR),
        (ERRORS, math.inf, 1_000, Verdict.ERROR),
        (ACCURACY, 0.8, 300, Verdict.PASS),
        (ACCURACY, 0.79, 300, Verdict.INCONCLUSIVE),
        (ACCURACY, 0.7, 300, Verdict.FAIL),
        (P95, 150.0, 300, Verdict.PASS),
        (P95, 150.1, 300, Verdict.FAIL),
        (P95, 150.1, 299, Verdict.INCONCLUSIVE),
        (P95, math.inf, 300, Verdict.FAIL),
        (P95, -math.inf, 300, Verdict.ERROR),
    ],
)
def test_a_criterion_against_its_limit(criterion, value, n, expected) -> None:
    assert verdict(criterion, value, n) is expected


def test_nothing_measured_is_quiet_and_a_broken_measurement_is_an_error() -> None:
    metric = DEFAULT_METRICS["error_rate"]
    quiet = assess_criterion(ERRORS, metric, Unread("no request yet", is_quiet=True), 0.01)
    broken = assess_criterion(ERRORS, metric, Unread("500"), 0.01)
    assert (quiet.verdict, broken.verdict) == (Verdict.INCONCLUSIVE, Verdict.ERROR)


@given(st.integers(0, 400), st.integers(1, 400), st.floats(0.001, 0.999))
def test_the_binomial_tail_is_the_one_of_the_textbook(events: int, n: int, limit: float) -> None:
    events = min(events, n)
    expected = stats.binom.sf(events - 1, n, limit)
    assert binomial_tail(events, n, limit) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_a_failure_where_none_can_happen_is_no_chance() -> None:
    assert binomial_tail(1, 1_000_000, 0.0) == 0.0
    assert binomial_tail(0, 100, 0.0) == binomial_tail(5, 100, 1.0) == 1.0


@given(st.integers(1, 300), st.integers(1, 3_000), st.data())
def test_the_excess_tail_is_fishers_exact_test(n: int, base_n: int, data) -> None:
    x = data.draw(st.integers(0, n))
    y = data.draw(st.integers(0, base_n))
    table = [[x, n - x], [y, base_n - y]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert excess_tail(x, n, y, base_n) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_excess_tail_of_millions_is_close_to_the_exact_one() -> None:
    exact = stats.hypergeom.sf(3_003_000 - 1, 200_000_000, 6_000_000, 100_000_000)
    found = excess_tail(3_003_000, 100_000_000, 2_997_000, 100_000_000)
    assert found == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("events", [0, 1, 50])
def test_counts_that_cannot_be_are_no_evidence(events: int) -> None:
    assert excess_tail(0, 100, events, 100) == 1.0
    assert excess_tail(500, 100, 0, 100) == 1.0


def test_a_spike_must_be_large_and_more_than_chance() -> None:
    def spike(share: float, n: float) -> Verdict:
        champion = Reading(0.01, 20_000)
        return assess_difference(Reading(share, n), champion, 0.01, 0.00001, is_drop=False).verdict

    assert spike(0.02, 20_000) is Verdict.FAIL  # just the limit, and no chance
    assert spike(0.0199, 20_000) is Verdict.PASS  # no chance, but too small
    assert spike(0.03, 200) is Verdict.PASS  # large, but chance
    assert spike(0.5, 20) is Verdict.FAIL


def test_a_drop_is_one_of_accuracy() -> None:
    def drop(share: float) -> Verdict:
        champion = Reading(0.9, 5_000)
        found = assess_difference(Reading(share, 2_000), champion, 0.05, 0.001, is_drop=True)
        return found.verdict

    assert [drop(0.84), drop(0.86), drop(0.99)] == [Verdict.FAIL, Verdict.PASS, Verdict.PASS]


@pytest.mark.parametrize(
    ("challenger", "champion", "expected"),
    [
        (Reading(149.9, 300), Reading(100.0, 300), Verdict.PASS),
        (Reading(150.0, 300), Reading(100.0, 300), Verdict.FAIL),
        (Reading(math.inf, 300), Reading(100.0, 300), Verdict.FAIL),
        (Reading(900.0, 299), Reading(100.0, 300), Verdict.INCONCLUSIVE),
        (Reading(900.0, 300), Reading(100.0, 299), Verdict.INCONCLUSIVE),
        (Reading(900.0, 300), Reading(math.inf, 300), Verdict.ERROR),
        (Reading(900.0, 300), Reading(0.0, 300), Verdict.ERROR),
        (Reading(-1.0, 300), Reading(100.0, 300), Verdict.ERROR),
        (Reading(100.0, 300), Unread("quiet", is_quiet=True), Verdict.INCONCLUSIVE),
        (Unread("500"), Unread("quiet", is_quiet=True), Verdict.ERROR),
    ],
)
def test_a_latency_spike_against_the_champion(challenger, champion, expected) -> None:
    assert assess_latency_spike(challenger, champion, 50, 300).verdict is expected
