"""Story 5: the merge of a promoted challenger is reverted through a pull request of a person."""

from __future__ import annotations

import pytest

from pipeline.rollout_status import Phase
from tests.repository import git
from tests.stories.untrained import Digests, clone_of, merge_retrain, open_pull, untrained


def test_a_revert_through_a_pull_request_brings_the_champion_of_before_back(
    tmp_path_factory: pytest.TempPathFactory, has_app: bool
) -> None:
    with untrained(tmp_path_factory.mktemp("rolled"), has_app=has_app) as place:
        before = place.world.champion()
        merge = promote(place)
        revert(place, merge)
        assert place.world.champion() == before
        assert_all_agree(place)
        assert place.world.newest().phase is Phase.ROLLED_BACK
        # and once more: nothing is left to do
        tip = place.tip()
        place.world.tick()
        assert place.tip() == tip


def promote(place: Digests) -> str:
    """Returns the commit of the merge."""
    place.record_for(place.spec)
    merge = merge_retrain(place)
    place.world.settle()
    for _ in range(2):
        place.record_for(place.spec)
        place.world.tick()
    assert place.world.records()[-1] == "0003-promoted.yaml"
    assert place.world.champion().digest == place.spec.challenger.digest
    assert_all_agree(place)
    return merge


def revert(place: Digests, merge: str) -> None:
    """ada reverts; linus agrees and merges. The judge sees a rollback and asks for nothing."""
    world = place.world
    clone = clone_of(world, "ada")
    git(clone, "revert", "--no-edit", "--mainline=1", merge)
    git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/revert-it")
    number = open_pull(world, "ada", "revert-it", "Revert the retrain")
    world.settle()
    judged = world.actions.last("review.yml")
    assert judged is not None
    assert judged.event.name == "pull_request_target"
    assert judged.jobs["recompute"].result == "skipped"
    assert world.verdict(number) == ("success", "1 of 1 gates pass")
    assert world.comments(number) == []
    world.github.approve(number, "linus")
    world.github.merge(number, "linus")
    world.settle()
    rolled = [run for run in world.actions.runs if run.workflow.file == "rollout.yml"]
    acting = [run for run in rolled if run.jobs["reconcile"].result == "success"]
    assert (acting[-1].event.name, acting[-1].actor) == ("push", "linus")


def assert_all_agree(place: Digests) -> None:
    """Pointer, newest record, traffic and alias name one champion, and all users get it."""
    champion = place.world.champion().digest
    assert place.share() == 0
    assert place.answers() == {champion}
    assert place.registry.champion == champion
