"""What a merge of a pull request would change, whatever its history looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.core.review.kind import Kind, kind_of
from pipeline.reviewing.facts import Commits, commits_of
from tests.repository import commit, git

CHAMPION, POLICY = "rollouts/m/champion.yaml", "configs/gates.yaml"
REPORT = "artifacts/report/report.md"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A main whose champion and policy changed before a branch that is older was merged."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    put(tmp_path, {CHAMPION: "first\n", POLICY: "loose\n"}, monkeypatch, day=1)
    git(tmp_path, "switch", "--quiet", "--create", "side")
    put(tmp_path, {"README.md": "better words\n"}, monkeypatch, day=4)
    git(tmp_path, "switch", "--quiet", "main")
    put(tmp_path, {CHAMPION: "second\n", POLICY: "strict\n"}, monkeypatch, day=2)
    git(tmp_path, "merge", "--quiet", "--no-ff", "--no-edit", "side")
    return tmp_path


def put(root: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch, day: int = 5) -> None:
    """Commit `files` on a day: of several commits that two branches share git takes the newest."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_DATE", f"2013-07-0{day}T00:00:00Z")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    commit(root, f"Day {day}")


def pull(root: Path) -> Commits:
    head = git(root, "rev-parse", "HEAD").strip()
    git(root, "checkout", "--quiet", "main")
    return commits_of(root, head)


def test_what_a_merge_would_bring_back_is_seen_though_the_branch_left_main_without_a_change(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Main before that merge, merged with the side branch, but with the files of the latter."""
    git(root, "checkout", "--quiet", "--detach", "main~1")
    git(root, "merge", "--quiet", "--no-commit", "side")
    put(root, {CHAMPION: "first\n", POLICY: "loose\n"}, monkeypatch)
    commits = pull(root)
    assert git(root, "diff", "--name-only", commits.base.commit, commits.head.commit) == ""
    assert commits.changed == (POLICY, CHAMPION)
    assert kind_of(commits.changes) is Kind.SERVING


def test_a_file_that_git_would_put_together_of_two_is_not_what_main_had_before(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"line {number}" for number in range(9)]
    texts = {at: "\n".join([*lines[:at], "another", *lines[at + 1 :]]) for at in (0, 8)}
    put(root, {REPORT: texts[8]}, monkeypatch)  # what the branch goes back to
    put(root, {REPORT: "\n".join(lines)}, monkeypatch)
    git(root, "switch", "--quiet", "--create", "mine")
    put(root, {REPORT: texts[8]}, monkeypatch)
    git(root, "switch", "--quiet", "main")
    put(root, {REPORT: texts[0]}, monkeypatch)
    git(root, "switch", "--quiet", "mine")
    commits = pull(root)
    assert commits.mixed == {REPORT}
    assert [change.is_restored for change in commits.changes] == [False]


def test_an_ordinary_branch_changes_what_it_changed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(root, "switch", "--quiet", "--create", "mine", "main~1")
    (root / POLICY).unlink()
    put(root, {"a b/é.txt": "new\n"}, monkeypatch)
    commits = pull(root)
    assert commits.changed == ("a b/é.txt", POLICY)
    assert commits.merged[POLICY] is None
    assert commits.mixed == frozenset()
