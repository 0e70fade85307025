"""A time that was not known at the event is found."""

import pandas as pd

from pipeline.ml.leakage.after_event import check_after_event
from tests.ml.leakage.leakage_rows import HOLDOUT, TRAIN, failed


def test_a_time_after_the_event_is_a_fault_and_at_the_event_is_not() -> None:
    mine = TRAIN.assign(weather_available_at=TRAIN["event_time"])
    theirs = HOLDOUT.assign(weather_available_at=HOLDOUT["event_time"])
    assert not failed(check_after_event(mine, theirs))
    theirs.loc[4, "weather_available_at"] += pd.Timedelta(seconds=1)
    (fault,) = check_after_event(mine, theirs)
    assert (fault.column, fault.rows_affected) == ("weather_available_at", 1)
    assert not failed(check_after_event(mine, theirs, known_ahead=["weather_available_at"]))


def test_times_without_a_zone_are_read_as_utc() -> None:
    late = (TRAIN["event_time"] + pd.Timedelta(hours=1)).dt.tz_localize(None)
    mine, theirs = TRAIN.assign(seen_at=late), HOLDOUT.assign(seen_at=pd.NaT)
    theirs["seen_at"] = theirs["seen_at"].astype(late.dtype)
    assert failed(check_after_event(mine, theirs)) == [("after_event", "seen_at")]


def test_when_the_warehouse_had_the_row_is_no_feature() -> None:
    late = TRAIN.assign(available_at=TRAIN["event_time"] + pd.Timedelta(hours=1))
    assert not failed(check_after_event(late, late))
