"""Pauses: who asked for one, and what ends it. A paused rollout is looked at all the same."""

from __future__ import annotations

from datetime import datetime

from pipeline.core.rollout.effects import RolloutStep
from pipeline.core.rollout.state import Rollout, Situation
from pipeline.core.rollout.step import make_record, transition
from pipeline.rollout_commands import Verb
from pipeline.rollout_status import Kind, PauseCause, Phase


def pause_if_told(situation: Situation, rollout: Rollout) -> RolloutStep | None:
    """A person says pause. What serves everyone already is not paused."""
    state = rollout.state
    is_told = situation.is_told(Verb.PAUSE, state.version)
    if state.phase is not Phase.PROGRESSING or not is_told:
        return None
    record = make_record(
        situation,
        state,
        Kind.PAUSED,
        Phase.PAUSED,
        f"A person said pause. The challenger keeps {state.weight_percent:g} %.",
        pause=PauseCause.COMMAND,
        pause_sequence=situation.status.next_sequence,
    )
    return transition(situation, record)


def go_on_or_wait(situation: Situation, rollout: Rollout) -> RolloutStep:
    """The end of a pause, or why it goes on."""
    state = rollout.state
    if situation.is_told(Verb.PAUSE, state.version):
        return RolloutStep("Paused: a person said so.")
    if not _is_over(situation, rollout):
        name = f"resume-{state.version}-{state.pause_sequence}"
        return RolloutStep(f"Paused: waits for a person, who commits {name}.")
    record = make_record(
        situation,
        state,
        Kind.RESUMED,
        Phase.PROGRESSING,
        "A person ended the pause.",
        stage_since=_stage_since(situation, rollout),
        deadline_from=situation.now,
        is_released=state.is_released or state.pause is PauseCause.HOLD,
        pause=None,
        pause_sequence=None,
    )
    return transition(situation, record)


def _is_over(situation: Situation, rollout: Rollout) -> bool:
    state = rollout.state
    if state.pause is PauseCause.COMMAND:  # and the command is gone
        return True
    if state.pause is PauseCause.HOLD and situation.is_promoting():
        return True
    return situation.is_told(Verb.RESUME, state.version, state.pause_sequence)


def _stage_since(situation: Situation, rollout: Rollout) -> datetime:
    """A pause by command does not count as time of the stage; after a revert it begins anew."""
    state, now = rollout.state, situation.now
    if state.pause is PauseCause.REVERT:
        return now
    if state.pause is PauseCause.HOLD:
        return state.stage_since
    began = [r.at for r in situation.status.records if r.sequence == state.pause_sequence]
    return min(now, state.stage_since + (now - began[0])) if began else now
