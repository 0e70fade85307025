"""Story 6, from the merge on: each job is lost once and run again, and all ends as without that.

Where each is lost is drawn from a seed, which is printed. With an App people press GitHub's button
"Re-run failed jobs", without one "Re-run all jobs": neither is bound to the kind of token.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.stories.ends import End, end_of
from tests.stories.losses import Losses, done, settle
from tests.stories.untrained import Digests, merge_retrain, untrained
from tests.stories.world import MODEL

JOBS = (
    ("rollout.yml", "reconcile"),
    ("rollback.yml", "roll-back"),
    ("dashboard.yml", "update"),
    ("dashboard.yml", "pages"),
    ("dashboard.yml", "publish"),
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> End:
    """How it ends where no machine is lost: with an App, which makes no difference to the end."""
    with begun(tmp_path_factory, has_app=True) as (place, losses):
        assert walk(place) == 0
        assert done(place.world.actions) == set(JOBS)
        return End(end_of(place), dict(losses.sent))


def test_each_job_after_the_merge_is_lost_once_and_all_ends_as_if_none_had_been(
    undisturbed: End, tmp_path_factory: pytest.TempPathFactory, has_app: bool
) -> None:
    with begun(tmp_path_factory, has_app=has_app) as (place, losses):
        losses.draw(JOBS, undisturbed.sent, has_app=has_app)
        assert (
            walk(place, whole=not has_app) > 3
        )  # one attempt of a run may lose several of its jobs
        assert (losses.due, losses.actions.unused_kills) == ({}, [])
        assert end_of(place) == undisturbed.lines


@contextmanager
def begun(
    tmp_path_factory: pytest.TempPathFactory, *, has_app: bool
) -> Iterator[tuple[Digests, Losses]]:
    """A new world in which nothing has happened."""
    with untrained(tmp_path_factory.mktemp("lost"), has_app=has_app) as place:
        actions = place.world.actions
        actions.settings.variables["PERENNIAL_PAGES"] = "on"
        place.world.github.world.settings.pages = "workflow"
        losses = Losses(actions)
        losses.watch()
        yield place, losses


def walk(place: Digests, *, whole: bool = False) -> int:
    """A merge, a stage, a rollback by hand, the dashboard, the site. How many runs failed."""
    actions = place.world.actions
    place.record_for(place.spec)
    merge_retrain(place)
    again = settle(actions, whole=whole)
    assert place.share() == 10
    actions.dispatch("rollback.yml", by="ada", model=MODEL, reason="it feels wrong")
    again += settle(actions, whole=whole)
    assert place.share() == 0
    actions.schedule("dashboard.yml")
    return again + settle(actions, whole=whole)
