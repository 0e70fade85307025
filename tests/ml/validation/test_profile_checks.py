"""Null floods, other units and another rate of rows than the champion's."""

import numpy as np
import pandas as pd
import pytest

from pipeline.config import Column, Schema
from pipeline.domain import Verdict
from pipeline.ml.incident import Finding
from pipeline.ml.validation.data_profile import profile_frame
from pipeline.ml.validation.profile_checks import check_null_flood, check_row_rate, check_units
from tests.ml.validation.frame_rows import A_DAY, DAYS, ROWS, SCHEMA, failed, rows


def flooded(share: float, was: float = 0.0) -> list[Finding]:
    frame, champion = rows(), rows(seed=1)
    part = np.arange(len(frame)) / len(frame)
    frame = frame.assign(temp=frame["temp"].mask(part >= 1 - share))
    champion = champion.assign(temp=champion["temp"].mask(part < was))
    profiles = [profile_frame(one, SCHEMA) for one in (frame, champion)]
    return list(check_null_flood(frame, *profiles))


def test_a_null_flood_is_found_with_the_day_it_began() -> None:
    (fault,) = flooded(0.5)
    assert (fault.severity, fault.column) == (Verdict.FAIL, "temp")
    assert fault.since == "2013-01-31T00:00:00Z"
    assert fault.rows_affected == DAYS * A_DAY // 2


@pytest.mark.parametrize(
    ("share", "was", "is_flood"),
    [
        (0.05, 0.0, False),
        (0.06, 0.0, True),
        (0.4, 0.1, False),
        (0.6, 0.1, True),
        (0.05, 0.005, False),
    ],
)
def test_a_flood_is_both_five_times_and_five_points_more(
    share: float, was: float, is_flood: bool
) -> None:
    assert bool(failed(flooded(share, was))) is is_flood


@pytest.mark.parametrize(
    ("share", "was", "is_flood"),
    [
        (0.64, 0.3, False),
        (0.66, 0.3, True),
        (0.79, 0.6, False),
        (0.81, 0.6, True),
        (0.99, 0.7, False),
    ],
)
def test_where_many_are_null_already_a_flood_is_half_of_the_values_gone(
    share: float, was: float, is_flood: bool
) -> None:
    assert bool(failed(flooded(share, was))) is is_flood


def units(frame: pd.DataFrame, champion: pd.DataFrame) -> list[tuple[str, str | None]]:
    profiles = [profile_frame(one, SCHEMA) for one in (frame, champion)]
    return failed(check_units(*profiles, SCHEMA, ratio=3.0))


def test_a_column_in_other_units_than_the_champions_is_found() -> None:
    frame = rows()
    kilometres = frame.assign(distance=frame["distance"] * 1.609344)
    assert units(kilometres, rows(seed=1)) == [("units_jump", "distance")]
    assert units(frame, rows(seed=1)) == []


def test_a_column_that_changed_its_type_is_not_compared() -> None:
    as_text = Schema(rows=ROWS, columns={"distance": Column(type="category")})
    old = profile_frame(rows().assign(distance="far"), as_text)
    now = profile_frame(rows(), SCHEMA)
    assert not failed(check_units(now, old, SCHEMA, ratio=3.0))


def rate(frame: pd.DataFrame, champion: pd.DataFrame) -> list[Finding]:
    profiles = [profile_frame(one, SCHEMA) for one in (frame, champion)]
    return list(check_row_rate(frame, *profiles, band=(0.5, 2.0)))


def test_a_third_and_three_times_the_rows_a_day_are_faults() -> None:
    assert failed(rate(rows()[::3], rows())) == [("row_rate", None)] * 2
    assert failed(rate(rows(a_day=60), rows())) == [("row_rate", None)] * 2
    assert not failed(rate(rows(a_day=30), rows()))


def test_a_feed_that_thinned_out_last_week_is_found_in_a_long_window() -> None:
    frame = rows()
    last_week = frame["event_time"] > frame["event_time"].max() - pd.Timedelta(days=7)
    thinned = frame[~last_week | (np.arange(len(frame)) % 4 == 3)]
    whole, newest = rate(thinned, rows())
    assert whole.severity is Verdict.PASS
    assert newest.severity is Verdict.FAIL
