"""What rolls out now: the stage, the weight, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.core.rollout.state import stage_of
from pipeline.core.rollout.wording import render_length, render_percent
from pipeline.core.site.attempts import Attempt, running
from pipeline.core.site.facts import ModelHistory, Written
from pipeline.manifest import RolloutSpec
from pipeline.rollout_config import PlannedStage
from pipeline.rollout_status import PauseCause, Phase, Record


@dataclass(frozen=True)
class StageStep:
    """One stage of the plan; `state` is done, now or next."""

    weight: str
    length: str
    state: str


@dataclass(frozen=True)
class Rolling:
    """A rollout under way. `stage` is such as "stage 2 of 3", `next` what ends this."""

    version: str
    phase: str
    stage: str
    weight: str
    percent: float
    since: datetime
    reason: str
    next: str
    stages: tuple[StageStep, ...]


def rolling_now(history: ModelHistory, attempts: tuple[Attempt, ...]) -> Rolling | None:
    """The rollout under way; None where none is."""
    attempt = running(attempts)
    if attempt is None:
        return None
    found: Written = attempt.newest
    record, merged = found.record, history.merge_of(found.record.spec)
    spec = merged.spec if merged else None
    stages = spec.plan.stages if spec else ()
    total = f" of {len(stages)}" if stages else ""
    return Rolling(
        version=record.version,
        phase=_phase(record),
        stage=f"stage {record.stage}{total}" if record.stage else "before the first stage",
        weight=render_percent(record.weight_percent),
        percent=record.weight_percent,
        since=record.at,
        reason=record.reason,
        next=_next(record, spec),
        stages=tuple(_step(stage, record) for stage in stages),
    )


def _phase(record: Record) -> str:
    if record.trouble is not None:
        return f"Held ({record.trouble.verdict})"
    return str(record.phase)


def _step(stage: PlannedStage, record: Record) -> StageStep:
    is_done = stage.number < record.stage or record.phase.is_promoted
    state = "done" if is_done else "now" if stage.number == record.stage else "next"
    return StageStep(render_percent(stage.weight_percent), render_length(stage.duration), state)


def _next(record: Record, spec: RolloutSpec | None) -> str:
    if record.phase is Phase.PENDING:
        return "The first stage, once both servers answer."
    if record.phase is Phase.PAUSED:
        return f"{_release(record)} ends the pause."
    stage = stage_of(spec, record) if spec else None
    if spec is None or stage is None:
        return "The manifest is gone: the next reconcile ends it."
    earliest = f"{record.stage_since + stage.duration:%Y-%m-%d %H:%M} UTC at the earliest"
    if record.phase is Phase.BAKING:
        return f"It has settled in, {earliest}."
    following = spec.plan.stages[record.stage : record.stage + 1]
    what = f"{render_percent(following[0].weight_percent)} of traffic" if following else "Promotion"
    return f"{what}, if every criterion passes: {earliest}."


def _release(record: Record) -> str:
    if record.pause is PauseCause.COMMAND:
        return f"The revert of pause-{record.version}.yaml"
    return f"The command resume-{record.version}-{record.pause_sequence}.yaml"
