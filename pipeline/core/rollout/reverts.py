"""What people and the watchdog did, and what follows at once: no metric is asked, no window waits.

The rules are tried from the top, and the first that applies decides. Each says why.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.core.inert import printable
from pipeline.core.rollout.effects import RolloutStep, SetWeights
from pipeline.core.rollout.observation import Routing
from pipeline.core.rollout.state import (
    Rollout,
    Situation,
    champion_rollout,
    rollout_of,
    stopped_champion,
)
from pipeline.core.rollout.step import end_rollout, make_record, transition
from pipeline.core.rollout.succession import is_earlier
from pipeline.rollout_commands import Verb
from pipeline.rollout_config import PlannedStage
from pipeline.rollout_status import Kind, PauseCause, Phase

LATCHED = "Stopped at the traffic layer: "  # how the reason of such an end begins
Rule = Callable[[Situation, Rollout], RolloutStep | None]


def what_people_did(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    """The step that a revert, a command, a newer merge or a latch asks for; None without one."""
    for rule in _RULES_OF_AN_END if rollout.state.phase.is_ended else _RULES:
        if (step := rule(situation, rollout)) is not None:
            return step
    return None


def _ending_reverted(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    """A stop that was reverted stays: a model that was stopped comes back by a retry only."""
    ended = rollout.reverted_ends
    if not ended:
        return None
    reason = (
        f"{ended[-1].name} was reverted, but what was stopped comes back only with a retry. "
        f"It was stopped because: {ended[-1].reason}"
    )
    return end_rollout(situation, rollout, ended[-1].phase, reason)


def _merge_reverted(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    spec = situation.spec
    if spec is not None and not is_earlier(spec, situation.status, rollout):
        return None
    found = "rollout.yaml is gone" if spec is None else "rollout.yaml is an earlier one again"
    reason = f"The merge was reverted ({found}): the champion of before serves everyone."
    return end_rollout(situation, rollout, Phase.ROLLED_BACK, reason)


def _promotion_reverted(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    """The promotion itself, or a stage that led to it."""
    reverted = rollout.unanswered
    is_promotion = any(record.kind is Kind.PROMOTED for record in reverted)
    is_stage = any(record.kind is Kind.STAGE for record in reverted)
    if not (is_promotion or (is_stage and rollout.state.phase.is_promoted)):
        return None
    what = "The promotion" if is_promotion else "A stage before the promotion"
    reason = f"{what} was reverted: the champion of before serves everyone."
    return end_rollout(situation, rollout, Phase.ROLLED_BACK, reason)


def earlier_promotion_reverted(situation: Situation) -> RolloutStep | None:
    """The promotion of an earlier rollout was reverted, where the newest rollout is over.

    champion.yaml names the one before it already; this puts what served onto the ledger.
    """
    status, champion = situation.status, situation.observation.champion
    for record in reversed(status.reverted):
        before = record.champion_before
        if record.kind is not Kind.PROMOTED or before is None or before.digest != champion:
            continue
        rollout = rollout_of(status, record)
        if record in rollout.unanswered and not rollout.state.phase.is_ended:
            return _promotion_reverted(situation, rollout)
    return None


def _aborted(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    if not situation.is_told(Verb.ABORT, rollout.state.version):
        return None
    return end_rollout(situation, rollout, Phase.ABORTED, "A person said abort.")


def _champion_moved(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    """champion.yaml names another model than this rollout has there."""
    state, champion = rollout.state, situation.observation.champion
    expected = state.challenger if state.phase.is_promoted else state.champion
    if champion == expected:
        return None
    before = rollout.champion_before
    is_back = before is not None and champion == before.digest
    phase = Phase.ROLLED_BACK if is_back else Phase.SUPERSEDED
    found = "the champion of before again" if is_back else f"another model ({champion[:19]})"
    return end_rollout(situation, rollout, phase, f"champion.yaml names {found}: that one serves.")


def _stopped(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    """The traffic layer stopped it, or this reconciler did and was killed before its commit."""
    stop, state = situation.observation.stop, rollout.state
    if stop is None or (stop.version, stop.attempt) != (state.version, state.attempt):
        return None
    reason = f"{LATCHED}{printable(stop.reason, 1_000)}"
    is_alarming = situation.spec is None or situation.spec.plan.monitoring.alert_on_failure
    return end_rollout(situation, rollout, Phase.ROLLED_BACK, reason, is_alarming=is_alarming)


def _champion_stopped(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    """The champion was stopped, and git has begun a later rollout, or refused one, meanwhile.

    Who stopped it did not know of that, such as `roll_back --local`. Whatever became of the later
    one goes with it: to go by that would give the champion its traffic back, and lose the latch.
    """
    promoted = champion_rollout(situation.status, situation.observation.champion)
    if promoted is None or promoted.state.spec == rollout.state.spec:
        return None
    return _stopped(situation, promoted)


def _end_of_the_champion_reverted(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    """A later rollout is the newest, and the end of what champion.yaml names was reverted.

    That revert put it back there; it stays stopped all the same, before anybody is sent to it.
    """
    stopped = stopped_champion(situation.status, situation.observation.champion)
    if stopped is None:
        return None
    if rollout.state.phase.is_ended:
        return _ending_reverted(situation, stopped)
    reason = (
        f"{stopped.reverted_ends[-1].name} was reverted, so champion.yaml named "
        f"{stopped.state.version}, which was stopped: the champion before that serves everyone."
    )
    return end_rollout(situation, rollout, Phase.SUPERSEDED, reason)


def _newer_merge(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    """The next one starts from the champion, so this one makes way first.

    Not once it is the champion: the next one then waits until it has settled.
    """
    spec, state = situation.spec, rollout.state
    if spec is None or spec.digest == state.spec or state.phase.is_promoted:
        return None
    is_same = spec.version == state.version
    what = "Its manifest was edited" if is_same else "A newer challenger was merged"
    reason = f"{what} ({spec.version}): it starts from the champion."
    return end_rollout(situation, rollout, Phase.SUPERSEDED, reason)


def _step_reverted(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    """A stage: back to the weight before it. A resume: as it is. Paused until a person resumes."""
    state = rollout.state
    reverted = [r for r in rollout.unanswered if r.kind in (Kind.STAGE, Kind.RESUMED)]
    if not reverted or state.phase.is_promoted:
        return None
    stages = [record.stage for record in reverted if record.kind is Kind.STAGE]
    stage = min([state.stage, *(number - 1 for number in stages)])
    planned = _planned(situation, stage)
    weight = planned.weight_percent if planned else 0.0
    names = ", ".join(record.name for record in reverted)
    record = make_record(
        situation,
        state,
        Kind.PAUSED,
        Phase.PAUSED,
        f"Reverted: {names}. The challenger has {weight:g} % until a person resumes it.",
        stage=stage,
        weight_percent=weight,
        stage_since=situation.now,
        is_released=False,
        pause=PauseCause.REVERT,
        pause_sequence=situation.status.next_sequence,
        trouble=None,
        answers=tuple(record.sequence for record in rollout.unanswered),
    )
    is_mirrored = planned is not None and planned.is_mirror
    routing = Routing(state.champion, state.challenger, weight, is_mirrored)
    return transition(situation, record, before=(SetWeights(routing),))


def _planned(situation: Situation, number: int) -> PlannedStage | None:
    """The stage with this number; None for 0, before the first one."""
    stages = situation.spec.plan.stages if situation.spec else ()
    return stages[number - 1] if 0 < number <= len(stages) else None


_RULES_OF_AN_END: tuple[Rule, ...] = (_champion_stopped, _end_of_the_champion_reverted)
_RULES: tuple[Rule, ...] = (
    _champion_stopped,
    _ending_reverted,
    _merge_reverted,
    _promotion_reverted,
    _aborted,
    _stopped,
    _end_of_the_champion_reverted,
    _champion_moved,
    _newer_merge,
    _step_reverted,
)
