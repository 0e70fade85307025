"""FAIL and ERROR in a run of looks: each is counted by itself, and none of them for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.rollout.trouble import counted, go_on
from pipeline.domain import Verdict
from pipeline.rollout_status import Kind, Phase, Trouble
from tests.core.rollout_worlds import in_stage, phase_of
from tests.rollouts import BAD, MINUTE, START, samples, tick

FAIL, ERROR = Verdict.FAIL, Verdict.ERROR
BLIND = ()


def run(*looks: tuple[int, Verdict]) -> Trouble | None:
    """The run after looks at these minutes."""
    trouble = None
    for minute, verdict in looks:
        trouble = go_on(trouble, verdict, START + minute * MINUTE)
    return trouble


def test_a_run_of_one_verdict_counts_all_of_its_time() -> None:
    trouble = run((0, FAIL), (7, FAIL))
    assert trouble == Trouble(verdict=FAIL, since=START)
    assert counted(trouble, START + 9 * MINUTE) == 9 * MINUTE


def test_the_count_of_one_verdict_stands_still_during_the_other() -> None:
    trouble = run((0, FAIL), (20, ERROR))
    assert trouble == Trouble(verdict=ERROR, since=START, other_seconds=1_200)
    assert counted(trouble, START + 23 * MINUTE) == 3 * MINUTE
    again = go_on(trouble, FAIL, START + 25 * MINUTE)
    assert again == Trouble(verdict=FAIL, since=START, other_seconds=300)
    assert counted(again, START + 26 * MINUTE) == 21 * MINUTE


def test_a_clock_that_is_behind_counts_nothing() -> None:
    assert counted(run((5, ERROR)), START) == 0 * MINUTE


# ---------------------------------------------------------------- what follows of it


def test_a_fail_that_is_held_since_the_champion_is_bad_as_well_is_no_blindness() -> None:
    world, spec, now = in_stage(1)
    for minute in (0, 5, 20):
        at = now + minute * MINUTE
        tick(world, at, samples(spec, at, challenger=BAD, champion=BAD))
    step = tick(world, now + 21 * MINUTE, BLIND)
    assert (step.record.kind, step.verdict) == (Kind.HELD, ERROR)
    assert phase_of(world) is Phase.PROGRESSING
    assert tick(world, now + 30 * MINUTE, BLIND).is_noop
    step = tick(world, now + 31 * MINUTE, BLIND)
    assert step.record.phase is Phase.ROLLED_BACK
    assert step.reason.startswith("Blind for 10 min")


def test_a_fail_that_waits_for_a_person_is_no_blindness() -> None:
    world, spec, now = in_stage(1, monitoring={"auto_rollback": False})
    tick(world, now, samples(spec, now, challenger=BAD))
    assert tick(world, now + 20 * MINUTE, BLIND).record.kind is Kind.HELD
    assert phase_of(world) is Phase.PROGRESSING


def test_blindness_is_no_fail_that_lasts() -> None:
    limits = {"failure_limit": 3, "error_limit": 10, "blindness_budget": "1h"}
    world, spec, now = in_stage(1, limits=limits)
    tick(world, now, BLIND)
    for minute in (15, 24):
        at = now + minute * MINUTE
        tick(world, at, samples(spec, at, challenger=BAD))
        assert phase_of(world) is Phase.PROGRESSING
    at = now + 25 * MINUTE
    assert tick(world, at, samples(spec, at, challenger=BAD)).record.phase is Phase.ROLLED_BACK


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 300)), min_size=1, max_size=60))
def test_who_flaps_between_both_is_back_once_both_limits_are_over(looks) -> None:
    limits = {"failure_limit": 3, "error_limit": 3, "blindness_budget": "10m"}
    world, spec, now = in_stage(1, limits={**limits, "deadline": "6h"})
    began = now
    for is_blind, seconds in looks:
        tick(world, now, BLIND if is_blind else samples(spec, now, challenger=BAD))
        if phase_of(world) is Phase.ROLLED_BACK:
            return
        now += seconds * MINUTE / 60
    ends = max(now, began + 20 * MINUTE)
    tick(world, ends, BLIND)
    tick(world, ends, samples(spec, ends, challenger=BAD))
    assert phase_of(world) is Phase.ROLLED_BACK
