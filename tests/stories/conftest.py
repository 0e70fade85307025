"""The base of all stories, made once a run, and both kinds of tokens."""

from __future__ import annotations

import os

import pytest

from tests.stories.base import Base, make_base


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    return make_base(shared / "stories")


@pytest.fixture(params=[True, False], ids=["app", "token"])
def has_app(request: pytest.FixtureRequest) -> bool:
    """Whether a GitHub App is installed; without one, jobs have GITHUB_TOKEN alone."""
    return bool(request.param)
