"""No git repository, or no remote: what is said, and that it is no outside system's failure."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.called import Called, call_script
from tests.repository import ROOT, commit, git

WHY = ("--model", "flight-delay", "--reason", "to look")
ASK_THE_REMOTE = {
    "roll_back": WHY,
    "control_rollout": ("pause", *WHY),
    "reconcile_rollouts": (),
    "replay_rollout": (),
    "watch_rollout": (),
    "settle_retrain": ("--retrain", "flight-delay-0001", "--outcome", "lost"),
}
ASK_HERE = {
    "trace": ("2013-07-03",),
    "who_served": ("--user", "7", "--at", "2013-07-03"),
    "rehearse_rollback": (),
    "build_dashboard": (),
}
LOCAL = {
    name: (*arguments, "--local")
    for name, arguments in ASK_THE_REMOTE.items()
    if name != "watch_rollout"
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The template's configuration, outside git."""
    root = tmp_path / "flights"
    for name in ("configs", "rollouts"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "params.yaml", root)
    return root


def assert_refused(done: Called, said: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Run again" not in done.stderr
    assert "fatal:" not in done.stderr


@pytest.mark.parametrize(
    ("script", "arguments"), [*ASK_THE_REMOTE.items(), *ASK_HERE.items(), *LOCAL.items()]
)
def test_outside_a_repository_a_clone_is_asked_for(
    folder: Path, script: str, arguments: tuple[str, ...]
) -> None:
    done = call_script(folder, script, *arguments)
    assert_refused(done, f"{folder} is in no git repository: run it in a clone")


@pytest.mark.parametrize(("script", "arguments"), ASK_THE_REMOTE.items())
def test_without_a_remote_one_is_asked_for(
    folder: Path, script: str, arguments: tuple[str, ...]
) -> None:
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Begin")
    done = call_script(folder, script, *arguments)
    assert_refused(done, "there is no remote origin: add one (git remote add origin URL), or use ")


@pytest.mark.parametrize("script", ["replay_rollout", "settle_retrain"])
def test_a_remote_that_does_not_answer_may_answer_later(folder: Path, script: str) -> None:
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Begin")
    git(folder, "remote", "add", "origin", str(folder / "away.git"))
    done = call_script(folder, script, *ASK_THE_REMOTE[script])
    assert done.returncode == 3, done.stderr
    assert "Run again: nothing was lost." in done.stderr
