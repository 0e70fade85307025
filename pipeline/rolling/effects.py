"""Doing what a step says, effect by effect, in its order.

Whoever calls gives the hands: four functions that change the world. A failure of traffic, registry
or alert does not keep the rest from being done, since a rollback that is recorded can be completed
by anybody; a commit that was refused ends the step, since somebody has decided otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

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
from pipeline.errors import PipelineError
from pipeline.rolling.champion_files import champion_files
from pipeline.rolling.latch import Decided
from pipeline.rolling.model_state import STATUS, ModelState
from pipeline.rolling.outcome_files import outcome_files
from pipeline.rolling.snapshot import FOLDER
from pipeline.rollout_status import Record, RolloutStatus, render_record

Files = Mapping[str, bytes | None]


@dataclass(frozen=True)
class Hands:
    """What changes the world, for one model. Each may be used twice and be killed anywhere.

    `commit` takes the state that was decided from, files by path and a message; False where
    somebody else came first. All raise PipelineError.
    """

    set_weights: Callable[[SetWeights, Decided], None]
    move_alias: Callable[[str], None]
    alert: Callable[[Alert], None]
    commit: Callable[[ModelState, Files, str], bool]


@dataclass
class Done:
    """What became of a step. `is_lost`: its commit was refused, so decide again."""

    is_lost: bool = False
    failures: list[PipelineError] = field(default_factory=list)


def apply_step(
    state: ModelState, step: RolloutStep, hands: Hands, tell: Callable[[str], None]
) -> Done:
    """Apply the effects of `step`, which was decided from `state`. Raises what a commit raises."""
    done, files, missed = Done(), _files_of(state, step), ""
    decided = decided_from(state.status, step.record)
    for effect in step.effects:
        if isinstance(effect, Commit):
            if not hands.commit(state, files, effect.message):
                done.is_lost = True
                return done
            continue
        try:
            _do(effect, hands, decided, missed)
        except PipelineError as error:
            done.failures.append(error)
            missed = missed or (str(error) if isinstance(effect, SetWeights) else "")
            tell(f"    failed: {error}")
    return done


def with_missed(text: str, missed: str) -> str:
    """What people are told of an end: that traffic was not surely taken away comes first."""
    if not missed:
        return text
    first = "USERS MAY STILL GET IT, and each look tries again. Mend this"
    return f"{first}: {missed} It ended for: {text}"


def _do(effect: Effect, hands: Hands, decided: Decided, missed: str) -> None:
    match effect:
        case SetWeights():
            hands.set_weights(effect, decided)
        case MoveAlias(digest):
            hands.move_alias(digest)
        case Alert():
            hands.alert(replace(effect, text=with_missed(effect.text, missed)))


def _files_of(state: ModelState, step: RolloutStep) -> dict[str, bytes | None]:
    """Everything that the commit of `step` holds, made before anything is changed."""
    files: dict[str, bytes | None] = {}
    for effect in step.effects:
        if isinstance(effect, WriteRecord):
            path = f"{FOLDER}/{state.model}/{STATUS}{effect.record.name}"
            files[path] = render_record(effect.record).encode()
            files |= outcome_files(state, effect.record)
        if isinstance(effect, WriteChampion):
            files |= champion_files(state, effect)
    return files


def decided_from(status: RolloutStatus, record: Record | None) -> Decided:
    """What a step with `record`, or without one, is decided from."""
    newest = record or (status.ever[-1] if status.ever else None)
    return Decided(newest.attempt, newest.sequence) if newest else Decided(1, 0)
