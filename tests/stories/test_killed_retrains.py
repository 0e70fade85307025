"""Story 6, up to the merge: each job is lost once and run again, and all ends as without that.

Where each is lost is drawn from a seed, which is printed. The jobs that train and score hold no
token that writes, so with either kind of token they are the same: they are lost with the App alone.
All ask for the same moment, so that a retrain of the first walk is restored in the others, and by a
second machine: from DVC's cache, as on a runner of one's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from tests.servers.github_standin import APP_BOT
from tests.stories.base import Base
from tests.stories.ends import End, Undisturbed, end_of
from tests.stories.losses import Losses, a_watched_world, done, settle
from tests.stories.untrained import ON, Digests, push
from tests.stories.world import LEDGER

JOBS = (
    ("retrain.yml", "approve"),
    ("retrain.yml", "admit"),
    ("retrain.yml", "propose"),
    ("retrain.yml", "attest"),
    ("retrain.yml", "settle"),
    ("review.yml", "verify"),
)
HEAVY = (("retrain.yml", "train"), ("review.yml", "recompute"))
REFRESH = ("review.yml", "refresh")
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def undisturbed(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    """How it ends where no machine is lost: with an App, which makes no difference to the end."""
    with begun(base, tmp_path_factory, has_app=True) as (place, losses):
        assert walk(place) == 0
        assert done(place.world.actions) == {*JOBS, *HEAVY}
        yield Undisturbed(end_of(place), dict(losses.sent), place)


def test_each_job_up_to_a_judged_proposal_is_lost_once_and_all_ends_as_if_none_had_been(
    base: Base, undisturbed: End, tmp_path_factory: pytest.TempPathFactory, has_app: bool
) -> None:
    jobs = (*JOBS, *HEAVY) if has_app else JOBS
    with begun(base, tmp_path_factory, has_app=has_app) as (place, losses):
        losses.draw(jobs, undisturbed.sent, has_app=has_app)
        assert walk(place) > 0  # one attempt of a run may lose several of its jobs
        assert (losses.due, losses.actions.unused_kills) == ({}, [])
        assert end_of(place) == undisturbed.lines


def test_a_retrain_that_is_proposed_is_not_done_again_by_running_all_its_jobs_again(
    undisturbed: Undisturbed,
) -> None:
    actions = undisturbed.place.world.actions
    run = actions.last("retrain.yml")
    assert run is not None
    before = end_of(undisturbed.place)
    actions.rerun(run, by="rita")
    assert settle(actions) == 0
    assert run.jobs["admit"].outputs["admitted"] == "false"
    assert run.jobs["train"].result == "skipped"
    assert end_of(undisturbed.place) == before


def test_a_stale_proposal_is_asked_for_once_though_the_job_that_asks_is_lost(
    undisturbed: Undisturbed,
) -> None:
    world, actions = undisturbed.place.world, undisturbed.place.world.actions
    [proposed] = retrains(undisturbed.place)
    policy = world.file("configs/gates.yaml")
    push(world, APP_BOT, "main", {"configs/gates.yaml": f"{policy}# main moves on\n"})
    losses = Losses(actions)
    losses.draw([REFRESH], {}, has_app=True)
    for _ in range(2):  # what is worked out again is missed by nobody: main has moved on anyhow
        actions.kill("review.yml", "recompute", "Run actions/checkout", "before")
    actions.dispatch("review.yml", by="linus", pull_request="1")
    actions.settle()
    run = actions.last("review.yml")
    assert run is not None
    assert run.jobs["verify"].outputs["stale"] == "true", run.log
    assert run.jobs["refresh"].result == "failure"
    actions.rerun(run, by="rita", failed_only=True)
    actions.settle()
    assert (run.jobs["refresh"].result, actions.unused_kills) == ("success", []), run.log
    [planned] = retrains(undisturbed.place)
    assert (proposed["state"], planned["state"]) == ("PROPOSED", "PLANNED")
    assert (planned["id"], planned["attempt"], planned["run"]) == (proposed["id"], 0, None)


@contextmanager
def begun(
    base: Base, tmp_path_factory: pytest.TempPathFactory, *, has_app: bool
) -> Iterator[tuple[Digests, Losses]]:
    """A new world in which nothing has happened."""
    folder = tmp_path_factory.mktemp("lost")
    variables = {**ON, "PERENNIAL_ATTEST": "on"}
    with a_watched_world(base, folder, has_app=has_app, variables=variables) as found:
        yield found


def walk(place: Digests) -> int:
    """A person asks, another agrees: a retrain, its proposal, the judge. How many runs failed.

    What is lost is run again by rita: her word is no agreement.
    """
    actions = place.world.actions
    asked = {"reason": "is there more in it?", "as_of": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}
    actions.dispatch("retrain.yml", by="mallory", **asked)
    again = settle(actions, by="rita")
    assert place.world.verdict(1)[0] == "pending"
    return again


def retrains(place: Digests) -> list[dict[str, object]]:
    """All that the ledger has."""
    found: list[dict[str, object]] = json.loads(place.world.file("ledger.json", LEDGER))["retrains"]
    return found
