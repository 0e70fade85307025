"""The files of a commit as they are read again and again, look by look."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.rolling import snapshot
from tests.rolling.rolled import Rolled


def cat_files(log: Path) -> int:
    """How often git was asked for contents since the last count."""
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return sum(" start " in line and "cat-file --batch" in line for line in lines)


def test_what_has_not_changed_is_not_read_again(
    world: Rolled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "trace"
    monkeypatch.setattr(snapshot, "_READ", {})
    monkeypatch.setenv("GIT_TRACE2", str(log))
    first = world.state()
    assert cat_files(log) == 2  # sizes and contents, of all files at once
    assert world.state().champion == first.champion
    assert cat_files(log) == 0


@pytest.mark.parametrize("bound", [("MAX_READ", 1), ("MAX_READ_BYTES", 10)])
def test_what_is_not_kept_is_read_again(
    world: Rolled, monkeypatch: pytest.MonkeyPatch, bound: tuple[str, int]
) -> None:
    known = world.state()
    monkeypatch.setattr(snapshot, "_READ", {})
    monkeypatch.setattr(snapshot, *bound)
    for _ in range(2):
        again = world.state()
        assert (again.champion, again.spec, again.status) == (
            known.champion,
            known.spec,
            known.status,
        )
