"""Ranges, infinite values and categories, and schemas that contradict themselves."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import Column, Schema
from pipeline.errors import ConfigurationError
from pipeline.ml.validation.pandera_schema import as_pandera
from pipeline.ml.validation.schema import check_schema
from tests.ml.validation.schema_rows import ROWS, SCHEMA, N, only, rows, with_value


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


def test_an_unknown_category_is_counted_and_shown() -> None:
    fault = only(with_value("origin", "EWR "))
    assert (fault.check, fault.rows_affected, fault.examples) == ("categories", 1, ("EWR ",))
    assert fault.since == "2013-01-08T00:00:00Z"


def test_a_contradicting_schema_names_all_its_faults() -> None:
    schema = Schema(
        rows=ROWS,
        columns={"label": Column(type="integer"), "x": Column(type="number", categories=("a",))},
    )
    with pytest.raises(ConfigurationError) as error:
        as_pandera(schema)
    assert len(error.value.faults) == 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-60, 150) | st.none(), min_size=N, max_size=N))
def test_the_range_counts_exactly_the_values_outside(values: list) -> None:
    found = check_schema(rows(temp=pd.Series(values, dtype=float)), SCHEMA, block_rows=9)
    expected = sum(value is not None and not -40 <= value <= 130 for value in values)
    assert sum(f.rows_affected for f in found if f.check == "range") == expected
