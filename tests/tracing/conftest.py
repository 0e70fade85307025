"""One rollout for all tests, and a copy of it for each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tracing.traced import Traced, traced


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    return traced(tmp_path_factory.mktemp("traced") / "flights")


@pytest.fixture
def world(made: Traced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Traced:
    """A copy that a test may break, and is in. Nothing outside is known to be asked."""
    root = tmp_path / "flights"
    shutil.copytree(made.root, root, symlinks=True)
    monkeypatch.chdir(root)
    for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    return Traced(root, made.spec, made.records)
