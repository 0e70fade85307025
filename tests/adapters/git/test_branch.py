"""A branch is read by its whole name: others may choose names that end with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.adapters.git import plumbing
from pipeline.adapters.git.branch import Branch
from pipeline.adapters.git.plumbing import Git
from pipeline.errors import OutsideError
from tests.proposals import commit_and_push
from tests.repository import git
from tests.servers import dribbling


@pytest.fixture
def cloned(tmp_path: Path) -> Path:
    """A clone with a commit on main, pushed."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "bare.git")
    git(tmp_path, "clone", "--quiet", "bare.git", "clone")
    commit_and_push(tmp_path / "clone", "Start")
    return tmp_path / "clone"


def test_a_branch_whose_name_ends_as_that_of_main_is_not_main(cloned: Path) -> None:
    main = git(cloned, "rev-parse", "HEAD").strip()
    commit_and_push(cloned, "Nobody reviewed this", "a/refs/heads/main")
    commit_and_push(cloned, "Nor this", "a/refs/heads/gone")
    found = Git(cloned, "main of origin")
    assert Branch(found, "main", "origin").tip() == main
    assert Branch(found, "gone", "origin").tip() is None


def test_what_was_pushed_from_here_is_not_fetched_and_what_others_push_is(
    cloned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, trace = Git(cloned, "main of origin"), tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE2", str(trace))
    main = Branch(found, "main", "origin")
    start = git(cloned, "rev-parse", "HEAD").strip()
    ours = found.write_commit(found.tree_of(start), [start], "Next")
    assert main.swap(start, ours)
    assert main.tip() == ours
    assert " fetch " not in trace.read_text()
    git(tmp_path, "clone", "--quiet", "bare.git", "other")
    theirs = commit_and_push(tmp_path / "other", "Theirs")
    assert main.tip() == theirs
    assert found.is_ancestor(ours, theirs)


def test_a_clone_that_somebody_makes_shallow_meanwhile_is_made_whole_again(cloned: Path) -> None:
    commit_and_push(cloned, "Next")
    main = Branch(Git(cloned, "main of origin"), "main", "origin")
    for _ in range(2):
        main.deepen()
        assert git(cloned, "rev-list", "--count", "HEAD").strip() == "2"
        git(cloned, "fetch", "--quiet", "--depth=1", f"file://{cloned.parent}/bare.git", "main")
    main.deepen()
    assert git(cloned, "rev-parse", "--is-shallow-repository").strip() == "false"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A repository with a commit on main and a remote that is not there."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=Start")
    return tmp_path


def test_a_branch_that_cannot_be_written_is_an_error_and_not_another_writer(own: Path) -> None:
    git_here = Git(own, "a test")
    main, tip = Branch(git_here, "main", None), git(own, "rev-parse", "HEAD").strip()
    commit = git_here.write_commit(git_here.tree_of(tip), [tip], "Next")
    lock = own / ".git/refs/heads/main.lock"
    lock.touch()
    with pytest.raises(OutsideError, match=r"update-ref: .*main\.lock"):
        main.swap(tip, commit)
    lock.unlink()
    assert main.swap(tip, commit)
    assert not main.swap(tip, git_here.write_commit(git_here.tree_of(tip), [tip], "Late"))


def test_a_server_that_goes_on_and_on_is_not_waited_for(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plumbing, "MOST_SECONDS", 1.0)
    with dribbling.running(dribbling.BODY) as (address, is_cut):
        git(own, "remote", "add", "origin", f"http://{address}/x.git")
        with pytest.raises(OutsideError, match="git ls-remote: took over 1 seconds"):
            Branch(Git(own, "a test"), "main", "origin").tip()
        assert plumbing.has_terminal() or is_cut.wait(5)  # its helper has ended too


def test_a_server_that_is_silent_is_given_up_as_the_environment_says_or_after_a_minute(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds() -> str:
        alias = ("-c", "alias.told=!echo $GIT_HTTP_LOW_SPEED_TIME", "told")
        return Git(own, "a test").run(*alias).stdout.strip()

    monkeypatch.delenv("GIT_HTTP_LOW_SPEED_TIME", raising=False)
    assert seconds() == "60"
    monkeypatch.setenv("GIT_HTTP_LOW_SPEED_TIME", "20")
    assert seconds() == "20"
