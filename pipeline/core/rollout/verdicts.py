"""What follows from a look that is not PASS: roll back, or hold, and for how long.

    FAIL          weight 0 at once; with failure_limit n, once it was FAIL for n checks in a row
    ERROR         hold; roll back after error_limit checks, or when blind for blindness_budget
    INCONCLUSIVE  hold; roll back when the stage's deadline or inconclusive_limit checks are over,
                  which count while a deploy window is open

A champion that fails as well, or does not answer, is held and alerted: going back may not help.
Checks in a row are counted in time, by check_interval: a look every few seconds is not a check.
Each verdict is counted by itself, and its count stands still while the other one goes on: a FAIL
that is held is no blindness, and blindness is no FAIL that lasts. Who flaps between both is rolled
back once either count is full, so at the first FAIL or ERROR for which it is, and never later than
the two limits together: only a PASS or INCONCLUSIVE lets both counts begin anew. Where a FAIL must
not end it (the champion is bad as well, auto_rollback is off), being blind for too long still does.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pipeline.core.rollout.assess import Assessment
from pipeline.core.rollout.effects import RolloutStep
from pipeline.core.rollout.patience import time_waited
from pipeline.core.rollout.state import Rollout, Situation
from pipeline.core.rollout.step import alert_of, end_rollout, make_record, transition
from pipeline.core.rollout.trouble import counted, go_on
from pipeline.core.rollout.wording import render_length
from pipeline.domain import Verdict
from pipeline.manifest import RolloutSpec
from pipeline.rollout_config import PlannedStage
from pipeline.rollout_status import Kind, Phase


def on_fail(
    situation: Situation, rollout: Rollout, spec: RolloutSpec, found: Assessment
) -> RolloutStep:
    """FAIL: the end, unless going back would not help, a person decides, or it may be a blip."""
    if (why := _why_not_back(situation, spec, found)) is not None:
        return _hold(situation, rollout, found, f"{why} {found.why}", is_alarming=True)
    checks = spec.plan.limits.failure_limit
    lasted = _lasted(situation, rollout, found.verdict)
    if lasted < (checks - 1) * spec.plan.monitoring.check_interval:
        reason = f"FAIL, and {checks} checks in a row would roll back. {found.why}"
        return _hold(situation, rollout, found, reason)
    return _roll_back(situation, rollout, spec, found, found.why)


def on_error(
    situation: Situation, rollout: Rollout, spec: RolloutSpec, found: Assessment
) -> RolloutStep:
    """ERROR: hold, until blind for too long. A champion that does not answer is FAIL before it."""
    limits, interval = spec.plan.limits, spec.plan.monitoring.check_interval
    budget = min(limits.blindness_budget, max((limits.error_limit - 1) * interval, timedelta(0)))
    lasted = _lasted(situation, rollout, found.verdict)
    if lasted >= budget:
        reason = f"Blind for {render_length(lasted)} and longer: {found.why}"
        return _roll_back(situation, rollout, spec, found, reason)
    reason = f"ERROR, and {render_length(budget)} of it would roll back. {found.why}"
    return _hold(situation, rollout, found, reason)


def on_inconclusive(
    situation: Situation,
    rollout: Rollout,
    spec: RolloutSpec,
    stage: PlannedStage,
    found: Assessment,
) -> RolloutStep | None:
    """INCONCLUSIVE past the deadline: the end. None before it: hold without a word in git.

    Just at the deadline is past it.
    """
    state, limits = rollout.state, spec.plan.limits
    patience = stage.deadline
    if limits.inconclusive_limit is not None:
        checks = limits.inconclusive_limit * spec.plan.monitoring.check_interval
        patience = min(patience, checks)
    waited = time_waited(spec.plan, state, stage, situation.now)
    if state.phase is Phase.PAUSED or waited < patience:
        return None
    reason = f"No PASS within {render_length(patience)} after its time: {found.why}"
    return _roll_back(situation, rollout, spec, found, reason)


def all_clear(situation: Situation, rollout: Rollout, found: Assessment) -> RolloutStep | None:
    """The trouble is over: say so once, so that the next one starts to count from nothing."""
    if rollout.state.trouble is None:
        return None
    lasted = render_length(situation.now - rollout.state.trouble.since)
    reason = f"{rollout.state.trouble.verdict} is over after {lasted}: {found.verdict} now."
    state = rollout.state
    record = make_record(
        situation, state, Kind.CLEARED, state.phase, reason, assessment=found, trouble=None
    )
    return transition(situation, record)


def _why_not_back(situation: Situation, spec: RolloutSpec, found: Assessment) -> str | None:
    if situation.observation.champion_health.is_answering is False:
        return "The champion does not answer, so going back would not help."
    if found.is_champion_bad_as_well:
        return "The champion fails as well, so going back may not help."
    return None if spec.plan.monitoring.auto_rollback else "auto_rollback is off: a person decides."


def _lasted(situation: Situation, rollout: Rollout, verdict: Verdict) -> timedelta:
    """For how long the looks have had this verdict, since the last one that was no trouble."""
    return counted(go_on(rollout.state.trouble, verdict, situation.now), situation.now)


def _roll_back(
    situation: Situation, rollout: Rollout, spec: RolloutSpec, found: Assessment, reason: str
) -> RolloutStep:
    return end_rollout(
        situation,
        rollout,
        Phase.ROLLED_BACK,
        reason,
        assessment=found,
        is_alarming=spec.plan.monitoring.alert_on_failure,
    )


def _hold(
    situation: Situation,
    rollout: Rollout,
    found: Assessment,
    reason: str,
    *,
    is_alarming: bool = False,
) -> RolloutStep:
    """Nothing moves. The first look of this kind is recorded, so that its time is known."""
    state, verdict = rollout.state, found.verdict
    trouble = go_on(state.trouble, verdict, situation.now)
    record = make_record(
        situation, state, Kind.HELD, state.phase, reason, assessment=found, trouble=trouble
    )
    alert = alert_of(record) if is_alarming else None
    if trouble is state.trouble:
        return RolloutStep(reason, verdict=verdict, owed=alert and replace(alert, is_again=True))
    return transition(situation, record, before=(alert,) if alert else ())
