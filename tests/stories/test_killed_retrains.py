"""Story 6, up to the merge: each job is lost once and run again, and all ends as without that.

Where each is lost is drawn from a seed, which is printed. The jobs that train and score hold no
token that writes, so with either kind of token they are the same: they are lost with the App alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline.adapters.warehouse import connect
from pipeline.usecase import query
from tests.repository import commit, git
from tests.stories.base import Base
from tests.stories.ends import End, end_of
from tests.stories.losses import Losses, settle
from tests.stories.settings import edit
from tests.stories.untrained import ON, Digests, digests
from tests.stories.world import LEDGER, World, a_world

JOBS = (
    ("monitor.yml", "check"),
    ("retrain.yml", "admit"),
    ("retrain.yml", "propose"),
    ("retrain.yml", "settle"),
    ("review.yml", "verify"),
)
HEAVY = (("retrain.yml", "train"), ("review.yml", "recompute"))


@dataclass(frozen=True)
class Growing(Base):
    """The base, where a quarter of new flights is enough for a retrain; `own` is its repository."""

    own: Path

    @property
    def repository(self) -> Path:
        return self.own


@pytest.fixture(scope="module")
def undisturbed(base: Base, tmp_path_factory: pytest.TempPathFactory) -> End:
    """How it ends where no machine is lost: with an App, which makes no difference to the end."""
    with begun(base, tmp_path_factory, has_app=True) as (place, losses):
        assert walk(place) == 0
        assert set(losses.first) == {*JOBS, *HEAVY}
        return End(end_of(place), dict(losses.sent))


def test_each_job_up_to_a_judged_proposal_is_lost_once_and_all_ends_as_if_none_had_been(
    base: Base, undisturbed: End, tmp_path_factory: pytest.TempPathFactory, has_app: bool
) -> None:
    jobs = (*JOBS, *HEAVY) if has_app else JOBS
    with begun(base, tmp_path_factory, has_app=has_app) as (place, losses):
        losses.draw(jobs, undisturbed.sent, has_app=has_app)
        assert walk(place) > 0  # one attempt of a run may lose several of its jobs
        assert (losses.due, losses.actions.unused_kills) == ({}, [])
        assert end_of(place) == undisturbed.lines


@contextmanager
def begun(
    base: Base, tmp_path_factory: pytest.TempPathFactory, *, has_app: bool
) -> Iterator[tuple[Digests, Losses]]:
    """A new world in which nothing has happened."""
    engine = connect(base.warehouse)
    query.flight_predictions.create(engine, checkfirst=True)
    engine.dispose()
    folder = tmp_path_factory.mktemp("lost")
    git(folder, "clone", "--quiet", str(base.repository), "own")
    changes = {"min_new_samples: 150000": "min_new_samples: 25000"}
    edit(folder / "own/configs/triggers.yaml", changes)
    commit(folder / "own", "Retrain sooner")
    growing = Growing(base.folder, folder / "own")
    with (
        a_world(growing, folder, has_app=has_app, variables=ON) as world,
        digests(world) as place,
    ):
        losses = Losses(world.actions)
        losses.watch()
        yield place, losses


def walk(place: Digests) -> int:
    """New data, a retrain, its proposal and the judge's word. How many runs failed."""
    world, actions = place.world, place.world.actions
    actions.schedule("monitor.yml")
    again = settle(actions)
    an_hour_passes(world)
    actions.schedule("monitor.yml")
    again += settle(actions)
    assert world.verdict(1)[0] == "pending"
    return again


def an_hour_passes(world: World) -> None:
    """For the ledger: what was planned and never dispatched is by now overdue."""
    clone, bare = world.folder / "ledger", str(world.github.world.git.path)
    git(world.folder, "clone", "--quiet", f"--branch={LEDGER}", bare, clone.name)
    path = clone / "ledger.json"
    path.write_text(an_hour_earlier(path.read_text()))
    commit(clone, "An hour passes")
    git(clone, "push", "--quiet", "origin", LEDGER)


def an_hour_earlier(ledger: str) -> str:
    """The ledger with all of its times an hour before."""

    def earlier(found: re.Match[str]) -> str:
        return f"{datetime.fromisoformat(found[0]) - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"

    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", earlier, ledger)
