"""Story 1: an alert fires, and in the end another model serves. People only review and merge."""

from __future__ import annotations

import pytest
import requests

from tests.actions.runs import Run
from tests.servers.binaries import wait_for
from tests.servers.github_recorder import TOKEN
from tests.servers.github_standin import ACTIONS_BOT, APP_BOT
from tests.servers.github_standin.people import Viewer
from tests.servers.relay import relay_for
from tests.stories.base import Base
from tests.stories.production import Production, production
from tests.stories.world import MODEL, World, a_world

WEBHOOK = {
    "version": "4",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "AccuracyLow",
                "model": MODEL,
                "trigger": "performance_degradation",
            },
            "annotations": {"summary": "accuracy is 0.61, below 0.70"},
            "startsAt": "2026-06-24T00:00:00Z",
            "fingerprint": "0123456789abcdef",
        }
    ],
}


def test_an_alert_becomes_a_reviewed_pull_request_and_that_the_champion(
    base: Base, tmp_path_factory: pytest.TempPathFactory, has_app: bool
) -> None:
    on = {"PERENNIAL_ROLLOUT": "on"}
    folder = tmp_path_factory.mktemp("alert")  # short, as the path of Envoy's socket must be
    with a_world(base, folder, has_app=has_app, variables=on) as world:
        alert(world)
        world.settle()
        propose(world)
        with production(world) as place:
            place.start(world.proposed(1).challenger)
            review(world)
            merge(world, place)
            roll_out(world, place)


def alert(world: World) -> None:
    """Alertmanager tells the relay, a process whose token may dispatch and nothing else."""
    people = world.github.world.people
    relay_account = people.add("relay", "write")
    people.tokens[TOKEN] = Viewer(relay_account, {"contents": "write"})
    with relay_for(world.folder / "relay", world.github.url) as relay:
        relay.start("--apply")
        assert relay.post(WEBHOOK).ok
        assert relay.post(WEBHOOK).ok  # as Alertmanager does, until it is resolved
        wait_for(lambda: relay.health()["pending"] == 0, 120, lambda: relay.log)
    assert len(world.github.dispatches) == 1


def propose(world: World) -> None:
    """What the alert led to: one trained challenger, one pull request, judged already."""
    retrain = world.actions.last("retrain.yml")
    assert retrain is not None
    assert retrain.event.name == "repository_dispatch"
    assert retrain.jobs["train"].outputs["outcome"] == "proposed", retrain.log
    [pull] = world.pulls()
    assert pull["user"]["login"] == (APP_BOT if world.has_app else ACTIONS_BOT)
    assert "retrain" in {label["name"] for label in pull["labels"]}
    assert "accuracy is 0.61" in pull["body"]
    judged = world.actions.last("review.yml")
    assert judged is not None
    # What GITHUB_TOKEN opens starts nothing, so the retrain starts the review itself. What an App
    # opens and edits does: then the newest of these is what judges.
    starts = "pull_request_target" if world.has_app else "workflow_dispatch"
    assert judged.event.name == starts
    [asked] = [r for r in world.actions.runs if r.event.name == "workflow_dispatch"]
    assert (asked.workflow.file, asked.actor) == ("review.yml", ACTIONS_BOT)
    state, words = world.verdict(1)
    assert (state, "Waits for" in words) == ("pending", True), words


def review(world: World) -> None:
    """Both roles must agree before it may be merged; the figures are not worked out each time."""
    world.github.approve(1, "ada")
    if world.has_app:  # else no ruleset can hold main, and the state is what people look at
        with pytest.raises(requests.HTTPError, match="perennial/verify"):
            world.github.merge(1, "linus")
    world.github.approve(1, "linus")
    world.settle()
    first, second = world.actions.runs[-2:]
    # The second waits for the first: nobody's approval ends a review that runs.
    assert (first.conclusion, second.conclusion) == ("success", "success")
    assert world.verdict(1)[0] == "success", world.verdict(1)
    # With an App none was kept before: its pull request is an event that may keep nothing.
    assert works_figures_out(first) is world.has_app
    assert not works_figures_out(second)
    world.github.approve(1, "rita")  # of no role, and an event all the same
    world.settle()
    third = world.actions.runs[-1]
    assert third.jobs["verify"].result == "success"
    assert not works_figures_out(third)
    assert world.verdict(1)[0] == "success", world.verdict(1)


def works_figures_out(run: Run) -> bool:
    """Whether a review did so itself; else it took those of a review before."""
    [worked_out, taken] = [run.jobs["recompute"].step(name) for name in ("figures", "kept")]
    assert (worked_out.conclusion == "skipped") is (taken.outputs.get("cache-hit") == "true")
    return worked_out.conclusion == "success"


def merge(world: World, place: Production) -> None:
    """Linus merges: GitHub's push starts the rollout, whoever opened the pull request."""
    place.record_for(world.proposed(1))
    world.github.merge(1, "linus")
    world.settle()
    started = next(run for run in world.actions.runs if run.workflow.file == "rollout.yml")
    assert (started.event.name, started.actor) == ("push", "linus")
    assert world.records() == ["0001-stage-1.yaml"]
    assert place.share() == 10


def roll_out(world: World, place: Production) -> None:
    """Tick by tick, as the cron has it, while the figures hold."""
    spec = world.spec()
    for kind in ("stage-2", "promoted", "settled"):
        place.record_for(spec)
        world.tick()
        assert world.records()[-1][5:-5] == kind, world.actions.runs[-1].log
    assert world.champion().digest == spec.challenger.digest
    assert place.answers() == {spec.version}
    own_pushes_start_nothing(world)


def own_pushes_start_nothing(world: World) -> None:
    """An App's pushes start workflows, a job's own token's do not: neither is a loop."""
    runs = [run for run in world.actions.runs if run.workflow.file == "rollout.yml"]
    skipped = [run for run in runs if run.jobs["reconcile"].result == "skipped"]
    assert {run.actor for run in skipped} == ({APP_BOT} if world.has_app else set())
    assert sum(run.minutes for run in skipped) == 0
    assert [run.event.name for run in runs if run not in skipped] == ["push", *["schedule"] * 3]
