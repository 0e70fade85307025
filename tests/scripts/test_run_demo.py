"""What the demo is asked to do; its year is tests/demo's."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import run_demo


@pytest.mark.parametrize(("option", "code"), [("--help", 0), ("--keep", 2)])
def test_nothing_is_touched_unless_the_demo_is_asked_for(
    option: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".demo").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_demo.signal, "signal", lambda *_: None)  # the tests' own stay
    monkeypatch.setattr(run_demo, "run", lambda root: (root / ".demo").rmdir())
    with pytest.raises(SystemExit) as ended:
        run_demo.main([option])
    assert ended.value.code == code
    assert (tmp_path / ".demo").exists()
    assert run_demo.main([]) == 0
    assert not (tmp_path / ".demo").exists()
