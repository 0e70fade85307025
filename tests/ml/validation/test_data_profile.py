"""What a profile says of a frame."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import Column, Schema
from pipeline.errors import ConfigurationError
from pipeline.ml.validation.data_profile import PROFILE_FORMAT, profile_frame, require_profile
from tests.ml.validation.profile_rows import ROWS, SCHEMA, N, rows


def test_the_profile_counts_rows_days_and_labels() -> None:
    profile = profile_frame(rows(), SCHEMA)
    assert profile["rows"] == N
    assert profile["days"] == 99.75
    assert profile["rows_per_day"] == pytest.approx(N / 99.75)
    assert profile["first_event"] == "2013-01-01T00:00:00Z"
    assert profile["label"] == {"coverage": 0.9, "rate": pytest.approx(100 / 360)}


def test_an_empty_frame_has_a_profile_too() -> None:
    profile = profile_frame(rows()[:0], SCHEMA)
    assert (profile["rows"], profile["label"]["rate"]) == (0, None)
    json.dumps(profile, allow_nan=False)


def test_columns_that_the_frame_lacks_are_left_out() -> None:
    assert "temp" not in profile_frame(rows().drop(columns="temp"), SCHEMA)["columns"]


def test_a_profile_of_twenty_five_columns_takes_a_few_kilobytes() -> None:
    wide = Schema(rows=ROWS, columns={f"x{i}": Column(type="number") for i in range(25)})
    frame = rows().assign(**{f"x{i}": rows(seed=i)["temp"] for i in range(25)})
    assert len(json.dumps(profile_frame(frame, wide))) < 15_000


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_the_profile_is_plain_json_and_the_same_for_any_order_of_rows(seed: int) -> None:
    frame = rows(seed=seed)
    profile = profile_frame(frame, SCHEMA)
    assert json.loads(json.dumps(profile, allow_nan=False)) == profile
    shuffled = frame.sample(frac=1, random_state=seed)
    assert profile_frame(shuffled, SCHEMA) == profile


def test_another_format_is_refused_with_what_to_do() -> None:
    require_profile({"format": PROFILE_FORMAT}, "here")
    with pytest.raises(ConfigurationError, match="package the champion again"):
        require_profile({"format": 0}, "here")
