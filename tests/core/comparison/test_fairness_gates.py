import dataclasses
import math

import pytest

from pipeline.core.comparison.fairness import FairnessResult, GroupRate
from pipeline.core.comparison.fairness_gates import assess_fairness
from pipeline.domain import Gate, Interval, Verdict

NAN = float("nan")
GROUPS = (
    GroupRate("EWR", 500, 500, 0.30, 0.35, is_judged=True),
    GroupRate("JFK", 400, 400, 0.28, 0.20, is_judged=True),
    GroupRate("TEB", 30, 30, 0.28, 0.20, is_judged=False),
)
WIDENS = "Over 2 of 3 groups the gap widens by 0.1300, 0.0200 to 0.1500"
FOUND = FairnessResult(
    column="airport",
    rate="fpr",
    max_worsening=0.05,
    groups=GROUPS,
    champion_gap=0.02,
    challenger_gap=0.15,
    worsening=0.13,
    interval=Interval(0.09, 0.17, 0.95),
    p_value=0.001,
    p_adjusted=0.01,
)


def verdict(**changes):
    return assess_fairness(dataclasses.replace(FOUND, **changes), alpha=0.05).verdict


def test_a_gap_that_widens_by_the_limit_exactly_passes():
    assert verdict(worsening=0.05) is Verdict.PASS
    assert verdict(worsening=0.75 - 0.70) is Verdict.PASS  # 0.050000000000000044


def test_a_gap_that_narrows_passes_whatever_p_says():
    assert verdict(worsening=-0.2, p_adjusted=0.0) is Verdict.PASS


def test_beyond_the_limit_it_fails_when_shown_and_is_inconclusive_when_not():
    assert verdict() is Verdict.FAIL
    assert verdict(p_adjusted=0.0499) is Verdict.FAIL
    assert verdict(p_adjusted=0.05) is Verdict.INCONCLUSIVE
    assert verdict(p_adjusted=NAN) is Verdict.INCONCLUSIVE


def test_the_adjusted_p_decides_not_the_raw_one():
    assert verdict(p_value=0.001, p_adjusted=0.2) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("judged", [GROUPS[:1], GROUPS[1:], ()])
def test_fewer_than_two_big_groups_are_inconclusive(judged):
    assert verdict(groups=judged, worsening=NAN) is Verdict.INCONCLUSIVE


def test_a_gap_that_cannot_be_computed_fails():
    assert verdict(worsening=NAN) is Verdict.FAIL


def with_small_groups(*sizes):
    small = (GroupRate(f"S{n}", n, n, 0.0, 1.0, is_judged=False) for n in sizes)
    return dataclasses.replace(FOUND, groups=(*GROUPS[:2], *small), worsening=0.01)


def test_a_gap_passes_only_where_nearly_all_rows_are_in_groups_that_were_judged():
    def judged(*sizes):
        return assess_fairness(with_small_groups(*sizes), alpha=0.05)

    assert judged(47).verdict is Verdict.PASS  # 4.96 % of 947
    assert judged(25, 23).verdict is Verdict.INCONCLUSIVE  # 5.06 % of 948
    assert judged(*[190] * 40).reason == (
        "Over 2 of 42 groups the gap widens by 0.0100, 0.0200 to 0.1500; "
        "yet 89.4 % of all are in groups too small to judge: too many."
    )


def test_rows_that_were_not_judged_do_not_excuse_a_harm_that_is_shown():
    found = dataclasses.replace(with_small_groups(5_000), worsening=0.13)
    assert assess_fairness(found, alpha=0.05).verdict is Verdict.FAIL


def test_the_share_that_is_not_judged_is_of_the_rows_that_the_rate_is_a_share_of():
    few_late = GroupRate("TEB", 900, 9, 0.0, 1.0, is_judged=False)
    found = dataclasses.replace(FOUND, groups=(*GROUPS[:2], few_late), worsening=0.01)
    assert found.unjudged_share == 9 / 909
    assert assess_fairness(found, alpha=0.05).verdict is Verdict.PASS
    assert math.isnan(dataclasses.replace(FOUND, groups=()).unjudged_share)


def test_the_gate_says_its_numbers():
    gate = assess_fairness(FOUND, alpha=0.05)
    assert gate.name == "fairness: airport, fpr"
    assert gate.rule == "The gap of fpr between values of airport widens by at most 0.05."
    assert gate.reason == f"{WIDENS}: too much, Holm-adjusted p 0.0100."
    assert (gate.champion, gate.challenger, gate.difference) == (0.02, 0.15, 0.13)
    assert (gate.n, gate.p_value, gate.interval) == (900, 0.01, FOUND.interval)


@pytest.mark.parametrize(
    ("worsening", "story"),
    [
        (0.0, "Over 2 of 3 groups the gap does not move, 0.0200 to 0.1500."),
        (0.01, "Over 2 of 3 groups the gap widens by 0.0100, 0.0200 to 0.1500."),
        (-0.01, "Over 2 of 3 groups the gap narrows by 0.0100, 0.0200 to 0.1500."),
    ],
)
def test_a_gap_that_passes_says_how_it_moved(worsening, story):
    assert assess_fairness(dataclasses.replace(FOUND, worsening=worsening), alpha=0.05) == Gate(
        name="fairness: airport, fpr",
        verdict=Verdict.PASS,
        rule="The gap of fpr between values of airport widens by at most 0.05.",
        reason=story,
        champion=0.02,
        challenger=0.15,
        difference=worsening,
        interval=FOUND.interval,
        n=900,
        p_value=0.01,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"groups": GROUPS[1:], "worsening": NAN},
            "1 of 2 groups are big enough, two are needed for a gap.",
        ),
        ({"worsening": NAN}, "The gap cannot be computed, and what is unknown is not fair."),
        (
            {"p_adjusted": 0.2},
            f"{WIDENS}: too much, but not shown, Holm-adjusted p 0.2000.",
        ),
    ],
)
def test_a_gap_that_does_not_pass_says_why(changes, reason):
    assert assess_fairness(dataclasses.replace(FOUND, **changes), alpha=0.05).reason == reason
