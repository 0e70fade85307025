"""A checkout and a GitHub for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doctoring.checkouts import make_checkout
from tests.servers import github_recorder
from tests.servers.github_standin import GitHubStandIn


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "checkout")


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as server:
        assert isinstance(server, GitHubStandIn)
        for login in ("ada", "ben"):
            server.add_person(login)
        yield server
    assert server.violations == []
