"""Pauses: who ends one, what is said until then, and from when time and deadline count again."""

from __future__ import annotations

from datetime import datetime

import pytest

from pipeline.core.rollout.world import World
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Kind, PauseCause, Phase
from tests.rollouts import HOUR, MINUTE, START, samples, spec_of, tick, world_of


def paused() -> tuple[World, Command, datetime]:
    """A rollout that a person paused half an hour into its first stage, and the command."""
    world = world_of(spec_of())
    tick(world, START)
    pause = Command(Verb.PAUSE, world.spec.version)
    world.commands.add(pause)
    now = START + 30 * MINUTE
    assert tick(world, now).record.pause is PauseCause.COMMAND
    return world, pause, now


def reverted() -> tuple[World, Command, datetime]:
    """A rollout whose first stage was reverted, and the command that resumes it."""
    world = world_of(spec_of())
    tick(world, START)
    world.revert(world.commits[-1])
    now = START + 30 * MINUTE
    record = tick(world, now).record
    assert record.pause is PauseCause.REVERT
    return world, Command(Verb.RESUME, world.spec.version, record.sequence), now


def test_a_pause_says_what_ends_it() -> None:
    world, _, now = paused()
    assert tick(world, now + MINUTE).reason == "Paused: a person said so."
    world, resume, now = reverted()
    expected = f"Paused: waits for a person, who commits resume-{resume.version}-{resume.number}."
    assert tick(world, now + MINUTE).reason == expected


def test_the_commit_of_a_pause_says_how_to_go_on() -> None:
    world, pause, _ = paused()
    message = " ".join(world.commits[-1].message.split())
    assert f"To go on: revert the commit of pause-{pause.version}.yaml." in message
    world, resume, _ = reverted()
    name = f"resume-{resume.version}-{resume.number}.yaml"
    message = " ".join(world.commits[-1].message.split())
    assert f"To go on: commit {name} in rollouts/flight-delay/commands." in message


def test_where_the_record_of_a_pause_was_reverted_the_time_of_the_stage_begins_anew() -> None:
    world, pause, now = paused()
    record_of_pause = world.commits[-1]
    blind = samples(world.spec, now, error="500")
    assert tick(world, now + MINUTE, blind).record.kind is Kind.HELD
    world.revert(record_of_pause)
    world.commands.remove(pause)
    at = now + 9 * MINUTE
    assert tick(world, at).record.kind is Kind.CLEARED
    record = tick(world, at + MINUTE).record
    assert (record.kind, record.stage_since) == (Kind.RESUMED, at + MINUTE)


def test_after_a_pause_the_deadline_counts_from_its_end() -> None:
    world, pause, now = paused()
    world.commands.remove(pause)
    step = tick(world, now + 2 * HOUR)
    record = step.record
    assert (step.reason, record.kind) == ("A person ended the pause.", Kind.RESUMED)
    assert (record.phase, record.pause, record.pause_sequence) == (Phase.PROGRESSING, None, None)
    assert record.deadline_from == now + 2 * HOUR
    assert record.stage_since == START + 2 * HOUR
    assert not record.is_released


def test_after_a_revert_the_time_of_the_stage_begins_anew() -> None:
    world, resume, now = reverted()
    world.commands.add(resume)
    record = tick(world, now + 2 * HOUR).record
    assert (record.kind, record.stage_since) == (Kind.RESUMED, now + 2 * HOUR)


@pytest.mark.parametrize("number", [None, 1, 99])
def test_a_resume_of_another_pause_ends_none(number: int | None) -> None:
    world, resume, now = reverted()
    world.commands.add(Command(Verb.RESUME, resume.version, number))
    assert tick(world, now + HOUR).is_noop
    assert world.status.records[-1].phase is Phase.PAUSED
