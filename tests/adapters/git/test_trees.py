"""The files of a commit, from a real repository, without a checkout."""

import hashlib
from pathlib import Path

import pytest

from pipeline.adapters.git.trees import MAX_BYTES, Tree, changed_paths, is_newest_of, merge_base
from pipeline.errors import OutsideError
from tests.repository import commit, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "räksmörgås.bin").write_bytes(bytes(range(256)))
    (tmp_path / "a" / "link").symlink_to("/etc/passwd")
    (tmp_path / "b.txt").write_text("first\r\n", newline="")
    commit(tmp_path, "Start")
    return tmp_path


def test_a_file_is_read_byte_by_byte(repository: Path) -> None:
    tree = Tree(repository, "main")
    assert tree.paths == {"a/räksmörgås.bin", "b.txt"}
    assert tree.read("a/räksmörgås.bin") == bytes(range(256))
    assert tree.read("b.txt") == b"first\r\n"
    assert tree.files_below("a/") == {"räksmörgås.bin": bytes(range(256))}


def test_a_link_is_no_file(repository: Path) -> None:
    tree = Tree(repository, "main")
    assert tree.read("a/link") is None
    assert tree.links == {"a/link"}


def test_only_a_branch_of_that_prefix_makes_a_commit_ours(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    here = tmp_path_factory.mktemp("clone")
    git(here, "clone", "--quiet", str(repository), ".")
    head = git(repository, "rev-parse", "HEAD").strip()
    for branch in ("own", "mine/refs/heads/own/a"):
        git(repository, "update-ref", f"refs/heads/{branch}", head)
    assert not is_newest_of(here, head, "own/")
    git(repository, "update-ref", "-d", "refs/heads/own")
    git(repository, "update-ref", "refs/heads/own/a", head)
    assert is_newest_of(here, head, "own/")
    assert not is_newest_of(here, head[:12], "own/")
    commit(repository, "Newer")
    git(repository, "update-ref", "refs/heads/own/a", "HEAD")
    assert not is_newest_of(here, head, "own/")


def test_a_submodule_is_no_file(repository: Path) -> None:
    module = f"160000,{git(repository, 'rev-parse', 'HEAD').strip()},module"
    git(repository, "update-index", "--add", "--cacheinfo", module)
    git(repository, "commit", "--quiet", "--message=Add a submodule")
    tree = Tree(repository, "main")
    assert tree.read("module") is None
    assert tree.links == {"a/link", "module"}


def test_digests_are_those_of_the_commit_not_of_the_checkout(repository: Path) -> None:
    (repository / "b.txt").write_text("changed since")
    expected = {"b.txt": hashlib.md5(b"first\r\n").hexdigest()}  # noqa: S324 (DVC's digest)
    assert Tree(repository, "main").md5s(["b.txt", "missing"]) == expected


def test_the_files_of_a_commit_are_read_in_two_processes_however_many_they_are(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (repository / "a" / f"{number}.txt").write_text(f"{number} of {repository}")
    commit(repository, "Many")
    tree = Tree(repository, "main")
    log = tmp_path_factory.mktemp("trace") / "log"
    monkeypatch.setenv("GIT_TRACE2", str(log))
    assert len(tree.files_below("a/")) == 21
    assert len(tree.md5s(tree.paths)) == 22
    assert len(tree.md5s(tree.paths)) == 22  # known by now
    started = [line for line in log.read_text().splitlines() if " start " in line]
    assert len([line for line in started if "cat-file" in line]) == 4
    assert len([line for line in started if "ls-tree" in line]) == 1


def test_a_file_whose_content_is_not_here_says_what_to_do(repository: Path) -> None:
    tree = Tree(repository, "main")
    blob = tree.blob("b.txt")
    assert blob is not None
    (repository / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(OutsideError, match=f"{blob}: not in this repository. Fetch it"):
        tree.read("b.txt")


def test_both_names_of_a_renamed_file_have_changed(repository: Path) -> None:
    git(repository, "switch", "--quiet", "--create", "work")
    git(repository, "mv", "b.txt", "c.txt")
    commit(repository, "Rename")
    base = merge_base(repository, "main", "work")
    assert changed_paths(repository, base, "work") == ("b.txt", "c.txt")


@pytest.mark.parametrize("name", ["nothing", "--help", "main:b.txt", "a" * 40])
def test_what_is_no_commit_is_refused(repository: Path, name: str) -> None:
    with pytest.raises(OutsideError, match="no commit"):
        Tree(repository, name)


def test_a_huge_file_is_refused(repository: Path) -> None:
    (repository / "huge").write_bytes(b"\0" * (MAX_BYTES + 1))
    commit(repository, "Too much")
    with pytest.raises(OutsideError, match="more than"):
        Tree(repository, "main").read("huge")


def test_branches_that_share_nothing_are_refused(repository: Path) -> None:
    git(repository, "switch", "--quiet", "--orphan", "alone")
    commit(repository, "Alone")
    with pytest.raises(OutsideError, match="shares no commit"):
        merge_base(repository, "main", "alone")
