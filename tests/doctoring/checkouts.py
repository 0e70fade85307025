"""A small checkout that the doctor finds nothing wrong with, and a GitHub behind it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pipeline.doctoring.finding import Finding
from pipeline.doctoring.situation import Situation
from tests.proposals import HASTY
from tests.repository import ROOT, commit, git
from tests.servers import github_recorder
from tests.servers.github_standin import GitHubStandIn

APPROVERS = "roles:\n  ml_lead: [ada]\n  product_owner: [ben]\n"
NOTHING = {"HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}


def make_checkout(folder: Path) -> Path:
    """The shipped configurations and workflows, and two people who speak for the roles."""
    folder.mkdir(parents=True)
    for name in ("configs", ".github", ".dvc"):
        ignored = shutil.ignore_patterns("cache", "tmp", "storage")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy2(ROOT / name, folder / name)
    (folder / "configs/approvers.yaml").write_text(APPROVERS)
    git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
    git(folder, "config", "user.name", "Ada")
    git(folder, "config", "user.email", "ada@localhost")
    commit(folder, "Start")
    return folder


@contextmanager
def github_of_two(folder: Path) -> Iterator[GitHubStandIn]:
    """A GitHub that knows the two people; it must never have been asked for what is not allowed."""
    with github_recorder.running(GitHubStandIn(folder / "bare.git")) as server:
        assert isinstance(server, GitHubStandIn)
        for login in ("ada", "ben"):
            server.add_person(login)
        yield server
    assert server.violations == []


def situation_of(
    root: Path, github: GitHubStandIn | None = None, login: str = "octo", **environment: str
) -> Situation:
    """Its situation now, with the token of `login` where there is a GitHub."""
    given = {**NOTHING, **environment}
    if github is not None:
        given["GITHUB_TOKEN"] = github.token_for(login)
    return Situation(
        root,
        given,
        datetime.now(UTC),
        "octo/model" if github else None,
        github.url if github else "",
        patience=HASTY,
    )


def told(check: Callable[[Situation], Iterable[Finding]], situation: Situation) -> list[str]:
    """What a check finds, as lines."""
    return [" ".join(str(finding).split()) for finding in check(situation)]


def replaced(path: Path, old: str, new: str) -> None:
    """Change a file by hand."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
