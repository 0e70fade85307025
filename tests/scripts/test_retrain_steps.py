"""What follows the pipeline in a retrain: one step after the other, up to one that says no."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.retrain import run_steps

STEP = """
def main(options):
    with open("said", "a") as said:
        said.write(options[0])
    return int(options[1])
"""


@pytest.fixture(autouse=True)
def _steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_step.py").write_text(STEP)
    (tmp_path / "a_buggy_step.py").write_text("def main(options): return 1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("codes", "said", "code"), [("000", "abc", 0), ("030", "ab", 3)])
def test_the_first_that_does_not_end_well_is_the_last(codes: str, said: str, code: int) -> None:
    steps = [["a_step", name, each] for name, each in zip("abc", codes, strict=True)]
    assert run_steps(steps) == code
    assert Path("said").read_text() == said


def test_a_bug_is_no_gate_that_says_no() -> None:
    with pytest.raises(ZeroDivisionError):
        run_steps([["a_buggy_step"], ["a_step", "a", "0"]])
    assert not Path("said").exists()
