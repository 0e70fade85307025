"""Which manifest a rollout goes by while it bakes, and what waits meanwhile."""

from __future__ import annotations

import pytest

from pipeline.core.rollout.state import current_rollout
from pipeline.core.rollout.succession import goes_by, spec_in_force, told_wait
from pipeline.rollout_status import Phase
from tests.core.rollout_worlds import in_stage, phase_of, promoted
from tests.rollouts import HOUR, MINUTE, START, run_until, spec_of, tick, world_of

NEXT = spec_of("d", champion="c")


def edit_of(spec):
    return spec.model_copy(update={"retrain": "flight-delay-9999"})


def in_force(world, manifest):
    return spec_in_force(manifest, world.status, {world.spec.challenger.digest: world.spec}.get)


def test_while_it_bakes_the_next_manifest_is_not_in_force() -> None:
    world, spec, _ = promoted()
    assert in_force(world, NEXT) == spec
    assert spec_in_force(NEXT, world.status, lambda _: None) == NEXT


def test_before_and_after_the_bake_the_manifest_that_is_there_is_in_force() -> None:
    fresh, (running, *_) = world_of(spec_of()), in_stage(2)
    settled = world_of(spec_of())
    run_until(settled, Phase.PROMOTED, START)
    assert [in_force(world, NEXT) for world in (fresh, running, settled)] == [NEXT] * 3


def test_a_revert_or_an_edit_during_the_bake_is_in_force() -> None:
    world, spec, _ = promoted()
    before = spec_of("a", champion="b")  # of the champion that it replaced: never acted on here
    for manifest in (None, spec, edit_of(spec), before):
        assert in_force(world, manifest) is manifest


def test_the_champion_of_before_that_is_proposed_again_goes_through_every_stage() -> None:
    world = world_of(spec_of())
    now = run_until(world, Phase.BAKING, START)
    world.spec = spec_of("a", champion="c")
    tick(world, now + MINUTE)
    assert phase_of(world) is Phase.BAKING  # it waits as any other
    now = run_until(world, Phase.PROMOTED, now + MINUTE)
    tick(world, now + MINUTE)
    assert (phase_of(world), world.routing.challenger_percent) == (Phase.PROGRESSING, 5)


@pytest.mark.parametrize(("make", "is_followed"), [(promoted, True), (lambda: in_stage(2), False)])
def test_an_edit_is_gone_by_once_the_model_serves(make, is_followed: bool) -> None:
    world, spec, _ = make()
    rollout = current_rollout(world.status)
    assert goes_by(spec, rollout)
    assert goes_by(edit_of(spec), rollout) is is_followed
    assert not goes_by(NEXT, rollout)


def test_what_waits_is_told_with_its_reason_and_how_long_at_least() -> None:
    world, spec, now = promoted()
    rollout = current_rollout(world.status)
    until = now - MINUTE + HOUR
    assert told_wait(NEXT, spec, rollout) == (
        f"{NEXT.version} waits: {spec.version} still bakes, until {until:%Y-%m-%d %H:%M} UTC."
    )
    plan = spec.plan.model_copy(update={"bake_after_promotion": None})
    without = spec.model_copy(update={"plan": plan})
    assert f"until {until:%Y-%m-%d %H:%M} UTC" in told_wait(NEXT, without, rollout)
