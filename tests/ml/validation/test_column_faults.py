"""Nulls, repeats, label times and numbers of categories: what only a whole column knows."""

import numpy as np
import pytest

from pipeline.config import Column, Schema
from pipeline.ml.built_in import BUILT_IN
from tests.ml.validation.schema_rows import ROWS, START, N, faults, named, only, rows, with_value


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
