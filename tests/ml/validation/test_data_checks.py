"""Frames that can be trained on and frames that cannot."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain import Verdict
from pipeline.errors import ConfigurationError
from pipeline.ml.incident import verdict
from pipeline.ml.validation.data_checks import check_frame
from pipeline.ml.validation.data_profile import profile_frame
from tests.ml.validation.frame_rows import AS_OF, SCHEMA, failed, params, rows


def check(frame: pd.DataFrame, champion: pd.DataFrame | None = None, **options: object) -> list:
    profile = None if champion is None else profile_frame(champion, SCHEMA)
    return check_frame(
        frame,
        SCHEMA,
        params(**options),
        as_of=AS_OF,
        label_maturity_hours=24,
        recent_days=30,
        profile=profile_frame(frame, SCHEMA),
        champion_profile=profile,
    )


def test_ordinary_rows_pass_every_check_with_and_without_a_champion() -> None:
    assert verdict(check(rows())) is Verdict.PASS
    assert verdict(check(rows(seed=1), champion=rows(seed=2))) is Verdict.PASS


def test_without_a_champion_it_is_said_that_nothing_was_compared() -> None:
    assert "champion_profile" in {f.check for f in check(rows())}
    assert "champion_profile" not in {f.check for f in check(rows(), champion=rows())}


def test_every_check_says_something_even_when_it_passes() -> None:
    assert {f.check for f in check(rows(), champion=rows())} == {
        *("rows", "label_coverage", "recent_label_coverage", "label_classes", "label_rate"),
        *("future", "available_ahead", "constant"),
        *("units_break", "null_flood", "units_jump", "row_rate", "vocabulary"),
    }


def test_an_empty_window_is_one_fault_and_no_crash() -> None:
    assert failed(check(rows()[:0], champion=rows())) == [("empty_window", None)]


def test_a_profile_of_another_format_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="format"):
        check_frame(
            rows(),
            SCHEMA,
            params(),
            as_of=AS_OF,
            label_maturity_hours=24,
            recent_days=30,
            profile=profile_frame(rows(), SCHEMA),
            champion_profile={"format": 99},
        )


@settings(max_examples=30, deadline=None)
@given(
    column=st.sampled_from(["event_time", "label", "temp", "origin", "label_available_at"]),
    kind=st.sampled_from(["missing", "text", "null", "object"]),
    with_champion=st.booleans(),
)
def test_a_broken_column_never_crashes_the_checks(
    column: str, kind: str, with_champion: bool
) -> None:
    frame = rows(days=20)
    if kind == "missing":
        frame = frame.drop(columns=column)
    else:
        value = {"text": "x", "null": None, "object": [[1]] * len(frame)}[kind]
        frame = frame.assign(**{column: value})
    assert check(frame, champion=rows() if with_champion else None)
