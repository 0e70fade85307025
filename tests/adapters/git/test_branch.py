"""A branch is read by its whole name: others may choose names that end with it."""

from __future__ import annotations

from pathlib import Path

from pipeline.adapters.git.branch import Branch
from pipeline.adapters.git.plumbing import Git
from tests.proposals import commit_and_push
from tests.repository import git


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
