from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.champion import Champion, champion_path, render_champion
from pipeline.proposing.champion_history import champion_history
from tests.repository import commit, git

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
MODEL = "flight-delay"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, "Start")
    return tmp_path


def save(root: Path, day: int, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = champion_path(root, MODEL)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"2013-05-{day:02}T00:00:00Z")
    commit(root, f"Day {day}")


def pointer(digest: str, previous: str | None = None, reason: str = "it is better") -> str:
    return render_champion(
        Champion(
            schema=1,
            model=MODEL,
            digest=digest,
            package_md5="d" * 32 + ".dir",
            as_of=datetime(2013, 4, 3, tzinfo=UTC),
            approved_by="a person",
            reason=reason,
            previous=previous,
        )
    )


def days(root: Path) -> list[tuple[str, int]]:
    return [(reign.digest, reign.since.day) for reign in champion_history(root, MODEL)]


def test_without_a_pointer_nobody_reigned(root: Path) -> None:
    assert champion_history(root, MODEL) == ()


def test_a_reign_begins_with_the_commit_that_brought_its_digest(root, monkeypatch) -> None:
    save(root, 1, pointer(A), monkeypatch)
    save(root, 3, pointer(B, A), monkeypatch)
    save(root, 5, pointer(B, A, "better still"), monkeypatch)
    assert days(root) == [(B, 3), (A, 1)]


def test_after_a_rollback_the_first_champion_reigns_again(root, monkeypatch) -> None:
    save(root, 1, pointer(A), monkeypatch)
    save(root, 3, pointer(B, A), monkeypatch)
    save(root, 5, pointer(A, B), monkeypatch)
    assert days(root) == [(A, 5), (B, 3), (A, 1)]


def test_a_commit_with_a_broken_pointer_ends_no_reign(root, monkeypatch) -> None:
    save(root, 1, pointer(A), monkeypatch)
    save(root, 3, "digest: nonsense\n", monkeypatch)
    save(root, 5, pointer(A), monkeypatch)
    assert days(root) == [(A, 1)]


def test_a_merged_champion_serves_since_its_merge(root, monkeypatch) -> None:
    git(root, "switch", "--quiet", "--create", "retrain")
    save(root, 3, pointer(A), monkeypatch)
    git(root, "switch", "--quiet", "main")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2013-05-09T00:00:00Z")
    git(root, "merge", "--quiet", "--no-ff", "--message=Merge", "retrain")
    assert days(root) == [(A, 9)]
