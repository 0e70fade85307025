"""One look at a rollout that runs: assess, and then hold, pause, go on, or go back."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline.core.rollout.assess import Assessment, assess
from pipeline.core.rollout.effects import (
    Effect,
    MoveAlias,
    RolloutStep,
    SetWeights,
    WriteChampion,
)
from pipeline.core.rollout.observation import Routing
from pipeline.core.rollout.pauses import go_on_or_wait, pause_if_told
from pipeline.core.rollout.state import Rollout, Situation, stage_of, wanted_routing
from pipeline.core.rollout.step import alert_of, is_elsewhere, make_record, transition
from pipeline.core.rollout.verdicts import all_clear, on_error, on_fail, on_inconclusive
from pipeline.core.rollout.windows import is_open, next_open
from pipeline.core.rollout.wording import render_length
from pipeline.domain import Verdict
from pipeline.manifest import RolloutSpec
from pipeline.rollout_config import PlannedStage
from pipeline.rollout_status import Kind, PauseCause, Phase


def look(situation: Situation, rollout: Rollout, spec: RolloutSpec) -> RolloutStep:
    """The next step of a rollout that has started and has not ended."""
    state, observation = rollout.state, situation.observation
    stage = stage_of(spec, state)
    wanted = wanted_routing(state, observation.champion, stage)
    if stage is None:  # a person reverted the first stage: nothing to look at
        return _without_traffic(situation, rollout, spec, wanted)
    found = assess(spec, stage, wanted, observation, situation.now)
    return (
        _on_harm(situation, rollout, spec, wanted, found)
        or all_clear(situation, rollout, found)
        or pause_if_told(situation, rollout)
        or (go_on_or_wait(situation, rollout) if state.phase is Phase.PAUSED else None)
        or _on_quiet(situation, rollout, spec, stage, found)
    )


def _on_harm(
    situation: Situation, rollout: Rollout, spec: RolloutSpec, wanted: Routing, found: Assessment
) -> RolloutStep | None:
    """FAIL, traffic that is not as recorded, ERROR: in this order, before anything else."""
    if found.verdict is Verdict.FAIL:
        return on_fail(situation, rollout, spec, found)
    if (step := _route(situation, wanted, found)) is not None:
        return step
    return on_error(situation, rollout, spec, found) if found.verdict is Verdict.ERROR else None


def _on_quiet(
    situation: Situation,
    rollout: Rollout,
    spec: RolloutSpec,
    stage: PlannedStage,
    found: Assessment,
) -> RolloutStep:
    """INCONCLUSIVE or PASS."""
    if found.verdict is Verdict.INCONCLUSIVE:
        ended = on_inconclusive(situation, rollout, spec, stage, found)
        return ended or RolloutStep(f"Holds: {found.why}", verdict=found.verdict)
    return _on_pass(situation, rollout, spec, stage, found)


def advance(
    situation: Situation,
    rollout: Rollout,
    spec: RolloutSpec,
    reason: str,
    found: Assessment | None = None,
) -> RolloutStep:
    """Into the next stage: the commit first, and the traffic once it is pushed."""
    state, following = rollout.state, spec.plan.stages[rollout.state.stage]
    record = make_record(
        situation,
        state,
        Kind.STAGE,
        Phase.PROGRESSING,
        reason,
        assessment=found,
        stage=following.number,
        weight_percent=following.weight_percent,
        stage_since=situation.now,
        deadline_from=None,
        is_released=False,
        pause=None,
        pause_sequence=None,
    )
    routing = Routing(
        state.champion, state.challenger, following.weight_percent, following.is_mirror
    )
    return transition(situation, record, after=(SetWeights(routing),))


def _on_pass(
    situation: Situation,
    rollout: Rollout,
    spec: RolloutSpec,
    stage: PlannedStage,
    found: Assessment,
) -> RolloutStep:
    """PASS: on, if its time is over, the window is open, and nobody holds it."""
    state, now = rollout.state, situation.now
    if (wait := _wait(situation, rollout, spec, stage)) is not None:
        return RolloutStep(wait, verdict=found.verdict)
    if stage.is_held and not (state.is_released or situation.is_promoting()):
        return _pause_for_hold(situation, rollout, found)
    lasted = render_length(now - state.stage_since)
    if state.phase is Phase.BAKING:
        reason = f"Every criterion still passes {lasted} after the promotion."
        record = make_record(
            situation, state, Kind.SETTLED, Phase.PROMOTED, reason, assessment=found
        )
        return transition(situation, record)
    reason = f"Stage {state.stage} passed every criterion after {lasted}."
    if state.stage >= len(spec.plan.stages):
        return _promote(situation, rollout, spec, found, reason)
    return advance(situation, rollout, spec, reason, found)


def _promote(
    situation: Situation, rollout: Rollout, spec: RolloutSpec, found: Assessment, reason: str
) -> RolloutStep:
    """The challenger becomes champion: pointer and record in one commit, then alias and traffic."""
    state, observation = rollout.state, situation.observation
    record = make_record(
        situation,
        state,
        Kind.PROMOTED,
        Phase.BAKING if spec.plan.bake_after_promotion else Phase.PROMOTED,
        reason,
        assessment=found,
        weight_percent=100.0,
        stage_since=situation.now,
        deadline_from=None,
        is_released=False,
        champion_before=spec.champion,
    )
    pointer = WriteChampion(
        challenger=spec.challenger, before=spec.champion, evidence=spec.evidence.digest
    )
    after: list[Effect] = []
    if is_elsewhere(observation.alias, state.challenger, is_promoted=True):
        after.append(MoveAlias(state.challenger))
    after.append(SetWeights(Routing(state.challenger)))
    return transition(situation, record, before=(pointer,), after=tuple(after))


def _wait(
    situation: Situation, rollout: Rollout, spec: RolloutSpec, stage: PlannedStage
) -> str | None:
    """What a PASS still waits for, in words; None for nothing."""
    state, now = rollout.state, situation.now
    since = _since(situation, state.stage_since)
    due = since + stage.duration
    if situation.is_promoting():
        due = since
    due = max(due, since + _longest_window(spec, stage))
    if now < due:
        return f"PASS: stage {state.stage} has {render_length(due - now)} to go."
    if state.phase is not Phase.BAKING and not is_open(spec.plan.deploy_windows, now):
        opens = next_open(spec.plan.deploy_windows, now)
        return f"PASS: waits for the deploy window, {opens:%Y-%m-%d %H:%M} UTC."
    return None


def _longest_window(spec: RolloutSpec, stage: PlannedStage) -> timedelta:
    """Until then a window still looks at the stage before."""
    queries, dry = spec.plan.metrics.queries, spec.plan.metrics.dry_run
    windows = [queries[c.metric].window for c in stage.criteria if c.metric not in dry]
    return max(windows, default=timedelta(0))


def _since(situation: Situation, recorded: datetime) -> datetime:
    """A stage's time counts from when its weight was there, if that was after the commit."""
    routed = situation.observation.routed_since
    return max(recorded, routed) if routed is not None else recorded


