"""Patience: how long a stage may wait for a PASS, and what a closed deploy window takes of it."""

from __future__ import annotations

from pipeline.domain import Verdict
from pipeline.rollout_status import Kind, Phase
from tests.core.rollout_worlds import phase_of, promoted, started
from tests.rollouts import DAY, HOUR, MINUTE, PLAN, START, samples, tick

OFFICE = [{"start": "09:00", "end": "17:00"}]  # Monday to Friday; START is a Wednesday, 09:00
STAGES = [
    {**PLAN["canary_stages"][0], "traffic_percentage": weight, "duration": length}
    for weight, length in ((5, "478m"), (100, "1h"))
]


def quiet(world, spec, now):
    """A look with too few samples."""
    return tick(world, now, samples(spec, now, n=100.0))


def waiting(**limits):
    """A stage that passed and waits since 17:00 for the next morning; its time was over 16:58."""
    limits = {"deadline": "12h", **limits}
    world, spec, _ = started(deploy_windows=OFFICE, limits=limits, canary_stages=STAGES)
    assert tick(world, START + 8 * HOUR).reason.startswith("PASS: waits for the deploy window")
    return world, spec


def test_what_passed_and_waits_for_its_window_is_not_given_up_in_the_night() -> None:
    world, spec = waiting()
    for hours in (9, 20, 23):
        step = quiet(world, spec, START + hours * HOUR)
        assert (step.verdict, step.is_noop) == (Verdict.INCONCLUSIVE, True)
    assert tick(world, START + DAY).record.stage == 2


def test_open_windows_add_up_to_the_deadline() -> None:
    world, spec = waiting()  # 2 min of Wednesday, 8 h of Thursday, 3 h 58 min of Friday
    for hours in range(9, 49):
        assert quiet(world, spec, START + hours * HOUR).is_noop
    ends = START + 2 * DAY + 4 * HOUR - 2 * MINUTE
    assert quiet(world, spec, ends - MINUTE).is_noop
    assert quiet(world, spec, ends).record.phase is Phase.ROLLED_BACK


def test_an_inconclusive_limit_counts_the_checks_in_a_window() -> None:
    world, spec = waiting(inconclusive_limit=2)
    assert quiet(world, spec, START + DAY + 7 * MINUTE).is_noop
    assert quiet(world, spec, START + DAY + 8 * MINUTE).record.phase is Phase.ROLLED_BACK


def test_a_bake_asks_for_no_window() -> None:
    world, spec, _ = promoted(deploy_windows=OFFICE, limits={"deadline": "6h"})
    since = world.status.records[-1].stage_since
    assert world.status.records[-1].kind is Kind.PROMOTED
    assert quiet(world, spec, since + 7 * HOUR - MINUTE).is_noop
    assert phase_of(world) is Phase.BAKING
    assert since + 7 * HOUR > START + 8 * HOUR  # after the window
    assert quiet(world, spec, since + 7 * HOUR).record.phase is Phase.ROLLED_BACK
