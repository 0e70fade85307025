"""Metrics that say nothing never advance a rollout, and it does not wait for them for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.rollout_status import Phase
from tests.rolling.rolled import Rolled, file_spec
from tests.rollouts import HOUR, MINUTE

FAULTS = {
    "NaN": {"value": float("nan")},
    "infinite": {"value": float("inf")},
    "empty": {"value": None},
    "stale": {"sampled_at": "2013-07-03T00:00:00Z"},
    "of another version": {"version": "2013-01-01-0123456789ab"},
    "without a count": {"n": None},
    "no number": {"value": "fast"},
}


def start(world: Rolled):
    spec = file_spec()
    world.merge(spec)
    world.record(spec)
    world.reconcile()
    assert world.share() == 5
    return spec


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_of_the_metrics_holds_and_then_rolls_back(world: Rolled, fault: dict) -> None:
    spec = start(world)
    world.now += 2 * HOUR
    for expected in (5, 5, 0):
        world.record(spec, **fault)
        world.reconcile()
        assert world.share() == expected
        world.now += 5 * MINUTE
    assert world.kinds() == ["stage-1", "held", "ended"]
    assert world.status.records[-1].phase is Phase.ROLLED_BACK


def test_a_provider_that_fails_is_no_pass(world: Rolled) -> None:
    start(world)
    (world.serving / "samples.jsonl").write_text("<html>500</html>")
    world.now += 2 * HOUR
    world.reconcile()
    assert world.kinds() == ["stage-1", "held"]
    world.now += 10 * MINUTE
    world.reconcile()
    assert world.kinds()[-1] == "ended"


def test_no_traffic_at_all_is_held_until_the_deadline(world: Rolled) -> None:
    spec = start(world)
    quiet = {"value": 0.0, "n": 0}
    world.now += HOUR
    world.record(spec, **quiet)
    world.reconcile()
    assert world.kinds() == ["stage-1"]
    world.now += timedelta(hours=6) - MINUTE
    world.record(spec, **quiet)
    world.reconcile()
    assert world.kinds() == ["stage-1"]
    world.now += MINUTE
    world.record(spec, **quiet)
    world.reconcile()
    assert world.kinds() == ["stage-1", "ended"]
    assert "No PASS within 6 h" in world.status.records[-1].reason
