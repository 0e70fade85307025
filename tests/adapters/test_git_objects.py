"""Objects and commits in bulk, from a real repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.adapters.git.objects import Blob, CommitFacts, read_commits, read_objects
from pipeline.adapters.git.plumbing import Git
from pipeline.errors import OutsideError
from tests.repository import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a folder" / "b.txt").write_bytes(b"one\n\xfftwo\n")
    (tmp_path / "large").write_text("x" * 100)
    git(tmp_path, "add", "--all")
    message = "Say (#3)\n\nWhy.\n\nReviewed-by: Maria\nApproved-by: Ben\n"
    git(tmp_path, "commit", "--quiet", f"--message={message}")
    return tmp_path


def test_files_are_read_by_id_and_by_path_and_what_is_none_is_left_out(repository: Path) -> None:
    where = Git(repository, "a test")
    blob = git(repository, "rev-parse", "HEAD:a folder/b.txt").strip()
    large = git(repository, "rev-parse", "HEAD:large").strip()
    names = ["HEAD:a folder/b.txt", blob, "HEAD:large", "HEAD:none", "HEAD:a folder", "0" * 40]
    names += ["HEAD:no blob", "HEAD:no blob 5"]
    found = read_objects(where, names, 50)
    assert found == {
        "HEAD:a folder/b.txt": Blob(blob, b"one\n\xfftwo\n"),
        blob: Blob(blob, b"one\n\xfftwo\n"),
        "HEAD:large": Blob(large, None),
    }


def test_only_large_files_and_nothing_at_all_are_no_trouble(repository: Path) -> None:
    where = Git(repository, "a test")
    assert read_objects(where, [], 50) == {}
    assert read_objects(where, ["HEAD:large"], 50)["HEAD:large"].content is None


def test_commits_tell_who_wrote_them_and_who_reviewed(repository: Path) -> None:
    where = Git(repository, "a test")
    first = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "commit", "--quiet", "--allow-empty", "--message=Plain")
    second = git(repository, "rev-parse", "HEAD").strip()
    assert read_commits(where, [second, first, second]) == {
        second: CommitFacts("test", "Plain", ()),
        first: CommitFacts("test", "Say (#3)", ("Maria", "Ben")),
    }
    assert read_commits(where, []) == {}


def test_a_commit_that_is_not_there_is_an_error(repository: Path) -> None:
    with pytest.raises(OutsideError, match="a test"):
        read_commits(Git(repository, "a test"), ["0" * 40])
