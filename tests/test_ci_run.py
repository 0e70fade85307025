"""What continuous integration runs: all tests as shipped, and later what its owners may break."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.repository import ROOT, edit

NEEDED = (
    ".ci/run",
    "Makefile",
    "configs/approvers.yaml",
    "configs/usecase.yaml",
    "requirements/dev.txt",
    "rollouts/flight-delay/champion.yaml",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NEEDED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def planned(root: Path) -> str:
    """The commands that `make` would run."""
    found = os.environ | {"MAKEFLAGS": "--dry-run"}
    done = subprocess.run([root / ".ci/run"], env=found, capture_output=True, text=True, check=True)
    return done.stdout


def test_the_repository_as_shipped_runs_every_test(root: Path) -> None:
    text = planned(root)
    assert "pytest -n" in text
    assert "scripts.doctor" not in text


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("configs/usecase.yaml", "model: flight-delay", "model: even-digit"),
        ("configs/approvers.yaml", "ml_lead: []", "ml_lead: [ada]"),
        ("rollouts/flight-delay/champion.yaml", "# No model", "digest: sha256:0\n# No model"),
    ],
    ids=["a model of its own", "people", "a champion"],
)
def test_a_repository_with_something_of_its_own_checks_that(
    root: Path, name: str, before: str, after: str
) -> None:
    edit(root / name, {before: after})
    text = planned(root)
    assert "ruff check ." in text
    assert "python -m scripts.doctor --offline" in text
    assert "python -m pytest" not in text


def test_a_repository_whose_example_is_gone_checks_what_there_is(root: Path) -> None:
    edit(root / "configs/usecase.yaml", {"model: flight-delay": "model: even-digit"})
    shutil.rmtree(root / "rollouts")
    assert "scripts.doctor --offline" in planned(root)
