"""What the demo says of its users: who failed them is counted, never assumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.demo.load import Answer, Load
from pipeline.demo.show import Show
from tests.rollouts import spec_of

SPEC = spec_of()


def told(show: Show, capsys: pytest.CaptureFixture[str], *answers: Answer) -> str:
    show.loads.append(Load(port=1, questions=(), per_second=1.0, answers=list(answers)))
    show.tell()
    return capsys.readouterr().out


def test_errors_are_told_by_the_version_that_answered(capsys: pytest.CaptureFixture[str]) -> None:
    answers = (
        Answer(0.0, "ada", 200, SPEC.version),
        Answer(1.0, "ada", 500, SPEC.version),
        Answer(2.0, "ada", 500, SPEC.version),
        Answer(3.0, "ada", 503),
        Answer(4.0, "ada", 0),
    )
    found = told(Show(Path("x.png"), stopped=[SPEC]), capsys, *answers)
    assert "5 requests, 1 lost, 3 answered with an error\n" in found
    assert f"  2 by {SPEC.version}, which misbehaves, until it was stopped by itself\n" in found
    assert "  1 by no model server\n" in found


def test_a_promotion_alone_blames_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(Show(Path("x.png"), promoted=[SPEC]), capsys, Answer(0.0, "ada", 200, "v"))
    assert "1 requests, 0 lost, 0 answered with an error\n" in found
    assert "misbehaves" not in found
