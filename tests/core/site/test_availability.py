"""What is taken off the time in which a champion served, and what is never claimed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.core.rollout.observation import Health
from pipeline.core.site.availability import availability, spans_without
from pipeline.core.site.success_figures import Standing
from pipeline.rollout_status import Phase
from tests.core.site_histories import BEGAN, history, reign
from tests.rollouts import (
    DAY,
    HOUR,
    MINUTE,
    START,
    run_until,
    samples,
    spec_of,
    tick,
    world_of,
)


def test_a_champion_all_the_time_is_all_that_git_can_tell() -> None:
    found = availability(history(), BEGAN + 10 * HOUR)
    assert (found.value, found.standing) == ("100 %", Standing.MET)
    assert found.n == "0 of 600 min lost"
    assert "What users saw is not in git" in found.gap


@pytest.mark.parametrize("reigns", [(), (reign(None),)])
def test_before_the_first_champion_nothing_is_known(reigns) -> None:
    found = availability(history(reigns=reigns), START)
    assert (found.value, found.standing, found.n) == (
        "not known", Standing.UNKNOWN, "no champion yet",
    )  # fmt: skip
    assert spans_without(history(reigns=reigns), START) == ()


def test_no_time_is_no_perfect_score() -> None:
    assert availability(history(), BEGAN).value == "not known"


def test_a_minute_in_a_year_is_not_rounded_away() -> None:
    reigns = (reign(), reign(None, BEGAN + DAY), reign("a", BEGAN + DAY + MINUTE))
    found = availability(history(reigns=reigns), BEGAN + 365 * DAY)
    assert (found.value, found.standing) == ("99.9 %", Standing.MISSED)
    assert found.drawing is not None
    assert len(found.drawing.bars) == 2


def test_time_before_the_first_champion_is_not_lost() -> None:
    reigns = (reign(None, BEGAN - DAY), reign("a", BEGAN))
    assert availability(history(reigns=reigns), BEGAN + DAY).value == "100 %"


def test_a_champion_that_is_gone_is_lost_time_until_now() -> None:
    reigns = (reign(), reign(None, BEGAN + HOUR))
    found = availability(history(reigns=reigns), BEGAN + 4 * HOUR)
    assert (found.value, found.n) == ("25.0 %", "180 of 240 min lost")


def down_world():
    """A champion that does not answer for the twenty minutes between two records."""
    spec = spec_of()
    world = world_of(spec)
    tick(world, START)
    for minutes in (10, 30):
        now = START + minutes * MINUTE
        is_up = minutes == 30
        health = Health(is_up, "" if is_up else "refused")
        tick(world, now, samples(spec, now), champion_health=health)
    return world


def test_a_champion_that_a_record_saw_down_is_lost_time_until_the_next_record() -> None:
    world = down_world()
    gates = [[g.verdict for g in r.gates if g.name == "champion"] for r in world.status.records]
    found = spans_without(history(world), START + DAY)
    assert found == ((START + 10 * MINUTE, START + 30 * MINUTE),), gates


@pytest.mark.parametrize(("down", "minutes"), [(["champion"], 0), (["champion", "challenger"], 20)])
def test_after_the_promotion_the_server_that_counts_is_the_challengers(down, minutes) -> None:
    spec = spec_of()
    world = world_of(spec)
    run_until(world, Phase.BAKING, START)
    promoted = world.status.records[-1].at
    for later, is_up in ((10, False), (20, False), (30, True)):
        now = promoted + later * MINUTE
        health = {f"{role}_health": Health(is_up, "" if is_up else "refused") for role in down}
        tick(world, now, samples(spec, now), **health)
    assert world.status.records[-1].at > promoted
    found = spans_without(history(world), START + 10 * DAY)
    assert sum((end - start for start, end in found), timedelta(0)) == minutes * MINUTE


def test_spans_that_overlap_are_counted_once() -> None:
    reigns = (
        reign(),
        reign(None, START + 20 * MINUTE),
        reign("a", START + 40 * MINUTE),
    )
    found = spans_without(history(down_world(), reigns=reigns), START + DAY)
    assert sum((end - start for start, end in found), timedelta(0)) == 30 * MINUTE
