"""Every way in which rows can break the schema, each found, counted and dated."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import Column, RowRules, Schema
from pipeline.domain import Verdict
from pipeline.errors import ConfigurationError
from pipeline.ml.incident import Finding, verdict
from pipeline.ml.schema import BUILT_IN, as_pandera, check_schema

N = 40
START = pd.Timestamp("2013-01-01", tz="UTC")
ROWS = RowRules(min_rows=100, min_label_coverage=0.9, label_rate=(0.05, 0.6))
SCHEMA = Schema(
    rows=ROWS,
    columns={
        "temp": Column(type="number", min=-40, max=130, unit="°F", max_null_fraction=0.1),
        "seats": Column(type="integer", min=1),
        "origin": Column(type="category", categories=("EWR", "JFK")),
        "is_holiday": Column(type="boolean"),
        "planned_at": Column(type="time"),
        "ticket": Column(type="category", unique=True),
    },
)


def rows(**changes: object) -> pd.DataFrame:
    events = START + pd.to_timedelta(np.arange(N), unit="D")
    frame = pd.DataFrame(
        {
            "id": [f"row-{i}" for i in range(N)],
            "event_time": events,
            "available_at": events,
            "label": np.tile([0.0, 1.0], N // 2),
            "label_available_at": events + pd.Timedelta(hours=5),
            "temp": np.linspace(-40, 130, N),
            "seats": np.arange(1, N + 1),
            "origin": np.tile(["EWR", "JFK"], N // 2),
            "is_holiday": np.arange(N) % 7 == 0,
            "planned_at": events - pd.Timedelta(days=1),
            "ticket": [f"t{i}" for i in range(N)],
        }
    )
    return frame.assign(**changes)


def with_value(column: str, value: object, at: int = 7) -> pd.DataFrame:
    """The rows with one value replaced; as objects where the dtype cannot hold it."""
    frame = rows()
    values = frame[column].astype(object)
    values[at] = value
    return frame.assign(**{column: values.infer_objects()})


def faults(frame: pd.DataFrame, schema: Schema = SCHEMA, **options: int) -> list[Finding]:
    return [f for f in check_schema(frame, schema, **options) if f.severity is not Verdict.PASS]


def only(frame: pd.DataFrame) -> Finding:
    (fault,) = faults(frame)
    return fault


def named(frame: pd.DataFrame) -> set[tuple[str, str | None]]:
    return {(fault.check, fault.column) for fault in faults(frame)}


def test_rows_as_described_give_one_pass() -> None:
    (finding,) = check_schema(rows(), SCHEMA)
    assert finding.severity is Verdict.PASS
    assert finding.found == f"{N} rows of 11 columns as described"


@pytest.mark.parametrize("column", [*BUILT_IN, *SCHEMA.columns])
def test_a_missing_column_is_named(column: str) -> None:
    found = named(rows().drop(columns=column))
    assert found == {("missing_column", column)}


def test_an_empty_frame_still_misses_its_columns() -> None:
    assert ("missing_column", "temp") in named(rows()[:0].drop(columns="temp"))
    assert not faults(rows()[:0])


def test_an_unexpected_column_is_named() -> None:
    fault = only(rows(note="x"))
    assert (fault.check, fault.column) == ("unexpected_column", "note")
    assert fault.examples == ()


def test_a_column_given_twice_is_named_and_the_rest_still_checked() -> None:
    twice = pd.concat([rows(seats=0), rows()[["temp"]]], axis="columns")
    assert named(twice) == {("repeated_column", "temp"), ("range", "seats")}


def test_the_ends_of_a_range_are_allowed_and_values_beyond_are_not() -> None:
    fault = only(with_value("temp", 130.5))
    assert (fault.check, fault.column, fault.rows_affected) == ("range", "temp", 1)
    assert fault.expected == "-40 to 130 °F"
    assert fault.examples == ("130.5",)
    assert fault.since == "2013-01-08T00:00:00Z"
    assert fault.found == f"1 of {N} rows outside; values run from -40 to 130.5"


def test_a_range_with_one_end_says_so() -> None:
    fault = only(with_value("seats", 0))
    assert (fault.check, fault.expected) == ("range", "at least 1")


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_are_a_fault_of_their_own(value: float) -> None:
    fault = only(with_value("temp", value))
    assert (fault.check, fault.column, fault.rows_affected) == ("finite", "temp", 1)


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


def test_an_unknown_category_is_counted_and_shown() -> None:
    fault = only(with_value("origin", "EWR "))
    assert (fault.check, fault.rows_affected, fault.examples) == ("categories", 1, ("EWR ",))
    assert fault.since == "2013-01-08T00:00:00Z"


def test_too_many_categories_are_counted_with_their_rows() -> None:
    schema = Schema(rows=ROWS, columns={"c": Column(type="category", max_categories=2)})
    frame = rows()[list(BUILT_IN)].assign(c=["a"] * 20 + ["b"] * 17 + ["d"] * 2 + ["e"])
    (fault,) = faults(frame, schema)
    assert (fault.check, fault.rows_affected, fault.examples) == ("max_categories", 3, ("d", "e"))
    assert not faults(frame[:37], schema)


def test_nulls_up_to_the_limit_pass_and_one_more_fails() -> None:
    at_limit = rows().assign(temp=rows()["temp"].where(np.arange(N) >= 4))
    assert not faults(at_limit)
    fault = only(rows().assign(temp=rows()["temp"].where(np.arange(N) >= 5)))
    assert (fault.check, fault.column, fault.rows_affected) == ("nulls", "temp", 5)
    assert fault.found == f"5 of {N} values are null (12.50%)"
    assert fault.expected == "at most 10.00% nulls"


def test_a_column_of_nothing_but_nulls_is_one_fault() -> None:
    assert named(rows(temp=None)) == {("nulls", "temp")}
    assert named(rows(seats=np.nan)) == {("nulls", "seats")}


@pytest.mark.parametrize("column", ["id", "event_time", "available_at"])
def test_keys_are_never_null(column: str) -> None:
    assert ("nulls", column) in named(rows(**{column: rows()[column].where(np.arange(N) != 3)}))


def test_a_label_may_be_null_together_with_its_time() -> None:
    known = np.arange(N) % 3 > 0
    labels, times = rows()["label"].where(known), rows()["label_available_at"].where(known)
    assert not faults(rows(label=labels, label_available_at=times))


def test_a_label_without_a_time_or_from_before_its_event_is_a_fault() -> None:
    times = rows()["label_available_at"]
    fault = only(rows(label_available_at=times.where(np.arange(N) != 3)))
    assert (fault.check, fault.rows_affected, fault.examples) == ("label_time", 1, ("row-3",))
    early = only(rows(label_available_at=times.where(np.arange(N) != 3, START)))
    assert (early.check, early.rows_affected) == ("label_time", 1)
    assert not faults(rows(label_available_at=rows()["event_time"]))


def test_repeated_ids_are_counted_without_their_first_row() -> None:
    fault = only(rows(id=["same"] * 3 + [f"row-{i}" for i in range(3, N)]))
    assert (fault.check, fault.column, fault.rows_affected) == ("unique", "id", 2)
    assert fault.examples == ("same",)
    assert fault.since == "2013-01-02T00:00:00Z"


def test_a_unique_column_repeats_no_value_but_nulls_are_no_values() -> None:
    assert named(with_value("ticket", "t0")) == {("unique", "ticket")}
    two_nulls = rows(ticket=rows()["ticket"].where(np.arange(N) > 1))
    assert named(two_nulls) == {("nulls", "ticket")}


def test_all_faults_are_reported_at_once() -> None:
    frame = rows(seats=0, origin="LGA", id="same", label=3.0, note="x").drop(columns="temp")
    assert {
        ("missing_column", "temp"),
        ("unexpected_column", "note"),
        ("range", "seats"),
        ("categories", "origin"),
        ("unique", "id"),
        ("type", "label"),
    } <= named(frame)
    assert verdict(check_schema(frame, SCHEMA)) is Verdict.FAIL


def test_blocks_of_rows_change_nothing_that_is_said() -> None:
    frame = rows(seats=0, origin="LGA", temp=np.where(np.arange(N) < 25, 20.0, 999.0))
    assert faults(frame, block_rows=7) == faults(frame, block_rows=1000)


def test_at_most_three_examples_are_kept_however_many_rows_fail() -> None:
    fault = only(rows(temp=np.arange(200.0, 200 + N)))
    assert fault.rows_affected == N
    assert fault.examples == ("200.0", "201.0", "202.0")


def test_the_frame_is_left_as_it_was() -> None:
    frame = rows(seats=0)
    before = frame.copy(deep=True)
    check_schema(frame, SCHEMA)
    pd.testing.assert_frame_equal(frame, before)


def test_a_boolean_among_numbers_is_no_number() -> None:
    cells = np.full(N, 20.0, dtype=object)
    cells[[3, 7]] = [True, np.False_]
    fault = only(rows(temp=pd.Series(cells)))
    assert (fault.check, fault.rows_affected) == ("type", 2)


def test_any_index_will_do() -> None:
    frame = rows(temp=np.where(np.arange(N) == 7, 999.0, 20.0)).set_index(np.zeros(N, dtype=int))
    fault = only(frame)
    assert (fault.rows_affected, fault.since) == (1, "2013-01-08T00:00:00Z")


def test_lists_and_other_objects_are_a_fault_and_no_crash() -> None:
    assert ("type", "ticket") in named(rows(ticket=[[i] for i in range(N)]))
    assert ("type", "origin") in named(rows(origin=[{"a": 1}] * N))


def test_a_contradicting_schema_names_all_its_faults() -> None:
    schema = Schema(
        rows=ROWS,
        columns={"label": Column(type="integer"), "x": Column(type="number", categories=("a",))},
    )
    with pytest.raises(ConfigurationError) as error:
        as_pandera(schema)
    assert len(error.value.faults) == 2


WILD = st.sampled_from(
    [1, -3, 2.5, 1e300, np.nan, np.inf, None, True, "x", "", b"b", START, 1j, [1], (1,), pd.NaT]
)


@settings(max_examples=60, deadline=None)
@given(
    column=st.sampled_from([*BUILT_IN, *SCHEMA.columns]),
    values=st.lists(WILD, min_size=N, max_size=N),
)
def test_no_column_of_wild_objects_crashes_or_breaks_a_check(column: str, values: list) -> None:
    cells = np.empty(N, dtype=object)
    cells[:] = values
    findings = check_schema(rows(**{column: pd.Series(cells)}), SCHEMA)
    assert verdict(findings) is not Verdict.ERROR


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-60, 150) | st.none(), min_size=N, max_size=N))
def test_the_range_counts_exactly_the_values_outside(values: list) -> None:
    found = check_schema(rows(temp=pd.Series(values, dtype=float)), SCHEMA, block_rows=9)
    expected = sum(value is not None and not -40 <= value <= 130 for value in values)
    assert sum(f.rows_affected for f in found if f.check == "range") == expected
