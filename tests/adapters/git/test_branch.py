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


def test_a_branch_whose_name_ends_as_that_of_main_is_not_main(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    git(tmp_path, "clone", "--quiet", "bare.git", "clone")
    root = tmp_path / "clone"
    git(root, "checkout", "--quiet", "-B", "main")
    commit_and_push(root, "Start")
    main = git(root, "rev-parse", "HEAD").strip()
    commit_and_push(root, "Nobody reviewed this", "a/refs/heads/main")
    commit_and_push(root, "Nor this", "a/refs/heads/gone")
    found = Git(root, "main of origin")
    assert Branch(found, "main", "origin").tip() == main
    assert Branch(found, "gone", "origin").tip() is None


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
