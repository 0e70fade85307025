"""A change of units inside a window is found with its day."""

import pandas as pd

from pipeline.domain import Verdict
from pipeline.ml.validation.units_break import check_units_break
from tests.ml.validation.frame_rows import SCHEMA, START, rows


def test_a_change_of_units_inside_the_window_is_found_with_its_day() -> None:
    frame = rows(a_day=40)
    since = START + pd.Timedelta(days=33)
    celsius = frame["temp"].where(frame["event_time"] < since, (frame["temp"] - 32) / 1.8)
    (fault,) = check_units_break(frame.assign(temp=celsius), SCHEMA)
    assert (fault.severity, fault.check, fault.column) == (Verdict.FAIL, "units_break", "temp")
    assert fault.since == "2013-02-03T00:00:00Z"
    assert fault.rows_affected == 27 * 40
    assert "°C" in fault.found


def test_rows_in_any_order_have_the_same_break() -> None:
    frame = rows(a_day=40)
    late = frame["event_time"] >= START + pd.Timedelta(days=20)
    frame["distance"] = frame["distance"].where(~late, frame["distance"] * 1.609344)
    shuffled = frame.sample(frac=1, random_state=1)
    (fault,) = check_units_break(frame, SCHEMA)
    assert list(check_units_break(shuffled, SCHEMA)) == [fault]
    assert fault.since in {f"2013-01-{day}T00:00:00Z" for day in (20, 21, 22)}


def test_a_window_without_a_break_says_so() -> None:
    (finding,) = check_units_break(rows(a_day=40), SCHEMA)
    assert finding.severity is Verdict.PASS
    assert finding.found == "2 columns with a known unit keep it"
