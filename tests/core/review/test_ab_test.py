"""Whether the A/B test that a plan asks for was won, by this challenger against this champion."""

from typing import Any

import pytest

from pipeline.core.abtest.verdict import Result
from pipeline.core.review.ab_test import ABTestAnswer, assess_ab_test
from pipeline.domain import Gate, Verdict

CHAMPION, CHALLENGER, OTHER = ("sha256:" + mark * 64 for mark in "acf")
PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


def assess(result: str | None = "model_b", **changes: Any) -> Gate:
    settings = {"id": "exp-1", "model_a": CHAMPION, "model_b": CHALLENGER, "reason": "so it is"}
    answer = ABTestAnswer(result=result, **{**settings, **changes})
    return assess_ab_test("exp-1", answer, challenger=CHALLENGER, champion=CHAMPION)


def test_a_plan_that_asks_for_none_needs_none() -> None:
    gate = assess_ab_test(None, None, challenger=CHALLENGER, champion=None)
    assert (gate.name, gate.verdict, gate.reason) == ("ab_test", PASS, "None is asked for.")


def test_only_a_test_that_this_challenger_won_passes() -> None:
    assert (assess().verdict, assess().reason) == (PASS, "exp-1: so it is.")
    for result in set(Result) - {Result.MODEL_B}:
        gate = assess(result, is_over=True)
        assert (gate.verdict, gate.reason) == (FAIL, f"exp-1 ended with {result}: so it is.")
    assert assess("model_a").verdict is assess("invalid").verdict is FAIL


@pytest.mark.parametrize(
    ("gate", "why"),
    [
        (assess_ab_test("exp-1", None, challenger=CHALLENGER, champion=CHAMPION), "none with this"),
        (assess(id="exp-2"), "main has none with this id"),
        (assess(model_b=OTHER), "compares sha256:ffffffffffff with sha256:aaaaaaaaaaaa"),
        (assess(model_a=OTHER), "compares sha256:cccccccccccc with sha256:ffffffffffff"),
        (assess(None), "main has no look at it"),
        (assess("inconclusive"), "exp-1: so it is."),
    ],
)
def test_what_is_still_to_come_is_waited_for(gate: Gate, why: str) -> None:
    assert gate.verdict is INCONCLUSIVE
    assert gate.reason.startswith("Waits for the A/B test exp-1: ")
    assert why in gate.reason
