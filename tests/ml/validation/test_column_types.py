"""Which dtypes can hold a type, and which values cannot."""

import numpy as np
import pandas as pd
import pytest

from tests.ml.validation.schema_rows import N, faults, named, only, rows, with_value


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("temp", "warm"),
        ("seats", 2.5),
        ("seats", "2"),
        ("origin", 7),
        ("is_holiday", 3),
        ("is_holiday", "yes"),
        ("label", 2.0),
        ("label", 0.5),
        ("id", 7),
    ],
)
def test_one_value_of_a_wrong_type_is_found(column: str, value: object) -> None:
    fault = only(with_value(column, value))
    assert (fault.check, fault.column) == ("type", column)
    assert fault.examples[-1] == str(value) or fault.rows_affected > 1


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("temp", ["1"] * N),
        ("temp", [True, False] * (N // 2)),
        ("temp", [1j] * N),
        ("seats", [1.5] * N),
        ("origin", list(range(N))),
        ("is_holiday", ["yes"] * N),
        ("planned_at", ["2013-01-01"] * N),
        ("planned_at", list(range(N))),
        ("id", list(range(N))),
        ("event_time", ["2013-01-01"] * N),
    ],
)
def test_a_column_of_a_wrong_type_is_found_in_every_row(column: str, values: list) -> None:
    fault = only(rows(**{column: values}))
    assert (fault.check, fault.column, fault.rows_affected) == ("type", column, N)


def test_built_in_times_need_their_zone_and_it_must_be_utc() -> None:
    naive = rows()["event_time"].dt.tz_localize(None)
    elsewhere = rows()["event_time"].dt.tz_convert("America/New_York")
    assert named(rows(available_at=naive)) == {("type", "available_at")}
    assert named(rows(available_at=elsewhere)) == {("type", "available_at")}
    assert not faults(rows(planned_at=naive))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("seats", pd.Series([1.0, 2.0] * (N // 2))),
        ("seats", pd.Series([1, 2] * (N // 2), dtype="Int64")),
        ("temp", pd.Series([1, 2] * (N // 2), dtype="Int64")),
        ("temp", pd.Series([1.0, None] + [3.0] * (N - 2), dtype="Float64")),
        ("is_holiday", pd.Series([1, 0] * (N // 2))),
        ("is_holiday", pd.Series([True, False] * (N // 2), dtype="boolean")),
        ("is_holiday", pd.Series([True, False] * (N // 2), dtype=object)),
        ("origin", pd.Series(["EWR", "JFK"] * (N // 2), dtype="category")),
        ("origin", pd.Series(["EWR", "JFK"] * (N // 2), dtype=object)),
        ("label", pd.Series([1, 0] * (N // 2), dtype="Int64")),
        ("label", pd.Series([1, 0] * (N // 2), dtype="int8")),
        ("label", pd.Series([True, False] * (N // 2))),
    ],
)
def test_every_dtype_that_can_hold_the_type_serves(column: str, values: pd.Series) -> None:
    assert not faults(rows(**{column: values}))


def test_a_boolean_among_numbers_is_no_number() -> None:
    cells = np.full(N, 20.0, dtype=object)
    cells[[3, 7]] = [True, np.False_]
    fault = only(rows(temp=pd.Series(cells)))
    assert (fault.check, fault.rows_affected) == ("type", 2)


def test_lists_and_other_objects_are_a_fault_and_no_crash() -> None:
    assert ("type", "ticket") in named(rows(ticket=[[i] for i in range(N)]))
    assert ("type", "origin") in named(rows(origin=[{"a": 1}] * N))
