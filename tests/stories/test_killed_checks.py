"""Story 6, from the monitor to a retrain: each job is lost once, and all ends as without that.

No model is trained for it: the data is called broken, which ends a retrain at its first gate. Where
each job is lost is drawn from a seed, which is printed. None of them asks an App for its token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline.adapters.warehouse import connect
from pipeline.usecase import query
from tests.actions import Actions
from tests.actions.runs import Run
from tests.repository import commit, git
from tests.stories.base import Base
from tests.stories.ends import End, Undisturbed, end_of
from tests.stories.losses import Losses, a_watched_world, done, settle
from tests.stories.settings import edit
from tests.stories.untrained import ON, Digests
from tests.stories.world import LEDGER, World

JOBS = (("monitor.yml", "check"), ("retrain.yml", "admit"))
OTHERS = (("retrain.yml", "train"), ("retrain.yml", "settle"))  # test_killed_retrains.py loses them
INCIDENT = "DataIncident: validate"


@dataclass(frozen=True)
class Growing(Base):
    """The base, where a quarter of new flights is enough for a retrain; `own` is its repository.

    So many flights a day as the limits ask for there are not: it is taken for a broken feed.
    """

    own: Path

    @property
    def repository(self) -> Path:
        return self.own


@pytest.fixture(scope="module")
def undisturbed(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    """How it ends where no machine is lost."""
    with begun(base, tmp_path_factory) as (place, losses):
        assert walk(place) == 0
        assert done(place.world.actions) == {*JOBS, *OTHERS}
        yield Undisturbed(end_of(place), dict(losses.sent), place)


def test_each_job_up_to_the_training_is_lost_once_and_all_ends_as_if_none_had_been(
    base: Base, undisturbed: End, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with begun(base, tmp_path_factory) as (place, losses):
        losses.draw(JOBS, undisturbed.sent, has_app=False)
        assert walk(place) == len(JOBS)
        assert (losses.due, losses.actions.unused_kills) == ({}, [])
        assert end_of(place) == undisturbed.lines


def test_a_retrain_whose_training_was_lost_is_claimed_again_by_running_all_its_jobs_again(
    undisturbed: Undisturbed,
) -> None:
    world, actions = undisturbed.place.world, undisturbed.place.world.actions
    for _ in range(2):
        actions.kill("retrain.yml", "train", "Retrain", "before")
    actions.dispatch("retrain.yml", by="mallory", reason="is there more in it?")
    [run] = actions.settle()
    agree(actions, run)
    actions.rerun(run, by="rita")  # "Re-run all jobs": it has to be agreed to again
    actions.settle()
    agree(actions, run)
    first, second = run.earlier[0]["admit"].outputs, run.jobs["admit"].outputs
    assert (second["admitted"], second) == ("true", first), run.log
    retrain = json.loads(world.file("ledger.json", LEDGER))["retrains"][-1]
    assert (retrain["state"], retrain["attempt"]) == ("PLANNED", 3)
    assert retrain["note"] == f"run {run.id} failed"  # which it can only say with the claim


def agree(actions: Actions, run: Run) -> None:
    """ada lets the retrain go on; what it comes to is told the ledger."""
    actions.approve(run, by="ada")
    actions.settle()
    assert (run.jobs["train"].result, run.jobs["settle"].result) == ("failure", "success"), run.log


@contextmanager
def begun(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Digests, Losses]]:
    """A new world in which nothing has happened."""
    engine = connect(base.warehouse)
    query.flight_predictions.create(engine, checkfirst=True)
    engine.dispose()
    folder = tmp_path_factory.mktemp("lost")
    git(folder, "clone", "--quiet", str(base.repository), "own")
    sooner = {"min_new_samples: 150000": "min_new_samples: 25000"}
    edit(folder / "own/configs/triggers.yaml", sooner)
    many = {"row_rate_ratio: [0.5, 2.0]": "row_rate_ratio: [50.0, 200.0]"}
    edit(folder / "own/params.yaml", many)
    commit(folder / "own", "Retrain sooner, and take the data for broken")
    growing = Growing(base.folder, folder / "own")
    with a_watched_world(growing, folder, has_app=False, variables=ON) as found:
        yield found


def walk(place: Digests) -> int:
    """New data, a retrain, and an hour later there is nothing left to do. How many runs failed."""
    world, actions = place.world, place.world.actions
    actions.schedule("monitor.yml")
    again = settle(actions, fault=INCIDENT)
    an_hour_passes(world)
    actions.schedule("monitor.yml")
    again += settle(actions, fault=INCIDENT)
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
