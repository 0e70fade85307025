"""Guardrails on rare failures: broken by the failures alone, and never kept by them."""

import pytest

from pipeline.core.abtest.evidence import Cell, Evidence, Period
from pipeline.core.abtest.guardrails import Kept, assess_guardrails
from pipeline.core.abtest.looks import Look
from pipeline.core.abtest.sums import counts
from pipeline.core.abtest.verdict import Result, assess_ab_test
from tests.core.ab_tests import DAY, LATENCY, START, answer, config, evidence

ERRORS = {
    "metric": "error_rate",
    "kind": "proportion",
    "direction": "lower_is_better",
    "margin": 0.01,
    "max_ratio": 1.5,
}


def served(units: int, failed: int, right: float = 0.8) -> Cell:
    sums = {"accuracy": counts(units, round(right * units)), "error_rate": counts(units, failed)}
    return Cell(units, metrics=sums)


def rail(test, *sides, points: int = 5_000):
    return assess_guardrails(test, evidence(*sides, points))[0]


def test_a_few_failures_that_are_all_the_challengers_end_the_test_before_its_minimum():
    """At 5 % of the traffic, long before the burn-in of 100 and the minimum of 200 outcomes."""
    sides = (served(950, 0), served(50, 4))
    test = config(guardrails=[ERRORS], split={"model_a": 95, "model_b": 5})
    found = answer(test, evidence(*sides, basis_points=500))
    assert found.result is Result.MODEL_A
    assert found.reasons[0].startswith(
        "guardrail broken: error_rate comes more than 1.5 times as often with the challenger (p = "
    )
    assert found.guardrails[0].state is Kept.BROKEN
    unwatched = config(guardrails=[{**ERRORS, "max_ratio": None}])
    early = answer(unwatched, evidence(*sides, basis_points=500))
    assert (early.result, early.guardrails[0].p_failures) == (Result.INCONCLUSIVE, None)
    assert early.guardrails[0].p_not_worse == 1.0  # no p-value before the burn-in


def test_a_ratio_of_one_is_said_in_words():
    test = config(guardrails=[{**ERRORS, "max_ratio": 1}])
    found = answer(test, evidence(served(5_000, 0), served(5_000, 20)))
    assert "error_rate comes more often with the challenger" in found.reasons[0]


def test_failures_within_the_ratio_neither_break_nor_keep_it():
    test = config(guardrails=[ERRORS])
    within = rail(test, served(4_000, 100), served(4_000, 148))
    assert (within.p_failures, within.state) == (1.0, Kept.OPEN)
    kept = rail(test, served(40_000, 40), served(40_000, 41))
    assert (kept.p_failures, kept.state) == (1.0, Kept.KEPT)


def test_failures_count_within_the_weight_that_they_came_at():
    """Pooled, 30 of 60 failures at a mean weight of 27.5 % would be far too many."""
    periods = (
        Period(500, served(95_000, 28), served(5_000, 2)),
        Period(5_000, served(50_000, 28), served(50_000, 28)),
    )
    [found] = assess_guardrails(config(guardrails=[ERRORS]), Evidence(periods))
    assert found.p_failures == 1.0


def test_failures_are_one_family_with_the_other_ways_to_break_a_guardrail():
    sides = (served(950, 0), served(50, 4))
    alone = rail(config(guardrails=[ERRORS]), *sides, points=500)
    among = rail(config(guardrails=[ERRORS, LATENCY]), *sides, points=500)
    assert among.p_failures == pytest.approx(3 / 2 * alone.p_failures)


def test_a_kept_guardrail_and_a_better_model_win_with_failures_watched():
    test = config(guardrails=[ERRORS])
    sides = evidence(served(40_000, 40), served(40_000, 44, right=0.83))
    look = Look(START + DAY, sides)
    assert assess_ab_test(test, [look], is_over=False).result is Result.MODEL_B
