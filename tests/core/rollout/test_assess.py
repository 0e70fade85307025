"""The gates of one look: limits, chance, and what is no figure at all."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.core.proportions import binomial_tail, excess_tail, is_enough
from pipeline.core.rollout.assess import Assessment, assess, assess_criterion
from pipeline.core.rollout.conditions import UNJUDGED, assess_difference, assess_latency_spike
from pipeline.core.rollout.observation import Health, Observation, Routing
from pipeline.core.rollout.samples import Reading, Unread, read_sample
from pipeline.domain import Gate, Verdict
from pipeline.rollout_config import Criterion
from pipeline.rollout_metrics import DEFAULT_METRICS
from tests.rollouts import BAD, GOOD, START, sample, samples, spec_of

ERRORS = Criterion("error_rate", "max", 0.02, "number")
STRICT, NONE = (Criterion("error_rate", "max", limit, "number") for limit in (0.01, 0.0))
ALL_RIGHT = Criterion("accuracy", "min", 0.99, "number")
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
        (ERRORS, 1.0, 2, Verdict.INCONCLUSIVE),  # no chance by the test, but only two
        (ERRORS, 1.0, 2.99, Verdict.INCONCLUSIVE),
        (ERRORS, 1.0, 1, Verdict.INCONCLUSIVE),
        (STRICT, 1.0, 1, Verdict.INCONCLUSIVE),
        (STRICT, 1.0, 2, Verdict.INCONCLUSIVE),
        (STRICT, 1.0, 3, Verdict.FAIL),
        (NONE, 1.0, 1, Verdict.FAIL),  # none is allowed, and one is no chance
        (NONE, 0.0, 300, Verdict.PASS),
        (ERRORS, 1.5, 1_000, Verdict.ERROR),
        (ERRORS, -0.1, 1_000, Verdict.ERROR),
        (ERRORS, math.inf, 1_000, Verdict.ERROR),
        (ACCURACY, 0.8, 300, Verdict.PASS),
        (ACCURACY, 0.79, 300, Verdict.INCONCLUSIVE),
        (ACCURACY, 0.7, 300, Verdict.FAIL),
        (ALL_RIGHT, 0.0, 2, Verdict.INCONCLUSIVE),
        (ALL_RIGHT, 0.0, 3, Verdict.FAIL),  # the bad ones are the wrong answers
        (P95, 150.0, 300, Verdict.PASS),
        (P95, 150.1, 300, Verdict.FAIL),
        (P95, 150.1, 299, Verdict.INCONCLUSIVE),
        (P95, math.inf, 300, Verdict.FAIL),
        (P95, -math.inf, 300, Verdict.ERROR),
    ],
)
def test_a_criterion_against_its_limit(criterion, value, n, expected) -> None:
    assert verdict(criterion, value, n) is expected


def test_three_bad_events_are_enough_and_a_share_of_them_may_be_a_little_less() -> None:
    assert 3 / 47 * 47 < 3
    assert is_enough(3 / 47 * 47)
    assert not is_enough(2.999)


def test_a_figure_at_just_the_allowed_chance_is_no_chance_any_more() -> None:
    metric, chance = DEFAULT_METRICS["error_rate"], binomial_tail(30, 1_000, 0.02)
    found = [
        assess_criterion(ERRORS, metric, Reading(0.03, 1_000), alpha).verdict
        for alpha in (chance, math.nextafter(chance, 0))
    ]
    assert found == [Verdict.FAIL, Verdict.INCONCLUSIVE]


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


def test_a_spike_or_a_drop_has_three_bad_events_at_least() -> None:
    def spike(n: float) -> Verdict:
        flawless = Reading(0.0, 1_000_000)
        return assess_difference(Reading(1.0, n), flawless, 0.01, 0.00001, is_drop=False).verdict

    def drop(n: float) -> Verdict:
        flawless = Reading(1.0, 1_000_000)
        return assess_difference(Reading(0.0, n), flawless, 0.01, 0.00001, is_drop=True).verdict

    assert [spike(n) for n in (1, 2, 3)] == [Verdict.PASS, Verdict.PASS, Verdict.FAIL]
    assert [drop(n) for n in (1, 2, 3)] == [Verdict.PASS, Verdict.PASS, Verdict.FAIL]


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
        (Reading(0.6, 300), Reading(0.5, 300), Verdict.PASS),  # faster than a millisecond
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


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (timedelta(minutes=2), None),
        (timedelta(minutes=2, seconds=1), "stale: its newest data is 2 min old"),
        (-timedelta(minutes=1), None),
        (-timedelta(minutes=1, seconds=1), "its data is from the future"),
    ],
)
def test_data_may_be_just_as_old_as_allowed_and_clocks_a_minute_apart(age, reason) -> None:
    spec = spec_of()
    found = sample(spec, "error_rate", "challenger", 0.01, n=400.0, now=START - age)
    most = timedelta(minutes=2)
    read = read_sample(found, version=spec.version, now=START, max_age=most)
    assert read == (Reading(0.01, 400.0) if reason is None else Unread(reason))


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"n": 0.0}, Unread("no request yet", is_quiet=True)),
        ({"n": 1e15}, Reading(0.01, 1e15)),
        ({"n": 1.1e15}, Unread("no count of what it rests on")),
        ({"n": math.nan}, Unread("no count of what it rests on")),
        ({"version": ""}, Unread(f"it measured nothing, not {spec_of().version}")),
        ({"version": "v1"}, Unread(f"it measured v1, not {spec_of().version}")),
    ],
)
def test_a_sample_says_something_of_the_version_or_why_it_does_not(changes, found) -> None:
    spec = spec_of()
    odd = sample(spec, "error_rate", "challenger", 0.01, now=START, **{"n": 400.0, **changes})
    most = timedelta(minutes=2)
    assert read_sample(odd, version=spec.version, now=START, max_age=most) == found


# ---------------------------------------------------------------- one look at both versions


def look(challenger=GOOD, champion=GOOD, *, percent=50.0, found=None, health=None, **plan):
    """What a look says while the challenger should get, and gets, this share of the traffic."""
    spec = spec_of(**plan)
    expected = Routing("sha256:a", "sha256:c", percent)
    answering = {"champion_health": Health(True), "challenger_health": Health(True)}
    observation = Observation(
        "sha256:a",
        expected if found is None else found,
        samples(spec, START, challenger, champion),
        **answering | (health or {}),
    )
    return assess(spec, spec.plan.stages[0], expected, observation, START)


SLOWER = {**GOOD, "latency_p95": 140.0}  # within the limit of 150 ms, half as slow again as 90
ERRING = {**GOOD, "error_rate": 0.2}


def test_a_challenger_within_its_limits_fails_by_being_worse_than_the_champion() -> None:
    found = look(SLOWER)
    assert {gate.verdict for gate in found.gates} == {Verdict.PASS}
    assert found.verdict is Verdict.FAIL
    assert found.why == (
        "latency spike: 140 ms against 90 ms (less than 50 % above the champion's)"
    )


@pytest.mark.parametrize(("percent", "is_compared"), [(99.5, True), (100.0, False)])
def test_a_champion_is_compared_with_as_long_as_it_serves_anybody(percent, is_compared) -> None:
    found = look(SLOWER, percent=percent)
    assert found.verdict is (Verdict.FAIL if is_compared else Verdict.PASS)
    reasons = {gate.reason for gate in found.conditions}
    assert (reasons == {UNJUDGED}) is not is_compared
    assert len(found.conditions) == 2
    assert look(ERRING, ERRING, percent=percent).is_champion_bad_as_well is is_compared


def test_a_champion_that_fails_what_the_challenger_fails_is_bad_as_well() -> None:
    assert look(ERRING, ERRING).is_champion_bad_as_well
    assert not look(ERRING).is_champion_bad_as_well
    assert not look(BAD, ERRING).is_champion_bad_as_well
    assert not look(GOOD, ERRING).is_champion_bad_as_well
    dry = look(BAD, ERRING, metrics={"dry_run": ["latency_p95"]})
    assert dry.is_champion_bad_as_well


def test_nothing_excuses_a_challenger_that_does_not_answer() -> None:
    dead = {"challenger_health": Health(False, "refused")}
    assert not look(ERRING, ERRING, health=dead).is_champion_bad_as_well


@pytest.mark.parametrize("role", ["champion", "challenger"])
@pytest.mark.parametrize(
    ("health", "verdict", "reason"),
    [
        (Health(True, "in 5 ms"), Verdict.PASS, "answers"),
        (Health(False), Verdict.FAIL, "does not answer"),
        (Health(False, "refused"), Verdict.FAIL, "does not answer: refused"),
        (Health(None, "timed out"), Verdict.ERROR, "unknown: timed out"),
    ],
)
def test_each_server_has_a_gate_of_its_own(role, health, verdict, reason) -> None:
    gates = {gate.name: gate for gate in look(health={f"{role}_health": health}).gates}
    assert gates[role] == Gate(role, verdict, "its server answers", reason)


@pytest.mark.parametrize(
    ("found", "verdict", "reason"),
    [
        (Routing("sha256:a", "sha256:c", 50.0), Verdict.PASS, "as recorded"),
        (
            Routing("sha256:a", "sha256:c", 12.5),
            Verdict.INCONCLUSIVE,
            "the challenger gets 12.5 %",
        ),
    ],
)
def test_traffic_that_is_not_as_recorded_is_told(found, verdict, reason) -> None:
    gate = look(found=found).gates[2]
    assert gate == Gate("traffic", verdict, "traffic is as recorded", reason)


def test_a_traffic_provider_that_is_silent_is_told() -> None:
    spec = spec_of()
    expected = Routing("sha256:a", "sha256:c", 50.0)
    silent = Observation("sha256:a", None, samples(spec, START))
    gate = assess(spec, spec.plan.stages[0], expected, silent, START).gates[2]
    said = "the traffic provider does not say"
    assert gate == Gate("traffic", Verdict.ERROR, "traffic is as recorded", said)


# ---------------------------------------------------------------- all gates together


def gates(*verdicts: Verdict) -> tuple[Gate, ...]:
    return tuple(Gate(f"g{k}", v, "a rule", f"reason {k}") for k, v in enumerate(verdicts))


@pytest.mark.parametrize(
    ("criteria", "conditions", "expected"),
    [
        ((Verdict.PASS,), (Verdict.PASS,), Verdict.PASS),
        ((Verdict.PASS,), (Verdict.INCONCLUSIVE,), Verdict.PASS),
        ((Verdict.PASS,), (Verdict.ERROR,), Verdict.ERROR),
        ((Verdict.PASS,), (Verdict.FAIL,), Verdict.FAIL),
        ((Verdict.INCONCLUSIVE,), (Verdict.PASS,), Verdict.INCONCLUSIVE),
        ((Verdict.ERROR, Verdict.FAIL), (), Verdict.FAIL),
        ((Verdict.ERROR,), (Verdict.FAIL,), Verdict.FAIL),
        ((), (), Verdict.ERROR),
    ],
)
def test_known_harm_comes_before_a_broken_gauge_and_a_quiet_condition_holds_nothing_up(
    criteria, conditions, expected
) -> None:
    assert Assessment(gates(*criteria), conditions=gates(*conditions)).verdict is expected


def test_a_quiet_condition_is_no_reason_to_hold() -> None:
    quiet, unjudged = gates(Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE)
    assert Assessment((quiet,), conditions=(unjudged,)).why == "g0: reason 0 (a rule)"


def test_two_reasons_are_shown_and_the_others_counted() -> None:
    failed = gates(Verdict.PASS, *[Verdict.FAIL] * 3)
    assert Assessment(failed[:3]).why == "g1: reason 1 (a rule); g2: reason 2 (a rule)"
    found = Assessment(failed, conditions=gates(Verdict.FAIL))
    assert found.why == "g1: reason 1 (a rule); g2: reason 2 (a rule); and 2 more"


@pytest.mark.parametrize(
    ("criterion", "value", "n", "reason"),
    [
        (ERRORS, 0.015, 2_000.0, "1.5 % of 2,000"),
        (ERRORS, 0.015, 200.0, "1.5 % of 200: fewer than 300"),
        (ERRORS, 0.021, 1_000.0, "2.1 % of 1,000: beyond the limit, but it may be chance"),
        (ERRORS, 1.5, 1_000.0, "150 % of 1,000: no share can be"),
        (ACCURACY, 0.8, 1_000.0, "80 % of 1,000"),
        (P95, 151.0, 1_000.0, "151 ms of 1,000"),
        (P95, -math.inf, 1_000.0, "beyond measure of 1,000: infinite"),
    ],
)
def test_a_criterion_is_told_with_its_figure_and_its_count(criterion, value, n, reason) -> None:
    metric = DEFAULT_METRICS[criterion.metric]
    gate = assess_criterion(criterion, metric, Reading(value, n), 0.01)
    assert gate.name == criterion.metric.replace("_", " ")
    rules = {
        "error_rate": "at most 2 %",
        "accuracy": "at least 80 %",
        "latency_p95": "at most 150 ms",
    }
    assert gate.rule == rules[criterion.metric]
    assert (gate.reason, gate.challenger, gate.n) == (reason, value, int(n))


def test_a_criterion_that_could_not_be_read_is_told_with_the_reason() -> None:
    gate = assess_criterion(ERRORS, DEFAULT_METRICS["error_rate"], Unread("500"), 0.01)
    assert gate == Gate("error rate", Verdict.ERROR, "at most 2 %", "500")
