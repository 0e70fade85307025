import dataclasses

import pytest

from pipeline.core.comparison.slice_gates import assess_slices, judge_slices
from pipeline.core.comparison.slices import SliceResult
from pipeline.domain import Interval, Verdict
from tests.core.simulated import policy

NAN = float("nan")
POLICY = policy()  # margin 0.05, min_rows 200, alpha 0.05
EWR = SliceResult(
    column="airport",
    value="EWR",
    pooled=(),
    metric="f1_weighted",
    n=500,
    share=0.5,
    champion=0.70,
    challenger=0.60,
    difference=-0.10,
    interval=Interval(-0.14, -0.06, 0.95),
    p_value=0.001,
    p_adjusted=0.01,
)


def slice_with(**changes):
    return dataclasses.replace(EWR, **changes)


def verdict(**changes):
    return judge_slices([slice_with(**changes)], POLICY)[0].verdict


def test_a_loss_of_the_margin_exactly_passes():
    assert verdict(difference=-0.05) is Verdict.PASS
    assert verdict(difference=0.70 - 0.75) is Verdict.PASS  # rounding must not decide
    assert verdict(difference=-0.0501, p_adjusted=0.4) is Verdict.INCONCLUSIVE


def test_a_gain_passes_whatever_p_says():
    assert verdict(difference=0.1, p_adjusted=0.0) is Verdict.PASS


def test_beyond_the_margin_it_fails_when_shown_and_is_inconclusive_when_not():
    assert verdict() is Verdict.FAIL
    assert verdict(p_adjusted=0.0499) is Verdict.FAIL
    assert verdict(p_adjusted=POLICY.alpha) is Verdict.INCONCLUSIVE
    assert verdict(p_adjusted=NAN) is Verdict.INCONCLUSIVE
    assert verdict(p_value=0.001, p_adjusted=0.2) is Verdict.INCONCLUSIVE


def test_a_metric_where_lower_is_better_loses_by_rising():
    assert verdict(metric="log_loss", difference=0.10) is Verdict.FAIL
    assert verdict(metric="log_loss", difference=-0.10) is Verdict.PASS


def test_a_slice_that_cannot_be_computed_fails():
    assert verdict(difference=NAN, p_adjusted=NAN) is Verdict.FAIL


def test_a_small_pool_is_not_judged_up_to_five_percent_of_the_rows():
    assert verdict(n=199, share=0.05, difference=-0.5) is None
    assert verdict(n=199, share=0.0501, difference=0.5) is Verdict.INCONCLUSIVE
    assert verdict(n=200, share=0.01) is Verdict.FAIL


def test_a_small_pool_says_its_share_and_whether_that_is_too_much():
    def reason(share):
        return judge_slices([slice_with(value="LGA", n=150, share=share)], POLICY)[0].reason

    story = "airport LGA: 150 rows are fewer than 200"
    assert reason(0.05) == f"{story} and only 5.0 % of all: not judged."
    assert reason(0.5) == f"{story}, yet 50.0 % of all: too many to leave unjudged."


def test_slices_come_worst_first_and_unjudged_last():
    parts = [
        slice_with(value="small", n=10, share=0.01),
        slice_with(value="fine", difference=0.02),
        slice_with(value="doubtful", difference=-0.2, p_adjusted=0.3),
        slice_with(value="bad", difference=-0.1),
        slice_with(value="worse", difference=-0.15),
    ]
    judged = judge_slices(parts, POLICY)
    assert [part.value for part in judged] == ["worse", "bad", "doubtful", "fine", "small"]


def test_equal_losses_come_by_name_and_a_loss_that_is_unknown_behind_those_that_are_known():
    parts = [
        slice_with(value="unknown", difference=NAN, p_adjusted=NAN),
        slice_with(value="b"),
        slice_with(value="a"),
    ]
    assert [part.value for part in judge_slices(parts, POLICY)] == ["a", "b", "unknown"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"difference": 0.01}, "an improvement of 0.0100 of f1_weighted."),
        ({"difference": NAN}, "an unknown difference of f1_weighted; it cannot be computed."),
        (
            {"p_adjusted": 0.2},
            "a loss of 0.1000 of f1_weighted, more than 0.05, Holm-adjusted p 0.2000: not shown.",
        ),
    ],
)
def test_a_slice_says_what_it_won_or_lost_and_whether_that_is_shown(changes, reason):
    judged = judge_slices([slice_with(n=1_500, **changes)], POLICY)[0]
    assert judged.reason == f"airport EWR (1,500 rows): {reason}"


def test_the_gate_of_a_column_is_its_worst_slice():
    fine = [slice_with(value=value, difference=0.01) for value in ("JFK", "LGA")]
    gate = assess_slices("airport", judge_slices([EWR, *fine], POLICY), POLICY)
    assert (gate.name, gate.verdict) == ("slices: airport", Verdict.FAIL)
    assert gate.rule == "No airport of at least 200 rows loses more than 0.05 of f1_weighted."
    assert gate.reason == (
        "2 of 3 slices pass. Worst: airport EWR (500 rows): a loss of 0.1000 of f1_weighted, "
        "more than 0.05, Holm-adjusted p 0.0100."
    )
    assert (gate.champion, gate.challenger, gate.difference) == (0.70, 0.60, -0.10)
    assert (gate.n, gate.p_value, gate.interval) == (500, 0.01, EWR.interval)


def test_an_unjudged_pool_beside_good_slices_is_told_but_blocks_nothing():
    pool = slice_with(value="other", pooled=("TEB",), n=20, share=0.02)
    judged = judge_slices([slice_with(difference=0.01), pool], POLICY)
    gate = assess_slices("airport", judged, POLICY)
    assert gate.verdict is Verdict.PASS
    assert gate.reason.endswith("1 too small to judge.")
    assert judged[1].reason == (
        "airport other (TEB): 20 rows are fewer than 200 and only 2.0 % of all: not judged."
    )


def test_a_column_of_which_nothing_can_be_judged_never_passes():
    pool = slice_with(value="other", pooled=("a", "b"), n=150, share=1.0)
    gate = assess_slices("airport", judge_slices([pool], POLICY), POLICY)
    assert gate.verdict is Verdict.INCONCLUSIVE
