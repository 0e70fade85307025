"""Whether a merged manifest may start, and its first step."""

from __future__ import annotations

from pipeline.core.rollout.effects import RolloutStep
from pipeline.core.rollout.progress import advance
from pipeline.core.rollout.state import Rollout, Situation
from pipeline.core.rollout.step import alert_of, end_rollout, make_record, transition
from pipeline.core.rollout.windows import is_open
from pipeline.core.rollout.wording import render_length
from pipeline.manifest import RolloutSpec
from pipeline.rollout_commands import Verb
from pipeline.rollout_status import Kind, Phase, Record


def start(situation: Situation, spec: RolloutSpec) -> RolloutStep:
    """The first stage of `spec`, or why it waits, or that it is refused."""
    waiting = _waiting(situation, spec)
    rollout = Rollout(waiting or _before(situation, spec))
    if (why := _why_refused(situation, spec)) is not None:
        return end_rollout(situation, rollout, Phase.REFUSED, why, is_alarming=True)
    if (why := _why_not_now(situation, spec)) is not None:
        return RolloutStep(f"Waits to start {spec.version}: {why}.")
    if (why := _why_unready(situation)) is not None:
        return _wait_for_servers(situation, rollout, spec, why, is_known=waiting is not None)
    reason = f"{spec.version} starts from the champion {spec.champion_version}."
    return advance(situation, rollout, spec, reason)


def may_start(situation: Situation, rollout: Rollout | None, spec: RolloutSpec) -> bool:
    """Whether `spec` is one to start: never acted on, still waiting, or told to try again.

    Never the model that serves already: an edit of its manifest is no new rollout of it.
    """
    if spec.challenger.digest == situation.observation.champion:
        return False
    if rollout is None or spec.digest != rollout.state.spec:
        # An earlier spec that is there again was decided on: it starts anew by a retry only.
        return not situation.status.has_acted_on(spec.digest) or _is_retried(situation, spec)
    if rollout.state.phase is Phase.PENDING:
        return True
    return rollout.state.phase.is_ended and _is_retried(situation, spec)


def _is_retried(situation: Situation, spec: RolloutSpec) -> bool:
    stops = len(situation.status.endings_of(spec.challenger.digest))
    return stops > 0 and situation.is_told(Verb.RETRY, spec.version, stops)


def _why_refused(situation: Situation, spec: RolloutSpec) -> str | None:
    """What only another commit can change."""
    stops = situation.status.endings_of(spec.challenger.digest)
    stopped = [r for r in stops if r.phase in (Phase.ROLLED_BACK, Phase.ABORTED)]
    if stopped and not _is_retried(situation, spec):
        return (
            f"{spec.version} was stopped before ({stopped[-1].name}: {stopped[-1].reason}). "
            "It does not come back by itself."
        )
    champion = situation.observation.champion
    if champion != spec.champion.digest:
        return (
            f"{spec.version} was compared with {spec.champion_version}, but champion.yaml names "
            f"{champion[:19]}: compare it with that one first."
        )
    return None


def _why_not_now(situation: Situation, spec: RolloutSpec) -> str | None:
    """What people decide, or the calendar."""
    for verb in (Verb.ABORT, Verb.PAUSE):
        if situation.is_told(verb, spec.version):
            return f"the command {verb} is still there"
    is_closed = not is_open(spec.plan.deploy_windows, situation.now)
    return "the deploy window is closed" if is_closed else None


def _why_unready(situation: Situation) -> str | None:
    observation = situation.observation
    for role, health in (
        ("champion", observation.champion_health),
        ("challenger", observation.challenger_health),
    ):
        if not health.is_answering:
            return f"the {role} does not answer ({health.reason or 'no reason given'})"
    if observation.routing is None:
        return "the traffic provider does not say who gets what"
    return None


def _wait_for_servers(
    situation: Situation, rollout: Rollout, spec: RolloutSpec, why: str, *, is_known: bool
) -> RolloutStep:
    """Said once, so that the deadline of the first stage has a beginning; then given up."""
    reason = f"Waits to start {spec.version}: {why}."
    if not is_known:
        record = make_record(situation, rollout.state, Kind.WAITING, Phase.PENDING, reason)
        return transition(situation, record, before=(alert_of(record),))
    patience = spec.plan.stages[0].deadline
    if situation.now - rollout.state.at < patience:
        return RolloutStep(reason)
    why = f"Not ready within {render_length(patience)}: {why}."
    return end_rollout(situation, rollout, Phase.REFUSED, why, is_alarming=True)


def _waiting(situation: Situation, spec: RolloutSpec) -> Record | None:
    """The record that `spec` waits since, if it does."""
    rollout = situation.rollout
    if rollout is None or rollout.state.spec != spec.digest:
        return None
    return rollout.state if rollout.state.phase is Phase.PENDING else None


def _before(situation: Situation, spec: RolloutSpec) -> Record:
    """The state before a new attempt at `spec`."""
    status = situation.status
    digest = spec.challenger.digest
    attempts = [record.attempt for record in status.ever if record.challenger == digest]
    return Record(
        model=spec.model,
        sequence=status.next_sequence,
        at=situation.now,
        kind=Kind.WAITING,
        phase=Phase.PENDING,
        version=spec.version,
        spec=spec.digest,
        challenger=digest,
        champion=spec.champion.digest,
        attempt=max(attempts, default=0) + 1,
        stage_since=situation.now,
        reason="nothing was done yet",
    )
