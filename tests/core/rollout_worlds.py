"""Rollouts that have come some way, for tests of what happens to them next."""

from __future__ import annotations

from pipeline.core.rollout.observation import Health, Routing
from pipeline.rollout_status import Phase
from tests.rollouts import MINUTE, START, run_until, spec_of, tick, world_of

CHAMPION, CHALLENGER = f"sha256:{'a' * 64}", f"sha256:{'c' * 64}"
DEAD = Health(False, "connection refused")


def started(**changes):
    """A world in its first stage, and the moment of it."""
    spec = spec_of(**changes)
    world = world_of(spec)
    tick(world, START)
    return world, spec, START


def in_stage(number, **changes):
    """A world that has just entered the stage with this number, and a minute after it."""
    world, spec, now = started(**changes)
    while world.status.records[-1].stage < number:
        now += 10 * MINUTE
        tick(world, now)
    return world, spec, now + MINUTE


def promoted(**changes):
    """A world whose challenger bakes as champion, and a minute after its promotion."""
    spec = spec_of(**changes)
    world = world_of(spec)
    now = run_until(world, Phase.BAKING, START)
    return world, spec, now + MINUTE


def phase_of(world):
    """The phase of the newest record."""
    return world.status.records[-1].phase


def commit_of(world, kind, stage=None):
    """The newest commit of this kind, and of this stage where one is given."""
    return next(
        c
        for c in reversed(world.commits)
        if c.record.kind is kind and stage in (None, c.record.stage)
    )


def is_back(world, champion=CHAMPION):
    """Routing, alias and pointer agree on the champion."""
    everyone = Routing(champion)
    return world.routing.agrees_with(everyone) and {world.alias, world.champion} == {champion}
