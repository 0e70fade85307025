"""Faults of values are counted over blocks, with few examples and the first event."""

import numpy as np
import pytest

from pipeline.ml.built_in import BUILT_IN
from tests.ml.validation.schema_rows import SCHEMA, N, faults, named, only, rows


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


def test_blocks_of_rows_change_nothing_that_is_said() -> None:
    frame = rows(seats=0, origin="LGA", temp=np.where(np.arange(N) < 25, 20.0, 999.0))
    assert faults(frame, block_rows=7) == faults(frame, block_rows=1000)


def test_at_most_three_examples_are_kept_however_many_rows_fail() -> None:
    fault = only(rows(temp=np.arange(200.0, 200 + N)))
    assert fault.rows_affected == N
    assert fault.examples == ("200.0", "201.0", "202.0")


def test_any_index_will_do() -> None:
    frame = rows(temp=np.where(np.arange(N) == 7, 999.0, 20.0)).set_index(np.zeros(N, dtype=int))
    fault = only(frame)
    assert (fault.rows_affected, fault.since) == (1, "2013-01-08T00:00:00Z")
