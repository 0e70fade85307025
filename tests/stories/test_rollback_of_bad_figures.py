"""Story 4: the figures turn bad in stage 2. The rollout ends itself, and people are told once."""

from __future__ import annotations

import pytest

from pipeline.core.outcome.text import MARKER
from pipeline.rolling.alerting import LABEL
from pipeline.rollout_status import Phase
from tests.rollouts import BAD
from tests.stories.untrained import Digests, merge_retrain, untrained


def test_bad_figures_in_stage_2_end_the_rollout_and_people_are_told_once(
    tmp_path_factory: pytest.TempPathFactory, has_app: bool
) -> None:
    with untrained(tmp_path_factory.mktemp("rolled"), has_app=has_app) as place:
        reach_stage_2(place)
        turn_bad(place)
        tell_what_came_of_it(place)


def reach_stage_2(place: Digests) -> None:
    place.record_for(place.spec)
    merge_retrain(place)
    place.world.settle()
    assert place.world.records() == ["0001-stage-1.yaml"]
    assert place.share() == 10
    place.record_for(place.spec)
    place.world.tick()
    assert place.world.records()[-1] == "0002-stage-2.yaml"
    assert place.share() == 100
    assert place.answers() == {place.spec.challenger.digest}
    assert place.world.issues() == []


def turn_bad(place: Digests) -> None:
    """One tick is all it takes; the next one finds nothing to do and opens nothing."""
    world = place.world
    place.record_for(place.spec, challenger=BAD)
    for _ in range(2):
        place.world.tick()
        assert world.records()[2:] == ["0003-ended.yaml"]
        assert place.world.newest().phase is Phase.ROLLED_BACK
        assert place.share() == 0
        assert place.answers() == {world.champion().digest}
        [incident] = world.issues()
        assert [label["name"] for label in incident["labels"]] == [LABEL]
        assert "error rate" in incident["body"]


def tell_what_came_of_it(place: Digests) -> None:
    """Once a day dashboard.yml keeps one comment below the merged pull request."""
    world = place.world
    for _ in range(2):
        world.actions.schedule("dashboard.yml")
        world.settle()
        [comment] = [body for body in world.comments(1) if MARKER in body]
    assert "RolledBack" in comment
    assert "error rate" in comment
