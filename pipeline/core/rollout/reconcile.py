"""One idempotent step of a rollout: from spec, status, observation and now to what to do.

    what happened                              what follows
    merge of a retrain pull request            stage 1
    revert of that merge, at any moment        champion at 100 % in one step, RolledBack
    revert of a stage                          the weight before it, Paused until a resume
    revert of the promotion                    previous champion at 100 %, alias and pointer with it
    the same, where a later rollout has ended  the same
    revert of a rollback                       stays rolled back: only a retry brings it back
    a newer merge                              running challenger to 0 %, then the new one starts
    a newer merge while a promoted one bakes   it waits; the bake goes on under its own plan
    an edit of the manifest of what serves     the bake goes on, under the plan as it is now
    a stop of the champion, known there alone  rolled back, whatever was merged meanwhile
    nothing                                    nothing: no effect, no commit

Pure: nothing here reads a clock, a file or a server. See docs/rollouts.md for the whole.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pipeline.core.rollout.effects import Effect, MoveAlias, RolloutStep, SetWeights
from pipeline.core.rollout.observation import Observation, Stop
from pipeline.core.rollout.progress import look
from pipeline.core.rollout.reminders import reminder_of
from pipeline.core.rollout.reverts import earlier_promotion_reverted, what_people_did
from pipeline.core.rollout.start import may_start, start
from pipeline.core.rollout.state import Rollout, Situation, current_rollout, wanted_routing
from pipeline.core.rollout.step import is_elsewhere
from pipeline.core.rollout.succession import must_wait
from pipeline.manifest import RolloutSpec
from pipeline.rollout_status import Phase, RolloutStatus


def reconcile(
    spec: RolloutSpec | None, status: RolloutStatus, observation: Observation, now: datetime
) -> RolloutStep:
    """The next step of one model. `spec` is the manifest that is there, None without one.

    While a promoted model bakes and the next one waits, that is the manifest of what bakes: see
    `succession.spec_in_force`.

    Takes at most one transition; a newer merge therefore takes two steps: the old challenger goes
    to 0 %, and the next reconcile starts the new one. Applied twice it does the same.
    """
    rollout = current_rollout(status)
    situation = Situation(spec, status, rollout, observation, now)
    step = _decide(situation, rollout)
    if step.is_noop and rollout is not None:
        owed = step.owed or reminder_of(situation, rollout)
        return replace(_mend(situation, rollout) or step, owed=owed)
    return step


def _decide(situation: Situation, rollout: Rollout | None) -> RolloutStep:
    spec = situation.spec
    if rollout is not None and (step := what_people_did(situation, rollout)) is not None:
        return step
    if spec is not None and rollout is not None and must_wait(spec, situation.status, rollout):
        return _unwatched(spec, rollout)
    if spec is not None and may_start(situation, rollout, spec):
        return start(situation, spec)
    if spec is not None and rollout is not None and _runs(rollout):
        return look(situation, rollout, spec)
    if rollout is None:
        return RolloutStep("Nothing rolls out.")
    earlier = earlier_promotion_reverted(situation) if rollout.state.phase.is_ended else None
    return earlier or RolloutStep(f"{rollout.state.phase}.")


def _unwatched(spec: RolloutSpec, rollout: Rollout) -> RolloutStep:
    """The manifest of what bakes is in no history: nothing says what it must show."""
    version = rollout.state.version
    return RolloutStep(
        f"{spec.version} waits: {version} still bakes, and no manifest of {version} was found, so "
        f"nothing judges it. Revert the merge of {spec.version} until it has settled."
    )


def _runs(rollout: Rollout) -> bool:
    return rollout.state.phase in (Phase.PROGRESSING, Phase.PAUSED, Phase.BAKING)


def _mend(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    """Alias and traffic as champion.yaml says, where no challenger has traffic to look after.

    Not where it names the very model that was stopped: that comes back by a retry, in stages.
    """
    state, observation = rollout.state, situation.observation
    if state.phase.is_ended and observation.champion == state.challenger:
        return RolloutStep(
            f"champion.yaml names {state.version}, which was stopped ({state.reason}): traffic "
            "stays as it is. Put the champion of before back; a retry brings this one again."
        )
    effects: list[Effect] = []
    if is_elsewhere(observation.alias, observation.champion, is_promoted=state.phase.is_promoted):
        effects.append(MoveAlias(observation.champion))
    if state.phase.is_ended or state.phase in (Phase.PENDING, Phase.PROMOTED):
        wanted = wanted_routing(state, observation.champion)
        routing = observation.routing
        if routing is not None and not routing.agrees_with(wanted):
            latch = Stop(state.version, state.attempt, state.reason, state.at)
            effects.append(SetWeights(wanted, latch if state.phase.is_ended else None))
    if not effects:
        return None
    return RolloutStep("Registry and traffic are not as recorded.", tuple(effects))
