"""What is owed to people for as long as it stands, and what alarms nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.core.rollout.effects import Alert, RolloutStep
from pipeline.core.rollout.observation import Stop
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Kind, Phase
from tests.core.rollout_worlds import CHALLENGER, DEAD, commit_of, in_stage, started
from tests.rollouts import BAD, DAY, HOUR, MINUTE, PLAN, START, samples, spec_of, tick, world_of


def told(step: RolloutStep) -> Alert:
    """The alert of a step, as a reminder of it."""
    (alert,) = (effect for effect in step.effects if isinstance(effect, Alert))
    return replace(alert, is_again=True)


def test_a_measured_rollback_is_owed_at_each_look_after_it_and_is_no_effect() -> None:
    world, spec, now = in_stage(2)
    ended = tick(world, now, samples(spec, now, challenger=BAD))
    assert ended.owed is None  # it tells by itself
    for later in (now + MINUTE, now + DAY):
        step = tick(world, later)
        assert (step.is_noop, step.owed) == (True, told(ended))


def test_what_is_owed_outlives_a_mend_of_the_traffic() -> None:
    world, spec, now = in_stage(2)
    ended = tick(world, now, samples(spec, now, challenger=BAD))
    world.alias = CHALLENGER
    mended = tick(world, now + MINUTE)
    assert (mended.is_noop, mended.owed) == (False, told(ended))


def test_a_stop_of_the_traffic_layer_is_owed_where_the_plan_alerts() -> None:
    for is_alarming in (True, False):
        world, spec, now = in_stage(2, monitoring={"alert_on_failure": is_alarming})
        world.stop = Stop(spec.version, 1, "errors", now)
        ended = tick(world, now)
        assert tick(world, now + MINUTE).owed == (told(ended) if is_alarming else None)
        world.spec = None  # a stop is told of where nobody can say whether to
        assert tick(world, now + MINUTE).owed is not None


def test_a_plan_without_alerts_owes_nobody_a_measured_rollback() -> None:
    world, spec, now = in_stage(2, monitoring={"alert_on_failure": False})
    tick(world, now, samples(spec, now, challenger=BAD))
    assert tick(world, now + MINUTE).owed is None


@pytest.mark.parametrize("how", ["abort", "merge reverted"])
def test_what_people_ended_themselves_is_owed_to_nobody(how: str) -> None:
    world, spec, now = in_stage(2)
    if how == "abort":
        world.commands.add(Command(Verb.ABORT, spec.version))
    else:
        world.spec = None
    assert tick(world, now).record.phase.is_ended
    assert tick(world, now + MINUTE).owed is None


def test_who_waits_for_servers_is_owed_until_it_starts_and_a_refusal_after_it() -> None:
    world = world_of(spec_of())
    waits = tick(world, START, challenger_health=DEAD)
    assert tick(world, START + MINUTE, challenger_health=DEAD).owed == told(waits)
    refused = tick(world, START + 6 * HOUR, challenger_health=DEAD)
    assert tick(world, START + 7 * HOUR).owed == told(refused)
    begun = world_of(spec_of())
    tick(begun, START, challenger_health=DEAD)
    tick(begun, START + MINUTE)
    assert tick(begun, START + 2 * MINUTE).owed is None


def test_a_wait_that_was_reverted_is_owed_to_nobody() -> None:
    world = world_of(spec_of())
    tick(world, START, challenger_health=DEAD)
    world.revert(commit_of(world, Kind.WAITING))
    world.commands.add(Command(Verb.PAUSE, world.spec.version))
    step = tick(world, START + MINUTE)
    assert (step.is_noop, step.owed) == (True, None)


def test_a_hold_of_the_plan_is_owed_until_a_person_resumes_and_a_pause_of_theirs_is_not() -> None:
    stages = [{**stage, "hold": number == 0} for number, stage in enumerate(PLAN["canary_stages"])]
    world, spec, now = started(canary_stages=stages)
    held = tick(world, now + HOUR)
    assert held.record.phase is Phase.PAUSED
    assert tick(world, now + 2 * HOUR).owed == told(held)
    world.commands.add(Command(Verb.RESUME, spec.version, held.record.sequence))
    tick(world, now + 3 * HOUR)
    assert tick(world, now + 3 * HOUR + MINUTE).owed is None
    world.commands.add(Command(Verb.PAUSE, spec.version))
    tick(world, now + 3 * HOUR + 2 * MINUTE)
    assert tick(world, now + 3 * HOUR + 3 * MINUTE).owed is None


def test_a_champion_that_is_bad_as_well_is_owed_while_it_lasts() -> None:
    world, spec, now = in_stage(2)
    both = {"challenger": BAD, "champion": BAD}
    held = tick(world, now, samples(spec, now, **both))
    again = tick(world, now + MINUTE, samples(spec, now + MINUTE, **both))
    assert (again.is_noop, again.owed) == (True, told(held))
    clear = tick(world, now + 2 * MINUTE)
    assert (clear.record.kind, clear.owed) == (Kind.CLEARED, None)
    assert tick(world, now + 3 * MINUTE).owed is None


def test_trouble_that_may_be_a_blip_is_owed_to_nobody() -> None:
    world, spec, now = in_stage(2, limits={"failure_limit": 3})
    tick(world, now, samples(spec, now, challenger=BAD))
    step = tick(world, now + MINUTE, samples(spec, now + MINUTE, challenger=BAD))
    assert (step.is_noop, step.owed) == (True, None)
