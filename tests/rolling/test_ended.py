"""Which retrain's rollout ended without a promotion, as monitoring asks it of git."""

from __future__ import annotations

from pipeline.rolling.ended import ended_retrains
from tests.repository import git
from tests.rolling.rolled import Rolled, file_spec, roll
from tests.rollouts import BAD, MODEL


def test_a_rollout_names_its_retrain_once_it_is_rolled_back_by_its_figures(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    assert ended_retrains(world.repository("monitor"), MODEL) == {}
    world.record(spec, challenger=BAD)
    world.reconcile()
    (reason,) = ended_retrains(world.repository("monitor"), MODEL).values()
    assert reason.startswith("RolledBack: ")
    assert list(ended_retrains(world.repository("monitor"), MODEL)) == [spec.retrain]


def test_a_reverted_merge_ends_it_too_and_a_promotion_does_not(world: Rolled) -> None:
    spec = file_spec()
    merge = world.merge(spec)
    roll(world, spec, "settled")
    assert ended_retrains(world.repository("monitor"), MODEL) == {}
    world.revert(merge)
    world.reconcile()
    assert list(ended_retrains(world.repository("monitor"), MODEL)) == [spec.retrain]
    assert ended_retrains(world.repository("monitor"), "other") == {}


def test_a_manifest_that_is_refused_ends_nothing(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    people = world.clone("people")
    git(people, "pull", "--quiet")
    (people / f"rollouts/{MODEL}/rollout.yaml").write_text("half: [of")
    git(people, "commit", "--quiet", "--all", "--message=Break it")
    git(people, "push", "--quiet")
    assert ended_retrains(world.repository("monitor"), MODEL) == {}
