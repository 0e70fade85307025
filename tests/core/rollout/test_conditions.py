"""Rollback conditions: what is compared with what, and what their gates say."""

from __future__ import annotations

import math

import pytest

from pipeline.core.proportions import excess_tail
from pipeline.core.rollout.conditions import (
    UNJUDGED,
    assess_conditions,
    assess_difference,
    assess_latency_spike,
)
from pipeline.core.rollout.observation import Observation
from pipeline.core.rollout.samples import Reading, Unread
from pipeline.domain import Gate, Verdict
from tests.rollouts import BAD, DAY, GOOD, MINUTE, START, samples, spec_of

QUIET, BROKEN = Unread("no request yet", is_quiet=True), Unread("the query failed: 500")
ALL_THREE = [{"error_rate_spike": 0.01}, {"latency_spike_pct": 50}, {"accuracy_drop": 0.05}]


def difference(challenger, champion, *, limit=0.01, is_drop=False):
    return assess_difference(challenger, champion, limit, 0.001, is_drop=is_drop)


def spike(challenger, champion):
    return assess_latency_spike(challenger, champion, 50, 300)


def verdicts(gates):
    return {gate.name: gate.verdict for gate in gates}


def test_a_difference_is_told_with_both_shares_and_its_chance() -> None:
    gate = difference(Reading(0.03, 2_000), Reading(0.01, 20_000))
    assert gate == Gate(
        "error rate spike",
        Verdict.FAIL,
        "less than 1 % above the champion's",
        "3 % of 2,000 against 1 % of 20,000",
        champion=0.01,
        challenger=0.03,
        difference=pytest.approx(0.02),
        n=2_000,
        p_value=excess_tail(60, 2_000, 200, 20_000),
    )


def test_a_drop_is_told_below_the_champion_and_counts_the_wrong_answers() -> None:
    gate = difference(Reading(0.75, 4_000), Reading(0.875, 8_000), limit=0.05, is_drop=True)
    assert gate == Gate(
        "accuracy drop",
        Verdict.FAIL,
        "less than 5 % below the champion's",
        "75 % of 4,000 against 87.5 % of 8,000",
        champion=0.875,
        challenger=0.75,
        difference=-0.125,
        n=4_000,
        p_value=excess_tail(1_000, 4_000, 1_000, 8_000),
    )


def test_harm_at_just_the_allowed_chance_is_harm() -> None:
    challenger, champion = Reading(0.02, 1_000), Reading(0.01, 1_000)
    chance = excess_tail(20, 1_000, 10, 1_000)
    gates = [
        assess_difference(challenger, champion, 0.01, alpha, is_drop=False)
        for alpha in (chance, math.nextafter(chance, 0))
    ]
    assert [gate.verdict for gate in gates] == [Verdict.FAIL, Verdict.PASS]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_none_and_all_are_shares(share: float) -> None:
    assert difference(Reading(share, 500), Reading(share, 500)).verdict is Verdict.PASS


@pytest.mark.parametrize("share", [-0.01, 1.01])
def test_what_is_no_share_is_an_error_on_either_side(share: float) -> None:
    fine, odd = Reading(0.01, 500), Reading(share, 500)
    for gate in (difference(odd, fine), difference(fine, odd)):
        assert gate.verdict is Verdict.ERROR
        assert gate.name == "error rate spike"
        assert gate.rule == "less than 1 % above the champion's"
        assert gate.reason == "a share is outside 0 to 1"


def test_a_latency_spike_is_told_with_both_latencies() -> None:
    assert spike(Reading(150.0, 400), Reading(100.0, 300)) == Gate(
        "latency spike",
        Verdict.FAIL,
        "less than 50 % above the champion's",
        "150 ms against 100 ms",
        champion=100.0,
        challenger=150.0,
        difference=50.0,
        n=400,
    )


@pytest.mark.parametrize(
    ("limit", "champion", "challenger"),
    [
        (10, 100, 110),
        (10, 90, 99),
        (10, 50, 55),
        (10, 20_000, 22_000),
        (5, 200, 210),
        (50, 0.1, 0.15),
    ],
)
def test_just_the_limit_above_is_a_spike(limit, champion, challenger) -> None:
    base = Reading(champion, 1_000)
    for value, verdict in ((challenger, Verdict.FAIL), (challenger * 0.999999, Verdict.PASS)):
        assert assess_latency_spike(Reading(value, 1_000), base, limit, 300).verdict is verdict


def test_a_latency_beyond_measure_is_a_spike() -> None:
    assert spike(Reading(math.inf, 300), Reading(5e-324, 300)).verdict is Verdict.FAIL
    assert spike(Reading(1e308, 300), Reading(5e-324, 300)).verdict is Verdict.FAIL


def test_too_few_requests_for_a_latency_are_counted() -> None:
    gate = spike(Reading(150.0, 299), Reading(100.0, 1_300))
    assert (gate.name, gate.rule) == ("latency spike", "less than 50 % above the champion's")
    assert gate.reason == "299 requests: fewer than 300"


