"""Doing what a step says, effect by effect, in its order.

Whoever calls gives the hands: four functions that change the world. A failure of traffic, registry
or alert does not keep the rest from being done, since a rollback that is recorded can be completed
by anybody; a commit that was refused ends the step, since somebody has decided otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.core.rollout_effects import (
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
from pipeline.rolling.model_state import STATUS, ModelState
from pipeline.rolling.snapshot import FOLDER
from pipeline.rollout_status import render_record

Files = Mapping[str, bytes | None]


@dataclass(frozen=True)
class Hands:
    """What changes the world, for one model. Each may be used twice and be killed anywhere.

    `commit` takes the state that was decided from, files by path and a message; False where
    somebody else came first. All raise PipelineError.
    """

    set_weights: Callable[[SetWeights, int], None]
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
    done, files = Done(), _files_of(state, step)
    attempt = _attempt(state, step)
    for effect in step.effects:
        if isinstance(effect, Commit):
            if not hands.commit(state, files, effect.message):
                done.is_lost = True
                return done
            continue
        try:
            _do(effect, hands, attempt)
        except PipelineError as error:
            done.failures.append(error)
            tell(f"    failed: {error}")
    return done


def _do(effect: Effect, hands: Hands, attempt: int) -> None:
    match effect:
        case SetWeights():
            hands.set_weights(effect, attempt)
        case MoveAlias(digest):
            hands.move_alias(digest)
        case Alert():
            hands.alert(effect)


def _files_of(state: ModelState, step: RolloutStep) -> dict[str, bytes | None]:
    """Everything that the commit of `step` holds, made before anything is changed."""
    files: dict[str, bytes | None] = {}
    for effect in step.effects:
        if isinstance(effect, WriteRecord):
            path = f"{FOLDER}/{state.model}/{STATUS}{effect.record.name}"
            files[path] = render_record(effect.record).encode()
        if isinstance(effect, WriteChampion):
            files |= champion_files(state, effect)
    return files


def _attempt(state: ModelState, step: RolloutStep) -> int:
    """The attempt that is decided on: that of the new record, else of the newest one."""
    if step.record is not None:
        return step.record.attempt
    return state.status.ever[-1].attempt if state.status.ever else 1
