"""A stand-in that serves, a clone to push from, and Actions attached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.actions import Actions
from tests.actions.texts import START, workflow
from tests.servers import github_recorder
from tests.servers.github_standin import Clone, GitHubStandIn
from tests.servers.github_standin.world import World

Attach = Callable[..., Actions]


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as standin:
        for login in ("alice", "rita", "ralf"):
            standin.add_person(login)
        yield standin
    assert standin.violations == []


@pytest.fixture
def clone(github: GitHubStandIn, tmp_path: Path) -> Clone:
    return Clone(github.world.git, tmp_path / "clone")


@pytest.fixture
def attach(github: GitHubStandIn, clone: Clone, tmp_path: Path) -> Attach:
    """Actions for a repository whose main has `files`: names of workflows and their texts."""

    def attached(files: dict[str, str], **options: Any) -> Actions:
        clone.push("main", {f".github/workflows/{name}": text for name, text in files.items()})
        return Actions(github, tmp_path / "actions", **options)

    return attached


@pytest.fixture
def ran(attach: Attach) -> Attach:
    """Actions after one run of a workflow of these steps, and of what came of it."""

    def run(steps: str, permissions: str = "{contents: read}", **options: Any) -> Actions:
        actions = attach({"w.yml": workflow(steps, permissions)}, **options)
        actions.dispatch("w.yml", by="alice")
        actions.settle()
        return actions

    return run


@pytest.fixture
def dispatched(attach: Attach) -> Attach:
    """Actions after somebody asked for a workflow of these jobs, which did not run yet."""

    def start(*jobs: str, **options: Any) -> Actions:
        actions = attach({"w.yml": START + "".join(jobs)}, **options)
        actions.dispatch("w.yml", by="alice")
        return actions

    return start


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """What a stand-in knows that has a main branch and serves nobody."""
    folder = tmp_path_factory.mktemp("world")
    standin = GitHubStandIn(folder / "bare.git")
    Clone(standin.world.git, folder / "clone")
    return standin.world
