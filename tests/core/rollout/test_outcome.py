"""What a package says of its rollout: for endings alone, of its own challenger, and inert."""

from __future__ import annotations

import pytest

from pipeline.core.report.escape import code, escape_markdown
from pipeline.core.rollout.outcome import OUTCOMES, outcome_path, render_outcome
from pipeline.rollout_status import Kind, Phase, Record
from tests.core.hostile import TEXTS
from tests.rollouts import DAY, START, run_until, spec_of, world_of

DIGEST = f"sha256:{'e' * 64}"
HEAD = """\
| when (UTC) | record | phase | the challenger's traffic | verdict | why |
| --- | --- | --- | ---: | --- | --- |"""


def settled(challenger: str = "c") -> tuple[Record, ...]:
    """The records of a rollout that went well."""
    world = world_of(spec_of(challenger))
    run_until(world, Phase.PROMOTED, START)
    return world.status.records


def rows_of(text: str) -> list[list[str]]:
    table = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| 2013")]
    return [[cell.replace("\\", "") for cell in row] for row in table]


def test_only_an_ending_is_told_in_a_file_named_by_its_record() -> None:
    *stages, promoted, done = (outcome_path("x", record) for record in settled())
    assert stages == [None, None, None]
    assert (promoted, done) == ("x/outcome/0004-promoted.md", "x/outcome/0005-settled.md")
    assert set(OUTCOMES) == {Kind.PROMOTED, Kind.SETTLED, Kind.ENDED}


def test_every_transition_of_the_challenger_is_a_row_with_its_traffic() -> None:
    *earlier, last = settled()
    text = render_outcome(last, earlier, DIGEST)
    title, blank, reason, *_ = text.splitlines()
    assert (title, blank) == (f"# flight-delay {last.version}: Promoted", "")
    assert reason == escape_markdown(last.reason)
    assert f"\n\n{HEAD}\n| 2013" in text
    assert "|\n\nEach row is a record" in text
    assert [row[1:4] for row in rows_of(text)] == [
        ["0001-stage-1", "Progressing", "5 %"],
        ["0002-stage-2", "Progressing", "50 %"],
        ["0003-stage-3", "Progressing", "100 %"],
        ["0004-promoted", "Baking", "100 %"],
        ["0005-settled", "Promoted", "100 %"],
    ]
    assert rows_of(text)[0][0] == "2013-07-03 09:00"
    assert [row[4] for row in rows_of(text)] == ["", "PASS", "PASS", "PASS", "PASS"]
    assert f"is a record in {code('rollouts/flight-delay/status/')};" in text
    assert text.endswith(f"package {code(DIGEST)}, by the record {code(last.digest)}.\n")


def test_another_challenger_of_the_same_model_is_not_in_it() -> None:
    *mine, last = settled()
    others = settled("d")
    assert render_outcome(last, [*others, *mine], DIGEST) == render_outcome(last, mine, DIGEST)


@pytest.mark.parametrize("reason", TEXTS)
def test_a_hostile_reason_adds_no_row_and_no_line(reason: str) -> None:
    last = settled()[-1]
    plain = render_outcome(last.model_copy(update={"reason": "Well."}), (), DIGEST)
    found = render_outcome(last.model_copy(update={"reason": reason}), (), DIGEST)
    assert len(found.splitlines()) == len(plain.splitlines())
    assert len(rows_of(found)) == 1
    assert "<" not in found.replace("<code>", "").replace("</code>", "")


def test_the_time_of_a_row_is_that_of_its_decision() -> None:
    last = settled()[-1]
    later = last.model_copy(update={"at": last.at + DAY})
    assert rows_of(render_outcome(later, (), DIGEST))[0][0] == f"{later.at:%Y-%m-%d %H:%M}"