def test_an_instant_answer_is_a_latency_and_an_instant_champion_is_none_to_compare_with() -> None:
    assert spike(Reading(0.0, 300), Reading(100.0, 300)).verdict is Verdict.PASS
    gate = spike(Reading(100.0, 300), Reading(0.0, 300))
    assert (gate.name, gate.rule) == ("latency spike", "less than 50 % above the champion's")
    assert gate.reason == "a latency is no time that can be compared"


@pytest.mark.parametrize(
    ("challenger", "champion", "verdict", "reason"),
    [
        (QUIET, Reading(0.5, 900), Verdict.INCONCLUSIVE, "challenger: no request yet"),
        (Reading(0.5, 900), QUIET, Verdict.INCONCLUSIVE, "champion: no request yet"),
        (
            QUIET,
            BROKEN,
            Verdict.ERROR,
            "challenger: no request yet; champion: the query failed: 500",
        ),
    ],
)
def test_what_was_not_measured_is_told_of_whom_it_is_missing(
    challenger, champion, verdict, reason
) -> None:
    for gate, name in (
        (difference(challenger, champion), "error rate spike"),
        (difference(challenger, champion, is_drop=True), "accuracy drop"),
        (spike(challenger, champion), "latency spike"),
    ):
        assert (gate.name, gate.verdict, gate.reason) == (name, verdict, reason)
        assert gate.rule.startswith("less than ")


# ---------------------------------------------------------------- those of a plan


def looked(spec, challenger, champion=GOOD):
    found = samples(spec, START, challenger, champion)
    return assess_conditions(spec, Observation("a", None, found), START)


def with_accuracy(**changes):
    """A plan that asks for the accuracy as well, so that there are samples of it."""
    stage = {
        "traffic_percentage": 100,
        "duration": "1h",
        "success_criteria": {"error_rate_max": 0.02, "latency_p95_max": "150ms", "accuracy_min": 0},
    }
    return spec_of(canary_stages=[stage], rollback_conditions=ALL_THREE, **changes)


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("error_rate", "error rate spike"),
        ("latency_p95", "latency spike"),
        ("accuracy", "accuracy drop"),
    ],
)
def test_each_condition_reads_its_own_metric_of_both_versions(metric: str, name: str) -> None:
    spec = with_accuracy()
    harmed, dry = looked(spec, {**GOOD, metric: BAD[metric]})
    assert dry == ()
    assert verdicts(harmed) == {
        "error rate spike": Verdict.PASS,
        "latency spike": Verdict.PASS,
        "accuracy drop": Verdict.PASS,
        name: Verdict.FAIL,
    }
    assert set(verdicts(looked(spec, BAD, champion=BAD)[0]).values()) == {Verdict.PASS}


def test_a_plan_has_only_the_conditions_that_it_names() -> None:
    spec = spec_of(rollback_conditions=[{"latency_spike_pct": 50}])
    deciding, dry = looked(spec, GOOD)
    assert (list(verdicts(deciding)), dry) == (["latency spike"], ())


def test_where_the_champion_serves_nobody_each_condition_says_that_it_is_not_judged() -> None:
    spec = with_accuracy(metrics={"dry_run": ["latency_p95"]})
    seen = Observation("a", None, samples(spec, START, BAD))
    deciding, dry = assess_conditions(spec, seen, START, is_champion_serving=False)
    assert [(gate.name, gate.rule) for gate in (*deciding, *dry)] == [
        ("error rate spike", "less than 1 % above the champion's"),
        ("accuracy drop", "less than 5 % below the champion's"),
        ("latency spike", "less than 50 % above the champion's"),
    ]
    assert {(g.verdict, g.reason) for g in (*deciding, *dry)} == {(Verdict.INCONCLUSIVE, UNJUDGED)}


def test_a_condition_on_a_metric_of_a_dry_run_decides_nothing() -> None:
    spec = with_accuracy(metrics={"dry_run": ["error_rate"]})
    deciding, dry = looked(spec, BAD)
    assert list(verdicts(deciding)) == ["latency spike", "accuracy drop"]
    assert verdicts(dry) == {"error rate spike": Verdict.FAIL}


def test_a_latency_needs_the_samples_that_its_metric_names() -> None:
    query = {"value": "p95({version})", "count": "n({version})", "unit": "s", "min_samples": 2_001}
    spec = spec_of(metrics={"queries": {"latency_p95": query}})
    gate = next(gate for gate in looked(spec, BAD)[0] if gate.name == "latency spike")
    assert (gate.verdict, gate.reason) == (
        Verdict.INCONCLUSIVE,
        "2,000 requests: fewer than 2,001",
    )


def test_a_sample_of_another_version_or_of_long_ago_is_an_error() -> None:
    spec = spec_of(rollback_conditions=[{"error_rate_spike": 0.01}])
    found = samples(spec, START)
    old = [one.model_copy(update={"sampled_at": START - DAY}) for one in found]
    others = samples(spec_of("d", "b"), START)
    for odd in (old, others):
        ((gate,), _) = assess_conditions(spec, Observation("a", None, odd), START)
        assert gate.verdict is Verdict.ERROR
        assert gate.reason.startswith("challenger: ")
        assert "; champion: " in gate.reason
    ((later,), _) = assess_conditions(
        spec, Observation("a", None, found), START + spec.plan.monitoring.max_age + MINUTE
    )
    assert later.verdict is Verdict.ERROR
