"""The rollout that was last acted on, as its records tell, and what was reverted of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.champion import Champion
from pipeline.core.rollout.observation import Observation, Routing
from pipeline.manifest import RolloutSpec
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_config import PlannedStage
from pipeline.rollout_status import Kind, Phase, Record, RolloutStatus


@dataclass(frozen=True)
class Rollout:
    """One attempt at one spec. `state` is its newest record that is there.

    Where none is there any more, `state` is a PENDING one without traffic. `unanswered` are its
    reverted records that nothing has reacted to yet; `promotion` is the record that made the
    challenger champion, reverted or not; `entered` is the one that entered the stage of `state`.
    """

    state: Record
    unanswered: tuple[Record, ...] = ()
    promotion: Record | None = None
    entered: Record | None = None

    @property
    def champion_before(self) -> Champion | None:
        """The champion.yaml that the promotion replaced, if there was one."""
        return self.promotion.champion_before if self.promotion else None

    @property
    def reverted_ends(self) -> tuple[Record, ...]:
        """The ends of it that were reverted, and that nothing has reacted to yet."""
        return tuple(record for record in self.unanswered if record.kind is Kind.ENDED)


@dataclass(frozen=True)
class Situation:
    """All that a decision may look at. `rollout` is None where none was ever acted on."""

    spec: RolloutSpec | None
    status: RolloutStatus
    rollout: Rollout | None
    observation: Observation
    now: datetime

    def is_promoting(self) -> bool:
        """Whether a person ends the time and the hold of the stage; what bakes is not hurried."""
        rollout = self.rollout
        if rollout is None or rollout.entered is None or rollout.state.phase.is_promoted:
            return False
        return self.is_told(Verb.PROMOTE, rollout.state.version, rollout.entered.sequence)

    def is_told(self, verb: Verb, version: str, number: int | None = None) -> bool:
        """Whether a person gives this command."""
        return Command(verb, version, number) in self.observation.commands


def current_rollout(status: RolloutStatus) -> Rollout | None:
    """The rollout of the newest record, reverted or not; None where there never was one."""
    return rollout_of(status, status.ever[-1]) if status.ever else None


def champion_rollout(status: RolloutStatus, champion: str) -> Rollout | None:
    """The rollout that made `champion` one, while it stands; None where a person put it there."""
    promoted = _promotions(status, champion)
    rollout = rollout_of(status, promoted[-1]) if promoted else None
    return rollout if rollout is not None and rollout.state.phase.is_promoted else None


def stopped_champion(status: RolloutStatus, champion: str) -> Rollout | None:
    """The rollout that ended `champion`, where that end was reverted and nothing reacted to it.

    The revert put it back into champion.yaml. None where it was promoted anew after that end.
    """
    anew = max((record.sequence for record in _promotions(status, champion)), default=0)
    for record in reversed(status.ever):
        if record.kind is Kind.ENDED and record.challenger == champion and record.sequence > anew:
            rollout = rollout_of(status, record)
            if record in rollout.unanswered and rollout.champion_before is not None:
                return rollout
    return None


def _promotions(status: RolloutStatus, champion: str) -> list[Record]:
    return [r for r in status.records if r.kind is Kind.PROMOTED and r.challenger == champion]


def rollout_of(status: RolloutStatus, newest: Record) -> Rollout:
    """The one that `newest` belongs to."""
    mine = [r for r in status.ever if (r.spec, r.attempt) == (newest.spec, newest.attempt)]
    there = {record.sequence for record in status.records}
    answered = status.answered
    present = [record for record in mine if record.sequence in there]
    state = present[-1] if present else _nothing_yet(newest)
    stages = [r for r in present if r.kind is Kind.STAGE and r.stage == state.stage]
    return Rollout(
        state=state,
        entered=stages[-1] if stages else None,
        unanswered=tuple(r for r in mine if r.sequence not in there | answered),
        promotion=next((r for r in mine if r.kind is Kind.PROMOTED), None),
    )


def stage_of(spec: RolloutSpec, state: Record) -> PlannedStage | None:
    """The stage that `state` is in; while it bakes the last one, for as long as that takes."""
    stages = spec.plan.stages
    if state.phase is Phase.BAKING:
        last, bake = stages[-1], spec.plan.bake_after_promotion
        return PlannedStage(last.number, 100.0, bake or last.duration, last.criteria, last.deadline)
    return stages[state.stage - 1] if 0 < state.stage <= len(stages) else None


def wanted_routing(state: Record, champion: str, stage: PlannedStage | None = None) -> Routing:
    """Who should get the traffic in `state`; `champion` is the digest in champion.yaml."""
    if state.phase.is_promoted or state.phase.is_ended or state.phase is Phase.PENDING:
        return Routing(champion)
    is_mirrored = stage is not None and stage.is_mirror
    return Routing(state.champion, state.challenger, state.weight_percent, is_mirrored)


def _nothing_yet(record: Record) -> Record:
    """The state before the first record of the attempt that `record` belongs to."""
    return Record(
        model=record.model,
        sequence=record.sequence,
        at=record.at,
        kind=Kind.WAITING,
        phase=Phase.PENDING,
        version=record.version,
        spec=record.spec,
        challenger=record.challenger,
        champion=record.champion,
        attempt=record.attempt,
        stage_since=record.at,
        reason="nothing was done yet",
    )
