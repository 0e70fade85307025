"""Histories for the tests of the site: rollouts of the real reconciler, in a world of values."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from pipeline.core.rollout.world import World
from pipeline.core.site.facts import Ask, Evidence, Merged, ModelHistory, Reign, Written
from pipeline.core.triggers.ledger import Event, Ledger, Retrain, RetrainState
from pipeline.rollout_status import Phase
from tests.rollouts import (
    BAD,
    GOOD,
    HOUR,
    MINUTE,
    MODEL,
    START,
    champion_of,
    run_until,
    samples,
    spec_of,
    tick,
    world_of,
)

DAY = timedelta(days=1)
BEGAN = START - 60 * DAY
SHA = "0123456789abcdef0123456789abcdef01234567"


def evidence(improvement: float | None = 0.02) -> Evidence:
    low = None if improvement is None else improvement - 0.005
    high = None if improvement is None else improvement + 0.005
    return Evidence(metric="f1_weighted", improvement=improvement, low=low, high=high)


def merged(spec, at: datetime = START, found: Evidence | None = None, **changes) -> Merged:
    one = Merged(spec, SHA, at, "Ada", "Merge pull request #7 from x", (), found or evidence())
    return replace(one, **changes)


def written_of(world: World, late: timedelta = timedelta(seconds=3)) -> tuple[Written, ...]:
    """The world's records, each committed a little after it was decided."""
    return tuple(
        Written(c.record, f"{n:040x}", c.record.at + late, c.is_reverted)
        for n, c in enumerate(world.commits, 1)
    )


def reign(letter: str | None = "a", since: datetime = BEGAN, **changes) -> Reign:
    champion = champion_of(letter) if letter else None
    return replace(Reign(champion, since, SHA, "Ada"), **changes)


def promoted_world(spec=None) -> World:
    world = world_of(spec or spec_of())
    run_until(world, Phase.PROMOTED, START)
    return world


def failed_world(spec=None, seen_ago: timedelta = timedelta(0)) -> World:
    """Rolled back at 5 %, ten minutes after its start, for figures of so long ago."""
    world = world_of(spec or spec_of())
    tick(world, START)
    now = START + 10 * MINUTE
    found = samples(world.spec, now, BAD, GOOD)
    aged = tuple(s.model_copy(update={"sampled_at": now - seen_ago}) for s in found)
    tick(world, now, aged)
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    return world


def history(world: World | None = None, **changes) -> ModelHistory:
    """Champion `a` for sixty days, and what happened in `world` after it."""
    found = ModelHistory(
        model=MODEL,
        reigns=(reign(),),
        merged=(merged(world.spec),) if world and world.spec else (),
        written=written_of(world) if world else (),
        ledger=Ledger(),
        max_per_month=3,
    )
    return replace(found, **changes)


def retrain(number: int, at: datetime, state=RetrainState.WON, model: str = MODEL) -> Retrain:
    name = f"{model}-{number:04}"
    return Retrain(name, model, "sha256:" + "a" * 64, state, at, at + 5 * HOUR, note="It won.")


def event(at: datetime, retrain: str | None = None, **changes) -> Event:
    made = Event(MODEL, "sha256:" + "a" * 64, "data_drift", f"w{at}", "high", "PSI 0.3", at)
    return replace(made, retrain=retrain, **changes)


def ask(at: datetime, *, is_command: bool = False) -> Ask:
    return Ask(at, is_command)
