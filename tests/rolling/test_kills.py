"""SIGKILL before and after every side effect: the next run goes on, and nothing is done twice."""

from __future__ import annotations

from tests.rolling.rolled import Rolled, file_spec
from tests.rollouts import BAD, HOUR, MINUTE

STAGES = [
    {"traffic_percentage": w, "duration": "1h", "success_criteria": {"error_rate_max": 0.02}}
    for w in (50, 100)
]


def kill_until_done(world: Rolled) -> int:
    """Run after run, killed before and after each effect that is left. Returns how many died."""
    died = 0
    for _ in range(20):
        died += world.reconcile_and_be_killed(0, after=False)
        if not world.reconcile_and_be_killed(0, after=True):
            return died
        died += 1
    raise AssertionError("it never comes to an end")


def test_no_stage_is_skipped_or_done_twice(world: Rolled) -> None:
    spec = file_spec(canary_stages=STAGES, bake_after_promotion=None)
    world.merge(spec)
    before, died = world.commits(), 0
    for _ in range(3):
        world.record(spec)
        died += kill_until_done(world)
        world.now += HOUR + 5 * MINUTE
    assert world.kinds() == ["stage-1", "stage-2", "promoted"]
    assert world.commits() == before + 3
    assert world.champion().digest == spec.challenger.digest
    assert world.served() == spec.version
    shares = (world.serving / "weights.log").read_text().split()
    assert shares == ["0", "5000", "10000", "0"]
    assert died >= 12  # two effects a step, before and after each


def test_a_rollback_that_is_killed_takes_the_traffic_first_and_is_recorded_once(
    world: Rolled,
) -> None:
    spec = file_spec(canary_stages=STAGES)
    world.merge(spec)
    world.record(spec)
    world.reconcile()
    before = world.commits()
    world.record(spec, challenger=BAD)
    assert world.reconcile_and_be_killed(0, after=True)
    assert world.share() == 0  # before anything is in git
    assert world.commits() == before
    world.record(spec)  # whatever the metrics say now: it was stopped
    died = 0
    for effect in range(3):  # the weights, the alert, the commit
        died += world.reconcile_and_be_killed(effect, after=False)
        died += world.reconcile_and_be_killed(effect, after=True)
    assert died == 6
    assert world.kinds() == ["stage-1", "ended"]
    assert world.commits() == before + 1
    assert world.share() == 0