def _pause_for_hold(situation: Situation, rollout: Rollout, found: Assessment) -> RolloutStep:
    state = rollout.state
    reason = f"Stage {state.stage} passed and is held by the plan: a person says when it goes on."
    record = make_record(
        situation,
        state,
        Kind.PAUSED,
        Phase.PAUSED,
        reason,
        assessment=found,
        pause=PauseCause.HOLD,
        pause_sequence=situation.status.next_sequence,
    )
    return transition(situation, record, before=(alert_of(record),))


def _route(situation: Situation, wanted: Routing, found: Assessment) -> RolloutStep | None:
    """The traffic is not as recorded: a killed step, or a provider that forgot. Mend that first.

    More traffic is given only to a challenger that answers, and not while blind.
    """
    observation = situation.observation
    routing = observation.routing
    if routing is None or routing.agrees_with(wanted):
        return None
    is_less = wanted.challenger_percent <= routing.challenger_percent
    if not is_less and found.verdict is Verdict.ERROR:
        return None
    reason = f"Traffic is not as recorded: the challenger gets {wanted.challenger_percent:g} %."
    return RolloutStep(reason, (SetWeights(wanted),), found.verdict)


def _without_traffic(
    situation: Situation, rollout: Rollout, spec: RolloutSpec, wanted: Routing
) -> RolloutStep:
    observation, state = situation.observation, rollout.state
    if observation.routing is not None and not observation.routing.agrees_with(wanted):
        return RolloutStep("Traffic is not as recorded.", (SetWeights(wanted),))
    if state.phase is Phase.PAUSED:
        return go_on_or_wait(situation, rollout)
    if (step := pause_if_told(situation, rollout)) is not None:
        return step
    healths = (observation.champion_health, observation.challenger_health)
    if not all(health.is_answering for health in healths):
        return RolloutStep("Waits: champion and challenger must both answer before it starts.")
    if not is_open(spec.plan.deploy_windows, situation.now):
        return RolloutStep("Waits for the deploy window.")
    return advance(situation, rollout, spec, "A person resumed it: from the first stage again.")
