"""Which commits of a branch are merges of main and nothing else."""

from pathlib import Path

import pytest

from pipeline.adapters.git.merges import below_merges, plain_merges
from tests.repository import commit, git


def put(root: Path, name: str) -> str:
    """A commit with one more file; its id."""
    (root / name).write_text(name)
    commit(root, name)
    return newest(root)


def newest(root: Path) -> str:
    return git(root, "rev-parse", "HEAD").strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A branch `ours` with a commit, beside a main that has moved on."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    put(tmp_path, "start")
    git(tmp_path, "switch", "--quiet", "--create", "ours")
    put(tmp_path, "proposed")
    git(tmp_path, "switch", "--quiet", "main")
    put(tmp_path, "moved")
    git(tmp_path, "switch", "--quiet", "ours")
    return tmp_path


def test_a_merge_of_main_is_plain_however_often_it_moved_on(root: Path) -> None:
    proposed = newest(root)
    git(root, "merge", "--quiet", "--no-edit", "main")
    first = newest(root)
    git(root, "switch", "--quiet", "main")
    put(root, "again")
    git(root, "switch", "--quiet", "ours")
    git(root, "merge", "--quiet", "--no-edit", "main")
    second = newest(root)
    merges = plain_merges(root, "main", second)
    assert merges == {second: first, first: proposed}
    assert below_merges(second, merges) == proposed
    assert below_merges(proposed, merges) == proposed


def test_a_merge_with_more_in_it_of_another_branch_or_the_other_way_round_is_none(
    root: Path,
) -> None:
    git(root, "merge", "--quiet", "--no-commit", "main")
    put(root, "smuggled")
    more = newest(root)
    git(root, "switch", "--quiet", "--create", "another", "ours~1")
    put(root, "of another")
    git(root, "switch", "--quiet", "ours")
    git(root, "merge", "--quiet", "--no-edit", "another")
    other = newest(root)
    git(root, "switch", "--quiet", "--create", "round", "main")
    git(root, "merge", "--quiet", "--no-ff", "--no-edit", "ours")
    assert len({more, other, newest(root)}) == 3
    assert plain_merges(root, "main", newest(root)) == {}
