"""What an incident says, and that nothing from the data can act in it."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import Verdict
from pipeline.ml.incident import (
    Finding,
    as_code,
    examples_of,
    first_event,
    render_incident,
    verdict,
)

CONTEXT = {"model": "flight-delay", "stage": "validate", "as_of": "2013-07-02T00:00:00Z"}
HOSTILE = "`</code>**@team** <img src=x onerror=alert(1)> #1 [x](http://evil.example) | ~~a~~"


def fault(**changes: object) -> Finding:
    base = {
        "check": "range",
        "column": "temp",
        "severity": Verdict.FAIL,
        "found": "312 of 5,000 rows outside",
        "expected": "0 to 110",
        "rows_affected": 312,
        "examples": ("9999",),
        "mend": "look at the sensor",
        "since": "2013-06-05T10:00:00Z",
    }
    return Finding(**{**base, **changes})


def passed(check: str = "rows") -> Finding:
    return Finding(check, None, Verdict.PASS, "5,000 rows", "at least 100")


def outside_code(markdown: str) -> str:
    """The text with its code spans taken out, as CommonMark finds them."""
    return re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", markdown)


def test_no_finding_at_all_is_an_error_and_not_a_pass() -> None:
    assert verdict([]) is Verdict.ERROR


def test_the_worst_finding_is_the_verdict() -> None:
    assert verdict([passed(), fault(), passed()]) is Verdict.FAIL
    assert verdict([passed(), fault(severity=Verdict.ERROR)]) is Verdict.ERROR
    assert verdict([passed()]) is Verdict.PASS


def test_the_incident_says_what_where_since_when_and_what_to_do() -> None:
    text = render_incident([passed(), fault()], CONTEXT)
    assert text.startswith("# Data incident: flight-delay was not retrained\n")
    for part in (
        "**1 fault in the data.**",
        "- **Since:** 2013-06-05T10:00:00Z",
        "1. **range** in `temp` · 312 rows since 2013-06-05T10:00:00Z",
        "   - found: 312 of 5,000 rows outside",
        "   - expected: 0 to 110",
        "   - for example: `9999`",
        "   - what to do: look at the sensor",
        "## What to do",
    ):
        assert part in text


def test_a_small_incident_fits_on_one_screen() -> None:
    text = render_incident([fault(), fault(column="dewp"), passed()], CONTEXT)
    assert len(text.splitlines()) <= 40


def test_faults_come_before_passes_and_errors_before_all() -> None:
    broken = fault(check="broken", severity=Verdict.ERROR)
    text = render_incident([passed("calm"), fault(check="range"), broken], CONTEXT)
    assert text.index("broken") < text.index("range") < text.index("calm")


def test_faults_of_whole_rows_come_before_faults_of_columns() -> None:
    text = render_incident([fault(), fault(check="empty_window", column=None)], CONTEXT)
    assert text.index("empty_window") < text.index("**range**")


def test_without_a_fault_it_does_not_speak_of_an_incident() -> None:
    text = render_incident([passed()], CONTEXT)
    assert "incident" not in text.casefold()
    assert "no fault found" in text


def test_an_unknown_context_key_is_left_out() -> None:
    assert "secret" not in render_incident([fault()], {**CONTEXT, "token": "secret"})


def test_a_thousand_faults_stay_below_what_github_accepts() -> None:
    wide = [fault(column=HOSTILE * 9, examples=(HOSTILE * 9,) * 3, found="x" * 5000)] * 1000
    text = render_incident(wide, CONTEXT)
    assert len(text) < 65_536
    assert "and 900 more in report.json" in text


@pytest.mark.parametrize("where", ["column", "examples", "found", "expected", "mend", "check"])
def test_hostile_text_in_any_field_stays_in_a_code_span(where: str) -> None:
    value = (HOSTILE,) if where == "examples" else HOSTILE
    left = outside_code(render_incident([fault(**{where: value})], CONTEXT))
    for active in ("@team", "<img", "[x]", "#1", "~~a", "evil.example"):
        assert active not in left


def test_hostile_context_stays_in_a_code_span() -> None:
    left = outside_code(render_incident([fault()], {"source": HOSTILE, "model": HOSTILE}))
    assert "<img" not in left
    assert "@team" not in left


def test_line_breaks_and_bidirectional_marks_are_spelt_out() -> None:
    assert as_code("a\n# b\u202ec") == "`a\\u000a# b\\u202ec`"


def test_words_with_underscores_stay_readable() -> None:
    text = render_incident([fault(mend="raise max_null_fraction in params.yaml")], CONTEXT)
    assert "what to do: raise max_null_fraction in params.yaml" in text


@given(st.text(max_size=200))
def test_any_text_becomes_exactly_one_code_span_on_one_line(text: str) -> None:
    code = as_code(text)
    assert len(code.splitlines()) == 1
    assert outside_code(code) == ""
    code.encode()


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_adds_a_line_or_a_mention_to_the_incident(column: str, found: str) -> None:
    plain = render_incident([fault(column="c", found="f")], CONTEXT)
    text = render_incident([fault(column=column, found=found)], CONTEXT)
    assert len(text.splitlines()) == len(plain.splitlines())
    assert "@" not in outside_code(text)
    assert outside_code(text).count("<") == outside_code(plain).count("<")


def test_examples_are_three_different_values_cut_to_sixty_characters() -> None:
    assert examples_of([1, 1, 2, 3, 4]) == ("1", "2", "3")
    (cut,) = examples_of(["x" * 100])
    assert len(cut) == 60
    assert cut.endswith("…")


def test_the_first_event_is_the_earliest_and_nothing_has_none() -> None:
    times = pd.Series(pd.to_datetime(["2013-02-01", "2013-01-01"], utc=True))
    assert first_event(times) == "2013-01-01T00:00:00Z"
    assert first_event(times[:0]) is None
    assert first_event(pd.Series(["2013-01-01"])) is None
    assert first_event(None) is None
