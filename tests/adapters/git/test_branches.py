"""How a commit came onto main: by a merge, by a fast-forward, or not at all."""

from pathlib import Path

import pytest

from pipeline.adapters.git.branches import GitBranches
from tests.proposals import commit_and_push
from tests.repository import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    bare = tmp_path / "bare.git"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    root = tmp_path / "repository"
    git(tmp_path, "clone", "--quiet", str(bare), str(root))
    git(root, "checkout", "--quiet", "-B", "main")
    commit_and_push(root, "Start")
    git(root, "checkout", "--quiet", "-b", "topic")
    commit_and_push(root, "Work", "topic")
    git(root, "checkout", "--quiet", "main")
    return root


def test_a_merge_commit_is_what_brought_it(repository: Path) -> None:
    topic = git(repository, "rev-parse", "topic").strip()
    assert GitBranches(repository).merged_by(topic, "main") is None
    commit_and_push(repository, "Main moves on")
    git(repository, "merge", "--quiet", "--no-ff", "--no-edit", "topic")
    merge = git(repository, "rev-parse", "HEAD").strip()
    commit_and_push(repository, "Main moves on again")
    assert GitBranches(repository).merged_by(topic, "main") == merge
    assert GitBranches(repository, "origin").merged_by(topic, "main") == merge


def test_after_a_fast_forward_it_brought_itself(repository: Path) -> None:
    topic = git(repository, "rev-parse", "topic").strip()
    git(repository, "merge", "--quiet", "--ff-only", "topic")
    assert GitBranches(repository).merged_by(topic, "main") == topic
    commit_and_push(repository, "Main moves on")
    assert GitBranches(repository).merged_by(topic, "main") == topic


def test_a_branch_that_is_not_there_has_no_tip(repository: Path) -> None:
    assert GitBranches(repository).tip("nothing") is None
    assert GitBranches(repository, "origin").tip("nothing") is None
