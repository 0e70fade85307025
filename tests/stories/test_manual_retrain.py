"""Story 3: a person asks for a retrain, the right people agree, and the champion stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.actions.runs import Run
from tests.servers.github_standin import ACTIONS_BOT
from tests.stories.base import Base
from tests.stories.world import World, a_world


def test_a_manual_retrain_waits_for_its_approvers_and_a_loser_is_only_told(
    base: Base, tmp_path: Path, has_app: bool
) -> None:
    with a_world(base, tmp_path, has_app=has_app) as world:
        world.actions.set_environment("manual-retrain", reviewers=("ada", "rita"))
        main = world.github.world.git.refs()["refs/heads/main"]

        refused = ask(world)
        world.actions.approve(refused, by="rita")  # who reviews, and speaks for no role
        assert world.settle() == []
        assert refused.jobs["admit"].outputs["admitted"] == "false", refused.log
        assert refused.jobs["train"].result == "skipped"

        agreed = ask(world)
        world.actions.approve(agreed, by="ada")
        assert world.settle() == []
        assert agreed.jobs["train"].outputs["outcome"] == "lost", agreed.log
        assert agreed.jobs["propose"].result == "skipped"
        assert world.pulls() == []
        assert world.github.world.git.refs()["refs/heads/main"] == main
        told(world)


def ask(world: World) -> Run:
    """Mallory asks for one as of two weeks after the champion: there is little new to learn."""
    as_of = world.champion().as_of + timedelta(days=14)
    asked = {"reason": "is there more in it?", "as_of": f"{as_of:%Y-%m-%dT%H:%M:%SZ}"}
    world.actions.dispatch("retrain.yml", by="mallory", **asked)
    [run] = world.settle()
    assert run.jobs["approve"].state == "waiting"
    assert run.minutes == 0
    return run


def told(world: World) -> None:
    """One issue says what came of it, and why."""
    [issue] = world.issues()
    assert issue["user"]["login"] == ACTIONS_BOT
    assert "is there more in it?" in issue["body"]
    assert "lost" in issue["body"].lower()
