"""Steps of a rollout, put together: the record, its commit, and the effects in their safe order."""

from __future__ import annotations

from typing import Any

from pipeline.champion import Champion
from pipeline.core.rollout.assess import Assessment
from pipeline.core.rollout.effects import (
    Alert,
    Commit,
    Effect,
    MoveAlias,
    RolloutStep,
    SetWeights,
    WriteChampion,
    WriteRecord,
)
from pipeline.core.rollout.message import render_message
from pipeline.core.rollout.observation import Routing, Stop
from pipeline.core.rollout.state import Rollout, Situation, stopped_champion
from pipeline.domain import Gate
from pipeline.rollout_status import GateEvidence, Kind, Phase, Record

_CARRIED = (
    "model", "version", "spec", "challenger", "champion", "attempt", "stage", "weight_percent",
    "stage_since", "deadline_from", "is_released", "pause", "pause_sequence", "trouble",
    "champion_before",
)  # fmt: skip


def make_record(
    situation: Situation,
    state: Record,
    kind: Kind,
    phase: Phase,
    reason: str,
    *,
    assessment: Assessment | None = None,
    **changes: Any,
) -> Record:
    """The record that follows `state`, with the evidence of the look that led to it."""
    values = {name: getattr(state, name) for name in _CARRIED} | changes
    if assessment is not None:
        values["verdict"] = assessment.verdict
        values["gates"] = _evidence_of(assessment)
        values["samples"] = tuple(situation.observation.samples)
    return Record(
        sequence=situation.status.next_sequence,
        at=situation.now,
        kind=kind,
        phase=phase,
        reason=reason[:4_000],
        **values,
    )


def commit_of(situation: Situation, record: Record) -> tuple[Effect, ...]:
    """Write the record and commit it."""
    return WriteRecord(record), Commit(render_message(record, situation.spec))


def transition(
    situation: Situation,
    record: Record,
    *,
    before: tuple[Effect, ...] = (),
    after: tuple[Effect, ...] = (),
) -> RolloutStep:
    """A step that commits `record`; `before` takes traffic away, `after` gives some."""
    effects = (*before, *commit_of(situation, record), *after)
    return RolloutStep(record.reason, effects, record.verdict)


def end_rollout(
    situation: Situation,
    rollout: Rollout,
    phase: Phase,
    reason: str,
    *,
    assessment: Assessment | None = None,
    is_alarming: bool = False,
) -> RolloutStep:
    """The challenger gets nothing any more, at once, and everything is as before it came.

    Needs no metrics, no window and no approval, and may be applied again at any point.
    """
    state, observation = rollout.state, situation.observation
    before = _champion_before(situation, rollout)
    champion = before.digest if before is not None else observation.champion
    record = make_record(
        situation,
        state,
        Kind.ENDED,
        phase,
        reason,
        assessment=assessment,
        weight_percent=0.0,
        pause=None,
        pause_sequence=None,
        trouble=None,
        answers=tuple(record.sequence for record in rollout.unanswered),
    )
    stop = Stop(state.version, state.attempt, reason, situation.now)
    effects: list[Effect] = [SetWeights(Routing(champion, state.challenger, 0.0), stop)]
    if is_elsewhere(observation.alias, champion, is_promoted=False):
        effects.append(MoveAlias(champion))
    if is_alarming:
        effects.append(alert_of(record))
    if before is not None:
        effects.append(WriteChampion(champion=before))
    return transition(situation, record, before=tuple(effects))


def is_elsewhere(alias: str | None, champion: str, *, is_promoted: bool) -> bool:
    """Whether the registry's alias must move to `champion`.

    Where there is none yet ("") only a promotion makes it: its model passed, so it is registered.
    """
    return alias not in (None, champion) and (alias != "" or is_promoted)


def _champion_before(situation: Situation, rollout: Rollout) -> Champion | None:
    """Who serves after the end, where champion.yaml names who must not; None where it is right.

    That is what this rollout promoted, or one whose own end was reverted.
    """
    serves = situation.observation.champion
    if serves == rollout.state.challenger and rollout.champion_before is not None:
        return rollout.champion_before
    stopped = stopped_champion(situation.status, serves)
    return stopped.champion_before if stopped is not None else None


def alert_of(record: Record) -> Alert:
    """What people are told of `record`: that a rollout ended, or holds and needs a person."""
    word = f"{record.phase}" if record.phase.is_ended else "holds"
    return Alert(
        key=f"{record.model}/{record.version}/{record.attempt}/{word}/{record.stage}",
        title=f"{record.model}: {record.version} {_said(record)}",
        text=record.reason,
    )


def _said(record: Record) -> str:
    return {
        Phase.ROLLED_BACK: "was rolled back",
        Phase.REFUSED: "was refused",
        Phase.ABORTED: "was aborted",
        Phase.SUPERSEDED: "was superseded",
    }.get(record.phase, "holds, and needs a person")


def _evidence_of(assessment: Assessment) -> tuple[GateEvidence, ...]:
    def evidence(gate: Gate, *, decides: bool) -> GateEvidence:
        return GateEvidence(
            name=gate.name,
            verdict=gate.verdict,
            rule=gate.rule,
            reason=gate.reason,
            decides=decides,
        )

    deciding = [evidence(g, decides=True) for g in (*assessment.gates, *assessment.conditions)]
    return (*deciding, *(evidence(gate, decides=False) for gate in assessment.dry_run))
