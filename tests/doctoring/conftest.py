"""A checkout and a GitHub for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doctoring.checkouts import github_of_two, make_checkout
from tests.servers.github_standin import GitHubStandIn


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "checkout")


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    with github_of_two(tmp_path) as server:
        yield server
